"""Looking at all slides while a network learns, for a map that moves."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.live_map import LiveFrame
from napari_lookalike.core.mil.apply import apply_head
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.progress import Job, JobCancelled

MOST = 256
"""Instances of a slide that a glance looks at, spread evenly."""
EVERY_S = 1.0
SHARE = 0.02
"""At most so much of the time goes into one network's glances: a tenth with five folds."""


class Glances(Job):
    """A job that, whenever it steps, shows where the slides' embeddings are now.

    A glance draws no random number and leaves the head in the mode it was in, so a training
    that is watched gives the same weights as one that is not.

    Parameters
    ----------
    whole
        Passes everything on to this job.
    head
        The network that learns; looked at now, and after each step.
    bags
        The slides to look at.
    moments
        Mean and standard deviation (dim,) of instances, on the head's device.
    rotation
        float32 (embed_dim, embed_dim) that takes the network's embeddings into the space of
        the map; ``None``: they are in it.
    held_out
        Whether the network never sees the patients of these slides.
    """

    def __init__(
        self,
        whole: Job,
        head: Head,
        bags: Sequence[Bag],
        moments: tuple[Tensor, Tensor],
        rotation: NDArray[np.float32] | None = None,
        *,
        held_out: bool = False,
    ) -> None:
        super().__init__()
        self._whole, self._head, self._bags, self._moments = whole, head, bags, moments
        self._rotation, self._held_out = rotation, held_out
        self._cancelled = whole._cancelled
        self._next = 0.0
        self._start = self._embeddings()

    def step(self, done: int, total: int, what: str) -> None:
        """Pass the step on; then look, if the last look is long enough ago."""
        self._whole.step(done, total, what)
        begun = time.monotonic()
        if begun < self._next:
            return
        now = self._embeddings()
        ids = tuple(bag.slide_id for bag in self._bags)
        self._whole.show(LiveFrame(ids, now, self._start, self._held_out))
        spent = time.monotonic() - begun
        self._next = time.monotonic() + max(EVERY_S, spent / SHARE)

    def _embeddings(self) -> NDArray[np.float32]:
        learning = self._head.training
        found = [self._embedding(bag) for bag in self._bags]
        self._head.train(learning)
        turned = np.stack(found) if self._rotation is None else np.stack(found) @ self._rotation
        return np.asarray(turned, np.float32)

    def _embedding(self, bag: Bag) -> NDArray[np.float32]:
        if self.cancelled:
            raise JobCancelled("a look at the slides")
        n = len(bag.instances)
        rows = np.unique(np.linspace(0, n - 1, min(n, MOST)).astype(np.int64))
        some = np.asarray(bag.instances[rows], np.float32)
        return apply_head(self._head, some, *self._moments).embedding
