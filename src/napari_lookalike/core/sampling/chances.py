"""How likely each slide of a class is drawn: rare centres and hard slides more often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

DECAY = 0.7
"""Share of a slide's hardness that stays when it is met again. Ours; no paper states one."""
LEAST = 0.05
"""Hardness of a slide that is always right: it is still drawn now and then."""


class Chances:
    """Chances of slides, ``P(i) ~ hardness_i / n(centre_i, class_i)``.

    Batches are balanced by class already, so within a class each centre comes to count the
    same, however many slides it sent.

    Parameters
    ----------
    y
        int64 (n,) class of each slide.
    sites
        (n,) centre of each slide; slides without one ("") are a centre of their own.
    by_centre
        Whether centres count the same.
    by_hardness
        Whether slides that the model gets wrong are drawn more often: in proportion to a
        running mean of their loss.

    References
    ----------
    Domain-aware sampling of minority and hard samples: arXiv 2509.02601 (idea; its weights
    are not published).
    """

    def __init__(
        self, y: NDArray[np.int64], sites: Sequence[str], by_centre: bool, by_hardness: bool
    ) -> None:
        cells = list(zip(sites, y.tolist(), strict=True)) if by_centre else []
        size = Counter(cells)
        self._centre = np.array([1 / size[cell] for cell in cells] or [1.0] * len(y), np.float64)
        self._hardness = np.ones(len(y))
        self._by_hardness = by_hardness

    @property
    def weights(self) -> NDArray[np.float64]:
        """(n,) > 0, how likely each slide is compared with the others."""
        return self._centre * np.maximum(self._hardness, LEAST)

    def learn(self, slides: NDArray[np.int64], losses: NDArray[np.float32]) -> None:
        """Take note of the losses (k,) of slides (k,), indices into ``y``."""
        if self._by_hardness:
            self._hardness[slides] = DECAY * self._hardness[slides] + (1 - DECAY) * losses

    def draw(
        self, items: Sequence[int], n: int, taken: Collection[int], rng: np.random.Generator
    ) -> list[int]:
        """Up to ``n`` different ones of ``items``, none of them in ``taken``, by chance."""
        free = [i for i in items if i not in taken]
        if not free or n <= 0:
            return []
        weights = self.weights[free]
        chosen = rng.choice(free, min(n, len(free)), replace=False, p=weights / weights.sum())
        return [int(i) for i in chosen]
