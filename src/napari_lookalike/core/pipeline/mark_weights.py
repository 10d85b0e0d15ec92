"""Which marks which network may learn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives import (
    PairMark,
    PairWeights,
    aggregate,
    reveal,
    weights_for,
)
from napari_lookalike.core.pipeline.training_data import TrainingData
from napari_lookalike.core.project import Project


def marked_pairs(
    cohort: Cohort, rows: Iterable[PairMark], classes: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Pairs of subtypes that the active rows mark, by the labels that slides have now."""
    strength = aggregate(rows, classes, {s.slide_id: s.label for s in cohort})
    return [(classes[i], classes[j]) for i, j in np.argwhere(np.triu(strength) > 0)]


class MarkWeights:
    """The weights that each network may learn from.

    Parameters
    ----------
    project
        The project: its present labels and patients count.
    data
        What is trained on.
    config
        Only the loss "expert" learns from marks; for others all weights are empty.
    rows
        Rows of the table.
    folds
        Fold of each bag.
    """

    def __init__(
        self,
        project: Project,
        data: TrainingData,
        config: TrainConfig,
        rows: Sequence[PairMark],
        folds: NDArray[np.int64],
    ) -> None:
        self._cohort, self._rows, self._config = project.cohort, tuple(rows), config
        self._classes = data.classes
        # The cohort's own patients: those who share a copy of a slide have one group in bags.
        of = {b.slide_id: project.cohort[b.slide_id].group for b in data.bags}
        self._locked = {project.cohort[s].group for s in data.locked}
        self._groups = [
            {of[b.slide_id] for b, f in zip(data.bags, folds, strict=True) if f == fold}
            for fold in range(int(folds.max()) + 1)
        ]

    def without_fold(self, fold: int) -> PairWeights:
        """For a fold's network: no mark that was made by looking at its test patients."""
        return self._weights(self._groups[fold])

    @property
    def all(self) -> PairWeights:
        """For the final network: without the locked test set's."""
        return self._weights(set())

    def _weights(self, hidden: set[str]) -> PairWeights:
        if self._config.loss != "expert":
            return PairWeights.none(self._classes)
        hidden = hidden | self._locked
        return weights_for(self._rows, self._cohort, self._classes, without_patients=hidden)

    def card(self) -> dict[str, Any]:
        """What the model's card says of the marks, JSON-like."""
        if self._config.loss != "expert":
            return {}
        used, config = self.all, self._config
        return {
            "marks": list(reveal(used, config.gamma, config.tau)),
            "marks_left_out": dict(used.left_out),
            "marks_left_out_by_fold": [
                dict(self.without_fold(i).left_out) for i in range(len(self._groups))
            ],
        }
