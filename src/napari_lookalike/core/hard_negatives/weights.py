"""From the table to what a loss reads; no loss knows about the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PairWeights:
    """Strengths that steer the expert-guided loss.

    Parameters
    ----------
    classes
        Class names.
    class_strength
        float32 (n_classes, n_classes), symmetric, zero diagonal, each in [0, 1].
        Zero means "not marked", which is not the same as "not confusable".
    slide_strength
        (slide_id, slide_id), sorted -> strength in [0, 1]: overrides the class pair's.
    table_version
        Version of the table that these came from.
    left_out
        Marks not used, and why (say "touches a test patient"): sentence -> count.
    """

    classes: tuple[str, ...]
    class_strength: NDArray[np.float32]
    slide_strength: Mapping[tuple[str, str], float] = field(default_factory=dict)
    table_version: str = "empty"
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing is marked."""
        return not self.slide_strength and not bool(np.any(self.class_strength))

    @staticmethod
    def none(classes: tuple[str, ...]) -> PairWeights:
        """No marks at all: the expert-guided loss is then plain SupCon."""
        n = len(classes)
        return PairWeights(classes, np.zeros((n, n), np.float32))
