"""Timing leaves no trace."""

from __future__ import annotations

import numpy as np
import torch

from napari_lookalike.core.bench.peers import MeanColour
from napari_lookalike.core.bench.rates import limited, tiles_per_second


def test_threads_are_limited_and_given_back() -> None:
    encoder = MeanColour()
    encoder.threads = 5  # type: ignore[attr-defined]
    before = torch.get_num_threads()
    with limited(encoder, 1):
        assert torch.get_num_threads() == 1
        assert encoder.threads == 1  # type: ignore[attr-defined]
    assert torch.get_num_threads() == before
    assert encoder.threads == 5  # type: ignore[attr-defined]


def test_a_rate_is_tiles_over_time() -> None:
    tiles = np.zeros((8, 224, 224, 3), dtype=np.uint8)
    assert 10 < tiles_per_second(MeanColour(), tiles, 1) < 1e6
