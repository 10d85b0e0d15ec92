"""Bags to what a head reads: drawn, standardised, padded or packed, on the device.

With the usual settings this is drawing, padding and standardising, in single precision. With
all instances of every bag (``max_instances`` 0) bags are packed one after the other instead,
so that no time is spent on padding; with half precision instances are converted in pieces
that stay in the processor's cache. Bags may be memory-mapped and in half precision: only what
is drawn is read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.mil.apply import draw, pad, standardise

PIECE = 256
"""Rows that are standardised at a time: 256 x 1,536 numbers fit a processor's cache."""
_GPU_SHARE = 0.12  # of the free memory of a GPU that one network's bags may take; folds have theirs


def half_type(device: torch.device) -> torch.dtype | None:
    """The half-precision type that this device multiplies natively; ``None``: it has none.

    A CPU that only imitates bfloat16 is slower with it than without.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu":
        # Not in every version of torch: then nothing is known, and single precision is used.
        known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return torch.bfloat16 if known.get("avx512_bf16") or known.get("bf16") else None
    return None


def training_type(config: TrainConfig, device: torch.device) -> torch.dtype:
    """What a head computes in: half precision where it is asked for and the device has it."""
    half = half_type(device) if config.precision == "half" else None
    # float16 would need scaled gradients; what lacks bfloat16 stays in single precision.
    return torch.bfloat16 if half is torch.bfloat16 else torch.float32


class Loader:
    """Batches of bags.

    Parameters
    ----------
    instances
        Of each slide (n_i, dim), single or half precision, on the CPU. On a GPU they are
        kept there, standardised, if they take at most an eighth of its free memory.
    moments
        Mean and standard deviation (dim,), on the device.
    config
        Seed, `max_instances` (0: all), precision.
    packs
        Whether the head reads packed bags.
    """

    def __init__(
        self,
        instances: Sequence[Tensor],
        moments: tuple[Tensor, Tensor],
        config: TrainConfig,
        packs: bool,
    ) -> None:
        self._instances, self._moments = instances, moments
        self._most = config.max_instances
        self._generator = torch.Generator().manual_seed(config.seed)
        self.device = moments[0].device
        self.dtype = training_type(config, self.device)
        self._packed = packs and (self._most == 0 or self.dtype is not torch.float32)
        self._buffer = torch.zeros(0, len(moments[0]), dtype=self.dtype)
        self._resident = self._on_gpu() if self._packed and self.device.type == "cuda" else None

    def __call__(self, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Standardised instances and mask of these slides, as `Head.forward` reads them.

        What is packed is valid until the next call.
        """
        if not self._packed:
            drawn = [self._draw(self._instances[j]) for j in batch]
            x, mask = pad(drawn, self.device)
            return standardise(x, *self._moments), mask
        source = self._instances if self._resident is None else self._resident
        drawn = [self._draw(source[j]) for j in batch]
        lengths = torch.tensor([len(bag) for bag in drawn])
        mask = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
        if self._resident is not None:
            return torch.cat(drawn), mask.to(self.device)
        if self.device.type != "cpu":
            rows = torch.cat([bag.to(self.device) for bag in drawn])
            return standardise(rows, *self._moments).to(self.dtype), mask.to(self.device)
        return self._packed_rows(drawn, int(lengths.sum())), mask

    def rest(self) -> None:
        """Give the buffer's memory back, until the next batch: other networks have their turn."""
        self._buffer = self._buffer[:0].clone()

    def _draw(self, bag: Tensor) -> Tensor:
        if self._most == 0:
            return bag
        if bag.device.type == "cpu":
            return draw(bag, self._most, self._generator)
        if len(bag) <= self._most:
            return bag
        chosen = torch.randperm(len(bag), generator=self._generator)[: self._most]
        return bag[chosen.to(bag.device)]

    def _packed_rows(self, bags: Sequence[Tensor], total: int) -> Tensor:
        """All rows in one buffer that is used again: fresh memory costs more than the work."""
        if len(self._buffer) < total:
            self._buffer = self._buffer.new_empty(total, self._buffer.shape[1])
        at = 0
        for bag in bags:
            standardise_into(self._buffer[at : at + len(bag)], bag, *self._moments)
            at += len(bag)
        return self._buffer[:total]

    def _on_gpu(self) -> list[Tensor] | None:
        numbers = sum(bag.numel() for bag in self._instances)
        free, _ = torch.cuda.mem_get_info(self.device)
        if numbers * self._buffer.element_size() > _GPU_SHARE * free:
            return None
        return [
            standardise(bag.to(self.device), *self._moments).to(self.dtype)
            for bag in self._instances
        ]


def standardise_into(out: Tensor, bag: Tensor, mean: Tensor, std: Tensor) -> None:
    """`standardise` of rows (n, dim) into ``out`` (n, dim) of any type, piece by piece."""
    for i in range(0, len(bag), PIECE):
        out[i : i + PIECE] = standardise(bag[i : i + PIECE], mean, std)
