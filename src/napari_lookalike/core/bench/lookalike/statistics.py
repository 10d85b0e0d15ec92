"""Paired over seeds: relative changes with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000


@dataclass(frozen=True)
class Change:
    """A relative change of means, with its 95 % interval over seeds.

    Parameters
    ----------
    value
        ``mean(after) / mean(before) - 1``; NaN if the mean before is zero.
    low, high
        2.5 and 97.5 percentile over resampled seeds.
    """

    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """As in tables."""
        return f"{self.value:+.0%} [{self.low:+.0%}, {self.high:+.0%}]"


def relative_change(
    before: NDArray[np.float64], after: NDArray[np.float64], seed: int = 0
) -> Change:
    """How much smaller or larger ``after`` is than ``before``, paired over seeds.

    Parameters
    ----------
    before, after
        float64 (n_seeds,), in one order of seeds.
    seed
        Of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(before), size=(RESAMPLES, len(before)))
    top, bottom = after[drawn].mean(1), before[drawn].mean(1)
    there = bottom > 0
    if before.mean() == 0 or not there.any():
        return Change(float("nan"), float("nan"), float("nan"))
    ratios = top[there] / bottom[there] - 1
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Change(float(after.mean() / before.mean() - 1), float(low), float(high))
