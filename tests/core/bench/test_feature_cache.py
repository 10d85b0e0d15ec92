"""Peers are embedded once; our own encoder every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.bench import feature_cache
from napari_lookalike.core.bench.feature_cache import embedded
from napari_lookalike.core.bench.peers import MeanColour
from napari_lookalike.core.progress import SILENT


class _Counts(MeanColour):
    calls = 0

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        self.calls += 1
        return super().encode(tiles)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cache, "cache_folder", lambda: tmp_path / "bench")


def test_kept_features_are_used_for_the_same_tiles_only() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    encoder = _Counts()
    first = embedded(encoder, tiles, keep=True, job=SILENT)
    np.testing.assert_array_equal(embedded(encoder, tiles, keep=True, job=SILENT), first)
    assert encoder.calls == 1
    tiles[0, 0, 0, 0] ^= 1
    embedded(encoder, tiles, keep=True, job=SILENT)
    assert encoder.calls == 2


def test_ours_are_not_kept() -> None:
    tiles = np.zeros((1, 224, 224, 3), dtype=np.uint8)
    encoder = _Counts()
    for _ in range(2):
        embedded(encoder, tiles, keep=False, job=SILENT)
    assert encoder.calls == 2


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    tiles = np.zeros((1, 224, 224, 3), dtype=np.uint8)
    encoder = _Counts()
    embedded(encoder, tiles, keep=True, job=SILENT)
    (file,) = (tmp_path / "bench").iterdir()
    file.write_bytes(b"torn")
    embedded(encoder, tiles, keep=True, job=SILENT)
    assert encoder.calls == 2
