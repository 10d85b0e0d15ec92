"""Batches through a CUDA device: one is copied there while another is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def stream_on_cuda(
    batches: Iterable[NDArray[np.uint8]],
    device: str,
    features: Callable[[torch.Tensor], torch.Tensor],
) -> Iterator[NDArray[np.float32]]:
    """Vectors of batches, each given when the next one is already queued on the device.

    Parameters
    ----------
    batches
        uint8 (n, h, w, 3), in page-locked memory where copies are not to wait. One is used no
        more once two others have been taken.
    device
        "cuda" or "cuda:<number>".
    features
        From tiles on the device to float32 (n, dim) on the device.

    Yields
    ------
    ndarray of float32 (n, dim)
    """
    import torch

    copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    computing = torch.cuda.current_stream(device)
    queued: deque[tuple[torch.Tensor, Any]] = deque()
    for tiles in batches:
        with torch.cuda.stream(copying):
            there = torch.from_numpy(tiles).to(device, non_blocking=True)
            copied = copying.record_event()
        computing.wait_event(copied)
        there.record_stream(computing)  # its memory is not given away before that is done
        vectors = features(there)
        back = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
        back.copy_(vectors, non_blocking=True)
        queued.append((back, computing.record_event()))
        if len(queued) > 1:
            yield _taken(queued)
    while queued:
        yield _taken(queued)


def _taken(queued: deque[tuple[torch.Tensor, Any]]) -> NDArray[np.float32]:
    back, done = queued.popleft()
    done.synchronize()
    return np.array(back.numpy())
