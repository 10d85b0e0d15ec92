"""What a version said of its held-out slides: probabilities, embeddings, fold and centre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.heldout import HeldOut, unit
from napari_lookalike.core.results import ModelResults

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """One row per held-out slide, in the order of ``held``.

    Parameters
    ----------
    held
        True and predicted classes, patients (as numbers) and similarities.
    probabilities
        (n, n_classes).
    embeddings
        (n, embed_dim), length 1, each rotated from its fold's space into the final
        network's. The rotation is fitted on training slides and keeps every cosine within
        a fold; between folds it is imperfect, which scatters slides and so makes the
        figures of the geometry worse rather than better.
    fold
        int (n,) which fold held the slide out.
    centre
        (n,) centre or scanner; empty = not known.
    """

    held: HeldOut
    probabilities: Floats
    embeddings: Floats
    fold: NDArray[np.int64]
    centre: tuple[str, ...]

    @classmethod
    def of(cls, results: ModelResults, centre_of: Mapping[str, str]) -> Answers:
        """From a version's results.

        Parameters
        ----------
        results
            From `results.load_results`, or before they are written.
        centre_of
            slide_id -> centre; absent or empty = not known.

        Raises
        ------
        ModelError
            If its metrics name a slide that has no held-out result (train again).
        """
        stored = results.metrics.get("slides")
        if not stored or not stored["slide_ids"]:
            raise ModelError(
                "This model version has no held-out answers.", "Train it again with folds."
            )
        held = HeldOut.from_json(stored)
        lacking = [s for s in held.slide_ids if s not in results.slides]
        if lacking:
            raise ModelError(
                "The results of this model version are not whole.", "Train it again.", lacking[0]
            )
        said = [results.slides[s] for s in held.slide_ids]
        # Versions of before kept probabilities in their results only.
        kept = stored.get("probabilities") or [s.probabilities for s in said]
        p = np.asarray(kept, np.float64).reshape(-1, len(held.classes))
        return cls(
            held=held,
            probabilities=p,
            embeddings=unit(np.stack([s.embedding for s in said]).astype(np.float64)),
            fold=np.asarray(stored.get("fold") or [s.fold for s in said], np.int64),
            centre=tuple(centre_of.get(s, "") for s in held.slide_ids),
        )

    @property
    def confidence(self) -> Floats:
        """(n,) probability of the predicted class."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(n,) whether the most probable class is the true one."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.held.y)

    def with_probabilities(self, probabilities: Floats) -> Answers:
        """The same slides with other probabilities (tempered, say)."""
        return replace(self, probabilities=probabilities)
