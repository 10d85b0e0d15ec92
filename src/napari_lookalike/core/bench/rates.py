"""How many tiles an encoder does in a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder

TIMED_TILES = 96
REPEATS = 3


def tiles_per_second(encoder: Encoder, tiles: NDArray[np.uint8], threads: int) -> float:
    """The best of `REPEATS` runs: what else the machine does can only slow one down.

    Parameters
    ----------
    encoder
        What is timed.
    tiles
        uint8 (n, 224, 224, 3); the first `TIMED_TILES` are used.
    threads
        Cores that it may use.
    """
    timed = tiles[:TIMED_TILES]
    with limited(encoder, threads):
        encoder.encode(timed[:8])
        best = np.inf
        for _ in range(REPEATS):
            started = time.perf_counter()
            encoder.encode(timed)
            best = min(best, time.perf_counter() - started)
    return len(timed) / best


@contextmanager
def limited(encoder: Encoder, threads: int) -> Iterator[None]:
    """Let an encoder use that many cores: by its own attribute if it has one, and torch's."""
    import torch

    before, own = torch.get_num_threads(), getattr(encoder, "threads", None)
    torch.set_num_threads(threads)
    if own is not None:
        encoder.threads = threads  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if own is not None:
            encoder.threads = own  # type: ignore[attr-defined]
