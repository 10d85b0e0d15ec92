"""Timing leaves no trace."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_lookalike.core.bench import rates
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


def test_a_rate_is_tiles_over_the_shortest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, took = [0.0], iter((9.0, 4.0, 2.0, 8.0))

    class Timed(MeanColour):
        def encode(self, tiles: np.ndarray) -> np.ndarray:
            now[0] += next(took)
            return super().encode(tiles)

    monkeypatch.setattr(rates, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    tiles = np.zeros((10, 224, 224, 3), dtype=np.uint8)
    assert tiles_per_second(Timed(), tiles, 1) == 5.0  # the first run only warms up
