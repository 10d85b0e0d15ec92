"""Which marks which network may learn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
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
    version_of,
    weights_for,
)
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.on_bags import EvidenceUse, Place, evidence_for
from napari_lookalike.core.hard_negatives.weights import Rule
from napari_lookalike.core.pipeline.training_data import TrainingData
from napari_lookalike.core.project import Project


def marked_pairs(
    cohort: Cohort, rows: Iterable[PairMark], classes: tuple[str, ...], rule: Rule
) -> list[tuple[str, str]]:
    """Pairs of subtypes that the rows mark, by the labels that slides have now.

    Parameters
    ----------
    cohort
        Slides with their present labels.
    rows
        Rows of the table; those that are not used do not count.
    classes
        The model's classes.
    rule
        How several marks of one pair count (`hard_negatives.RULES`). A pair that it gives no
        weight is not marked: nothing is learnt of it.
    """
    strength = aggregate(rows, classes, {s.slide_id: s.label for s in cohort}, rule=rule)
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
    tiles
        Evidence tiles of the table. They are learnt from unless the configuration gives them
        no weight.
    """

    def __init__(
        self,
        project: Project,
        data: TrainingData,
        config: TrainConfig,
        rows: Sequence[PairMark],
        folds: NDArray[np.int64],
        tiles: Sequence[EvidenceTile] = (),
    ) -> None:
        self._cohort, self._rows, self._config = project.cohort, tuple(rows), config
        self._tiles = tuple(tiles) if learns_from_tiles(config) else ()
        self._version = version_of(self._rows, tuple(tiles))
        self._places = _places(project, data, self._tiles)
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

    def fold_without_evidence(self, fold: int) -> PairWeights:
        """As `without_fold`, but nothing that was learnt from tiles: what they are judged by."""
        return replace(self.without_fold(fold), evidence={})

    @property
    def evidence(self) -> EvidenceUse:
        """The clicked tiles that the final network learns from, and why not from others."""
        return self._evidence(set())

    def _weights(self, hidden: set[str]) -> PairWeights:
        if self._config.loss != "expert":
            return PairWeights.none(self._classes)
        away = hidden | self._locked
        found = weights_for(
            self._rows,
            self._cohort,
            self._classes,
            without_patients=away,
            rule=self._config.marks_rule,
        )
        evidence = self._evidence(hidden).bags
        return replace(found, evidence=evidence, table_version=self._version)

    def _evidence(self, hidden: set[str]) -> EvidenceUse:
        return evidence_for(
            self._tiles,
            self._rows,
            self._cohort,
            self._classes,
            self._places,
            without_patients=hidden | self._locked,
        )

    def card(self) -> dict[str, Any]:
        """What the model's card says of the marks, JSON-like."""
        if self._config.loss != "expert":
            return {}
        used, config = self.all, self._config
        return {
            "marks": [*reveal(used, config.gamma, config.tau), *self._evidence_sentences()],
            "marks_left_out": dict(used.left_out),
            "marks_left_out_by_fold": [self._left_out(i) for i in range(len(self._groups))],
            **self._evidence_card(),
        }

    def _left_out(self, fold: int) -> dict[str, int]:
        """Reason -> how many marks (and evidence tiles) a fold's network did not see."""
        tiles = self._evidence(self._groups[fold]).left_out
        found = dict(self.without_fold(fold).left_out)
        return found | {f"{reason} (evidence tiles)": n for reason, n in tiles.items()}

    def _evidence_card(self) -> dict[str, Any]:
        if not self._tiles:
            return {}
        used = self.evidence
        return {
            "evidence": {
                "tiles": used.n_tiles,
                "slides": len(used.bags),
                "left_out": dict(used.left_out),
            }
        }

    def _evidence_sentences(self) -> list[str]:
        if not self._tiles:
            return []
        used = self.evidence
        said = []
        if used.n_tiles:
            tiles = "1 tile" if used.n_tiles == 1 else f"{used.n_tiles} tiles"
            slides = "1 slide" if len(used.bags) == 1 else f"{len(used.bags)} slides"
            said.append(f"An expert pointed at {tiles} of {slides}: attention and classes follow.")
        said += [
            f"{n} evidence {'tile' if n == 1 else 'tiles'} not used: {reason}."
            for reason, n in used.left_out.items()
        ]
        return said


def learns_from_tiles(config: TrainConfig) -> bool:
    """Whether a training with this configuration learns from evidence tiles."""
    wanted = config.evidence_attention > 0 or config.evidence_tiles > 0
    return config.loss == "expert" and wanted


def _places(
    project: Project, data: TrainingData, tiles: Sequence[EvidenceTile]
) -> dict[str, Place]:
    """Where the instances of the bags with clicked tiles lie."""
    clicked = {tile.slide_id for tile in tiles}
    grids = {
        b.slide_id: project.load_features(b.slide_id).grid
        for b in data.bags
        if b.slide_id in clicked
    }
    return {s: (grid.corners_px0, grid.size_px0) for s, grid in grids.items()}
