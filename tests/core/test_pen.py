"""Ink is told from tissue, whatever its colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_lookalike.core.glass import optical_density
from napari_lookalike.core.pen import find_pen

INKS = {
    "blue": (30, 60, 160),
    "pale blue": (60, 90, 190),
    "navy": (25, 35, 90),
    "green": (20, 120, 60),
    "teal": (0, 110, 120),
    "red": (200, 30, 40),
    "black": (25, 25, 30),
    "grey": (70, 70, 75),
}
TISSUES = {
    "eosin": (225, 150, 190),
    "dense eosin": (200, 90, 140),
    "haematoxylin": (110, 90, 160),
    "dense haematoxylin": (70, 55, 120),
    "grey-blue": (140, 145, 175),
    "grey": (150, 150, 160),
    "blood": (205, 70, 85),
    "DAB": (130, 85, 50),
}


def density_of(rgb: np.ndarray) -> np.ndarray:
    return ndimage.uniform_filter(optical_density(rgb), size=(3, 3, 1))


def glass(n: int = 160, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(243, 1.0, (n, n, 3)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("ink", INKS)
def test_every_ink_is_found_on_glass(ink: str) -> None:
    rgb = glass()
    rgb[40:60, 20:140] = INKS[ink]
    found = find_pen(density_of(rgb), 8.0)
    assert found[40:60, 20:140].mean() > 0.95
    assert not found[:30].any() and not found[75:].any()


@pytest.mark.parametrize("tissue", TISSUES)
def test_tissue_is_not_ink(tissue: str) -> None:
    rng = np.random.default_rng(1)
    rgb = glass()
    shape = (80, 80, 3)
    rgb[40:120, 40:120] = (np.array(TISSUES[tissue]) + rng.normal(0, 12, shape)).clip(0, 255)
    if tissue == "blood":  # a bleeding lies in tissue; that is how it differs from red ink
        rgb[20:140, 20:40] = rgb[20:140, 120:140] = TISSUES["eosin"]
        rgb[20:40, 20:140] = rgb[120:140, 20:140] = TISSUES["eosin"]
    assert not find_pen(density_of(rgb), 8.0).any()


def test_small_and_thin_things_are_not_ink() -> None:
    rgb = glass()
    rgb[40:60, 40:60] = INKS["blue"]  # 160 µm square: too small
    rgb[100:104, 10:150] = INKS["black"]  # 32 µm wide: a hair
    assert not find_pen(density_of(rgb), 8.0).any()
    rgb[40:60, 40:90] = INKS["blue"]
    assert find_pen(density_of(rgb), 8.0)[45, 60]


def test_clean_glass_has_no_ink() -> None:
    assert not find_pen(density_of(glass()), 8.0).any()


@pytest.mark.shared
def test_real_tiles_of_many_stains_have_no_ink(shared: Path) -> None:
    from PIL import Image

    tiles = sorted((shared / "data/tiles/dtr-tcga").rglob("*.[jp][pn]g"))
    assert len(tiles) > 100
    small = [np.asarray(Image.open(t).convert("RGB").resize((16, 16))) for t in tiles[:240]]
    rows = [np.concatenate(small[i : i + 15], axis=1) for i in range(0, len(small) - 14, 15)]
    assert find_pen(density_of(np.concatenate(rows)), 8.0).mean() < 0.002
