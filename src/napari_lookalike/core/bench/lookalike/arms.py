"""The arms that are compared: what each is trained with. All start from one model per seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_lookalike.core.bench.lookalike.clicks import clicks, every_tile
from napari_lookalike.core.bench.lookalike.compose import BENIGN, CLASSES, PAIR, Composed
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.on_bags import BagEvidence
from napari_lookalike.core.hard_negatives.weights import PairWeights

LAMBDAS = (0.05, 0.2, 1.0, 4.0)
LAM = 1.0
"""The contrastive weight of every arm that is compared at the same one."""
FEW, MANY = (1, 1), (10, 2)
"""Slides per class, and tiles of either kind in each: 4 clicks, and up to 60."""


@dataclass(frozen=True)
class Arm:
    """One way to fine-tune.

    Parameters
    ----------
    name
        In tables.
    loss
        As in `TrainConfig`.
    lam
        Contrastive weight.
    benign
        Whether tiles of benign slides are negatives.
    table
        "right", "shuffled" or "" (none).
    evidence
        "few", "many", "every" (the ceiling), "wrong few", "wrong many" or "".
    expert
        Whether somebody has to mark something.
    """

    name: str
    loss: str = "supcon"
    lam: float = LAM
    benign: bool = False
    table: str = ""
    evidence: str = ""

    @property
    def expert(self) -> bool:
        """Whether somebody has to mark something."""
        return bool(self.table or self.evidence)

    def config(self, base: TrainConfig) -> TrainConfig:
        """How it is trained."""
        changes: dict[str, Any] = {"loss": "expert" if self.expert else self.loss, "lam": self.lam}
        return replace(base, benign=BENIGN if self.benign else (), **changes)

    def weights(self, cohort: Composed, seed: int) -> PairWeights:
        """The marks that it learns from."""
        strength = np.zeros((len(CLASSES),) * 2, np.float32)
        if self.table:
            i, j = marked(self.table, seed)
            strength[i, j] = strength[j, i] = 1.0
        return PairWeights(CLASSES, strength, evidence=_evidence(self.evidence, cohort, seed))


def marked(table: str, seed: int) -> tuple[int, int]:
    """The pair of classes that a table marks: the right one, or another by chance."""
    right = CLASSES.index(PAIR[0]), CLASSES.index(PAIR[1])
    if table == "right":
        return right
    n = len(CLASSES)
    wrong = [(i, j) for i in range(n) for j in range(i + 1, n) if (i, j) != right]
    return wrong[int(np.random.default_rng([seed, 79]).integers(len(wrong)))]


def _evidence(kind: str, cohort: Composed, seed: int) -> Mapping[str, BagEvidence]:
    if not kind:
        return {}
    if kind == "every":
        return every_tile(cohort)
    slides, tiles = MANY if kind.endswith("many") else FEW
    return clicks(cohort, slides, tiles, seed, right=not kind.startswith("wrong"))


def supcon(lam: float) -> Arm:
    """Plain SupCon."""
    return Arm(f"SupCon, lambda {lam:g}", lam=lam)


CE = Arm("cross-entropy", loss="ce")
SAME = supcon(LAM)
BENIGN_CE = Arm("benign negatives, cross-entropy", loss="ce", benign=True)
BENIGN_LOW = Arm("benign negatives, lambda 0.2", lam=0.2, benign=True)
BENIGN_ONLY = Arm("benign negatives, lambda 1", benign=True)
TABLE = Arm("class-pair table", table="right")
SHUFFLED = Arm("shuffled table", table="shuffled")
BENIGN_TABLE = Arm("benign negatives and table", benign=True, table="right")
EVIDENCE = Arm("evidence, few clicks", evidence="few")
EVIDENCE_TABLE = Arm("evidence, few clicks, and table", table="right", evidence="few")
MANY_TABLE = Arm("evidence, many clicks, and table", table="right", evidence="many")
WRONG = Arm("random tiles, few clicks", evidence="wrong few")
WRONG_MANY = Arm("random tiles, many clicks", evidence="wrong many")
FULL = Arm("five minutes: benign, table, few clicks", benign=True, table="right", evidence="few")
FULL_MANY = Arm(
    "five minutes: benign, table, many clicks", benign=True, table="right", evidence="many"
)
WRONG_FULL = Arm(
    "benign, table, many random tiles", benign=True, table="right", evidence="wrong many"
)
CEILING = Arm("benign, table, every tile pointed at", benign=True, table="right", evidence="every")

SUPCONS = tuple(supcon(lam) for lam in LAMBDAS)
ARMS = (
    CE,
    *SUPCONS,
    BENIGN_CE,
    BENIGN_LOW,
    BENIGN_ONLY,
    TABLE,
    SHUFFLED,
    BENIGN_TABLE,
    EVIDENCE,
    EVIDENCE_TABLE,
    MANY_TABLE,
    WRONG,
    WRONG_MANY,
    FULL,
    FULL_MANY,
    WRONG_FULL,
    CEILING,
)
CONTROLS = {
    EVIDENCE: SAME,
    EVIDENCE_TABLE: TABLE,
    MANY_TABLE: TABLE,
    WRONG: SAME,
    WRONG_MANY: SAME,
    FULL: BENIGN_TABLE,
    FULL_MANY: BENIGN_TABLE,
    WRONG_FULL: BENIGN_TABLE,
}
"""An arm with clicked tiles -> the same training without them, for the check before keeping."""
