"""Slides of large classes that were taken for another class come again in the next epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Replay:
    """Hard-negative replay.

    A slide of a large class that is taken for a small one is the kind of negative that a
    small class needs to see again. Large: more slides than the classes have on average.

    Parameters
    ----------
    y
        int64 (n,) class of each slide.
    per_batch
        At most so many slides are added to a batch.
    rng
        Source of randomness.

    References
    ----------
    Hard-negative mining in arXiv 2509.02601 (idea; its schedule is not published).
    """

    def __init__(self, y: NDArray[np.int64], per_batch: int, rng: np.random.Generator) -> None:
        classes, sizes = np.unique(y, return_counts=True)
        self._large = np.isin(y, classes[sizes > sizes.mean()])
        self._y, self._per_batch, self._rng = y, per_batch, rng
        self._wrong: dict[int, None] = {}

    def learn(self, slides: NDArray[np.int64], predicted: NDArray[np.int64]) -> None:
        """Take note of what slides (k,) were taken for, classes (k,)."""
        for i, c in zip(slides.tolist(), predicted.tolist(), strict=True):
            if c == self._y[i]:
                self._wrong.pop(i, None)  # got right since
            elif self._large[i]:
                self._wrong[i] = None

    def add_to(self, batches: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """The batches of an epoch, with the slides to replay spread over them, each once."""
        waiting = [int(i) for i in self._rng.permutation(list(self._wrong))]
        self._wrong.clear()
        longer = []
        for batch in batches:
            held = set(batch.tolist())
            more = [i for i in waiting if i not in held][: self._per_batch]
            waiting = [i for i in waiting if i not in more]
            longer.append(np.concatenate([batch, np.array(more, np.int64)]))
        return longer
