"""A slide's nearest slides of another subtype, in the embedding space and never on the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_lookalike.core.results import ModelResults


@dataclass(frozen=True)
class Near:
    """A slide that lies near another.

    Parameters
    ----------
    slide_id
        The slide.
    label
        Its subtype.
    similarity
        Cosine of the two slide embeddings, -1 to 1.
    """

    slide_id: str
    label: str
    similarity: float


class OtherClass:
    """Looks up look-alikes across subtypes; made once for a model's results.

    Parameters
    ----------
    results
        Whose embeddings. They are kept in single precision, brought to length 1.
    label_of
        slide_id -> subtype; slides without one are nobody's look-alike.
    """

    def __init__(self, results: ModelResults, label_of: Mapping[str, str]) -> None:
        self._ids = tuple(results.slides)
        self._row = {slide_id: i for i, slide_id in enumerate(self._ids)}
        self._labels = np.array([label_of.get(s, "") for s in self._ids], object)
        vectors = np.array([s.embedding for s in results.slides.values()], np.float32)
        vectors = vectors.reshape(len(self._ids), -1 if len(self._ids) else 0)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._vectors = vectors / np.where(length > 0, length, 1)

    def of(self, slide_id: str, k: int = 3, label: str | None = None) -> tuple[Near, ...]:
        """The k nearest slides of another subtype, nearest first.

        Parameters
        ----------
        slide_id
            The slide.
        k
            How many; fewer where there are fewer.
        label
            Its subtype; ``None`` = its own label.

        Returns
        -------
        tuple of Near
            Empty where the slide has no label or is not in the results.
        """
        row = self._row.get(slide_id)
        label = str(self._labels[row]) if label is None and row is not None else label
        if row is None or not label:
            return ()
        others = np.flatnonzero((self._labels != label) & (self._labels != ""))
        similarity = self._vectors[others] @ self._vectors[row]
        k = min(k, len(others))
        if not k:
            return ()
        first = np.argpartition(-similarity, k - 1)[:k]
        first = first[np.argsort(-similarity[first], kind="stable")]
        return tuple(
            Near(self._ids[i], str(self._labels[i]), float(s))
            for i, s in zip(others[first].tolist(), similarity[first].tolist(), strict=True)
        )
