"""Slide embeddings of the last batches, for a contrastive loss to compare with."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_lookalike.core.losses.contrastive import Remembered


class Memory:
    """The last so many slides, first in, first out, each held once and without graph.

    Batches of a few slides hold few negatives; the memory adds those of the batches before.
    They were made by the network as it was then, so a memory that is long against an epoch
    compares with embeddings that are out of date.

    Parameters
    ----------
    size
        Most slides held.

    References
    ----------
    Wang et al., "Cross-Batch Memory for Embedding Learning", CVPR 2020.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._z: Tensor | None = None
        self._y = self._rows = torch.zeros(0, dtype=torch.int64)

    def push(self, z: Tensor, y: Tensor, rows: Tensor) -> None:
        """Keep embeddings (b, dim), classes (b,) and slides (b,) of a batch."""
        z = z.detach()
        if self._z is None:
            self._z, self._y, self._rows = z[:0], y[:0], rows[:0]
        old = ~torch.isin(self._rows, rows)
        self._z = torch.cat([self._z[old], z])[-self._size :]
        self._y = torch.cat([self._y[old], y])[-self._size :]
        self._rows = torch.cat([self._rows[old], rows])[-self._size :]

    def others(self, rows: Tensor) -> tuple[Remembered, Tensor] | None:
        """What is held of slides that are not among ``rows``, and which these are; or nothing."""
        if self._z is None:
            return None
        other = ~torch.isin(self._rows, rows)
        if not bool(other.any()):
            return None
        return Remembered(self._z[other], self._y[other]), self._rows[other]
