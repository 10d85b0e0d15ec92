"""How many tiles a device takes at once: found by trying, and less when memory ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SMALLEST: Final = 16
LARGEST: Final = 1024

_WORTH: Final = 1.05
"""Twice the tiles must be so many times as quick, or the smaller batch is taken: it leaves
memory for others, and the first answer comes sooner."""

_LONG_S: Final = 2.0
"""A batch that takes longer is large enough, whatever a larger one would bring."""


def probe_batch(run: Callable[[int], None], largest: int = LARGEST) -> int:
    """The smallest batch that is about as quick as larger ones.

    Parameters
    ----------
    run
        Encodes that many tiles, and returns when the device is done. Raises what
        `is_out_of_memory` knows when they are too many.
    largest
        More are not tried.
    """
    best, rate, size = SMALLEST, 0.0, SMALLEST
    while size <= largest:
        try:
            run(size)  # memory is found and kernels are chosen
            started = time.perf_counter()
            run(size)
            seconds = max(1e-9, time.perf_counter() - started)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return best if rate else max(1, size // 2)
        if size / seconds < rate * _WORTH:
            return best
        best, rate = size, size / seconds
        if seconds > _LONG_S:
            return best
        size *= 2
    return best


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device's (or the computer's) memory ended."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "not enough memory" in text or "alloc_failed" in text
    )
