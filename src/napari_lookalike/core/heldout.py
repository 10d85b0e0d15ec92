"""Held-out predictions as plain arrays, the figures drawn from them, and their bootstrap.

Every figure is computed from per-patient counts, so a resample of patients is one row
of a matrix product and a thousand resamples take milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.model import CrossValidation

RESAMPLES = 1000
INTERVAL = (2.5, 97.5)
LEAST_VALID = 50
"""An interval is given only if the figure exists in at least so many resamples."""

Counts = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One row per held-out slide; all that evaluation needs.

    Parameters
    ----------
    classes
        Class names.
    slide_ids
        (n,).
    patient
        int (n,) number of the slide's patient: numbers, so that no identity is stored.
    y, predicted
        int (n,) true and predicted class.
    similarity
        float (n, n_classes) cosine between the slide's embedding and the mean of each
        class's training slides in its fold; NaN where that fold trained without the class.
    """

    classes: tuple[str, ...]
    slide_ids: tuple[str, ...]
    patient: NDArray[np.int64]
    y: NDArray[np.int64]
    predicted: NDArray[np.int64]
    similarity: NDArray[np.float64]

    @classmethod
    def of(cls, cv: CrossValidation) -> HeldOut:
        """From a cross-validation."""
        z = unit(np.asarray(cv.embeddings, np.float64))
        means = unit(np.asarray(cv.class_means, np.float64))
        similarity = np.einsum("ne,nce->nc", z, means[np.asarray(cv.fold)])
        _, patient = np.unique(np.asarray(cv.groups, dtype=object).astype(str), return_inverse=True)
        return cls(
            classes=tuple(cv.classes),
            slide_ids=tuple(cv.slide_ids),
            patient=patient.astype(np.int64),
            y=np.asarray(cv.y, np.int64),
            predicted=np.asarray(cv.probabilities).argmax(axis=1).astype(np.int64),
            similarity=similarity,
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for ``metrics.json``."""
        similarity = [
            [None if np.isnan(v) else round(float(v), 5) for v in row] for row in self.similarity
        ]
        return {
            "classes": list(self.classes),
            "slide_ids": list(self.slide_ids),
            "patient": self.patient.tolist(),
            "true": self.y.tolist(),
            "predicted": self.predicted.tolist(),
            "similarity": similarity,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HeldOut:
        """From `to_json`."""
        classes = tuple(data["classes"])
        similarity = np.array(data["similarity"], dtype=np.float64)  # None becomes NaN
        return cls(
            classes=classes,
            slide_ids=tuple(data["slide_ids"]),
            patient=np.asarray(data["patient"], np.int64),
            y=np.asarray(data["true"], np.int64),
            predicted=np.asarray(data["predicted"], np.int64),
            similarity=similarity.reshape(-1, len(classes)),
        )

    def draws(self, seed: int) -> Counts:
        """How often each patient is drawn in each resample, (RESAMPLES, n_patients)."""
        n = int(self.patient.max()) + 1 if len(self.patient) else 0
        rng = np.random.default_rng(seed)
        if not n:
            return np.zeros((RESAMPLES, 0))
        return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)

    def confusion(self, draws: Counts | None = None) -> Counts:
        """Confusion matrices (resamples, true, predicted); one, of all slides, without draws."""
        c = len(self.classes)
        cells = np.zeros((len(self.y), c * c))
        cells[np.arange(len(self.y)), self.y * c + self.predicted] = 1.0
        matrices: Counts = self.total(cells, draws).reshape(-1, c, c)
        return matrices

    def margin(self, pair: Pair, draws: Counts | None = None) -> Counts:
        """Pair margins (resamples,): how much nearer a slide is to its own class, in cosine.

        The mean over held-out slides of a of ``z.mu_a - z.mu_b``, the same for b with
        the roles exchanged, and the mean of these two; NaN if neither class is drawn.
        """
        sides = []
        for own, other in (pair, pair[::-1]):
            value = self.similarity[:, own] - self.similarity[:, other]
            there = (self.y == own) & ~np.isnan(value)
            cells = np.stack([np.where(there, value, 0.0), there], axis=1)
            total, count = self.total(cells, draws).T
            sides.append(ratio(total, count))
        both = np.stack(sides)
        there = ~np.isnan(both)
        return ratio(np.where(there, both, 0.0).sum(axis=0), there.sum(axis=0))

    def total(self, cells: Counts, draws: Counts | None = None) -> Counts:
        """Sums (resamples, m) of per-slide numbers ``cells`` (n, m); one row without draws."""
        if draws is None:
            return np.asarray(cells.sum(axis=0, keepdims=True))
        per_patient = np.zeros((draws.shape[1], cells.shape[1]))
        np.add.at(per_patient, self.patient, cells)
        totals: Counts = draws @ per_patient
        return totals


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors of length 1 along the last axis; NaN for zero vectors (an absent class)."""
    length = np.asarray(np.linalg.norm(vectors, axis=-1, keepdims=True))
    return ratio(vectors, np.broadcast_to(length, vectors.shape))


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """``above / below``, NaN where ``below`` is zero."""
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=out, where=below != 0)
    return out


def mean_there(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    there = ~np.isnan(values)
    return ratio(np.where(there, values, 0.0).sum(axis=-1), there.sum(axis=-1))


def recalls(matrix: Counts) -> Counts:
    """(resamples, n_classes) share of each class's slides that is recognised."""
    return ratio(np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=2))


def balanced_accuracy(matrix: Counts) -> Counts:
    """(resamples,) mean recall over the classes that are there."""
    return mean_there(recalls(matrix))


def macro_f1(matrix: Counts) -> Counts:
    """(resamples,) mean F1 over the classes that have slides there."""
    hit = np.diagonal(matrix, axis1=1, axis2=2)
    true, said = matrix.sum(axis=2), matrix.sum(axis=1)
    f1 = ratio(2 * hit, true + said)
    return mean_there(np.where(true > 0, f1, np.nan))


def accuracy(matrix: Counts) -> Counts:
    """(resamples,) share of slides recognised."""
    return ratio(np.trace(matrix, axis1=1, axis2=2), matrix.sum(axis=(1, 2)))


def matthews(matrix: Counts) -> Counts:
    """(resamples,) Matthews correlation of true and predicted classes, -1 to 1; 0 by chance.

    NaN where all slides are of one class, or all are predicted as one.

    References
    ----------
    Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", Computational Biology and Chemistry 28, 2004.
    """
    true, said, n = matrix.sum(axis=2), matrix.sum(axis=1), matrix.sum(axis=(1, 2))
    agree = np.trace(matrix, axis1=1, axis2=2) * n - (true * said).sum(axis=1)
    spread = (n**2 - (true**2).sum(axis=1)) * (n**2 - (said**2).sum(axis=1))
    return ratio(agree, np.sqrt(spread))


def pair_confusion(matrix: Counts, pairs: Sequence[Pair]) -> Counts:
    """(resamples,) share of the slides of these pairs that are taken for the other of the pair."""
    swapped = sum(matrix[:, a, b] + matrix[:, b, a] for a, b in pairs)
    slides = sum(matrix[:, a].sum(axis=1) + matrix[:, b].sum(axis=1) for a, b in pairs)
    return ratio(np.asarray(swapped), np.asarray(slides))


def figure(value: Counts, resampled: Counts) -> dict[str, float | None]:
    """A figure with its interval, as JSON values.

    Parameters
    ----------
    value
        (1,) of all slides.
    resampled
        (resamples,) NaN where the figure does not exist in a resample.

    Returns
    -------
    dict
        "value", "low" and "high" (2.5 and 97.5 %), ``None`` where undefined.
    """
    there = resampled[~np.isnan(resampled)]
    point = None if np.isnan(value[0]) else float(value[0])
    if point is None or len(there) < LEAST_VALID:
        return {"value": point, "low": None, "high": None}
    low, high = np.percentile(there, INTERVAL)
    return {"value": point, "low": float(low), "high": float(high)}


def pair_name(a: str, b: str) -> str:
    """Key of a pair of subtypes in the metrics, the same in either order ("A | B")."""
    return " | ".join(sorted((a, b)))


def named_pairs(names: Iterable[str], classes: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of classes that `pair_name` gave these names."""
    pairs = {pair_name(a, b): (a, b) for i, a in enumerate(classes) for b in classes[i + 1 :]}
    return [pairs[name] for name in names if name in pairs]


def known_pairs(held: HeldOut, pairs: Iterable[tuple[str, str]]) -> dict[str, Pair]:
    """Name -> class indices of each pair that the model knows, once, in the name's order."""
    index = {name: i for i, name in enumerate(held.classes)}
    wanted = {tuple(sorted(p)) for p in pairs}
    return {
        pair_name(a, b): (index[a], index[b])
        for a, b in sorted(wanted)
        if a != b and a in index and b in index
    }
