"""The stain guess on painted and on real tissue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.core.array_slide import ArraySlide

from napari_lookalike.core.stain import guess_stain, guess_stain_of

H, E, DAB = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)
ANILINE, GREY = (0.85, 0.50, 0.15), (1.0, 1.0, 1.0)


def painted(*stains: tuple[tuple[float, ...], float, float], seed: int = 0) -> np.ndarray:
    """Tissue on glass; each stain is (vector, density, share of the tissue)."""
    rng, n = np.random.default_rng(seed), 240
    field = ndimage.gaussian_filter(rng.random((n, n)), 30)
    tissue = field > np.median(field)
    density = np.zeros((n, n, 3))
    for vector, amount, share in stains:
        spots = ndimage.gaussian_filter(rng.random((n, n)), 2)
        here = tissue & (spots >= np.quantile(spots, 1 - share))
        unit = np.array(vector) / np.linalg.norm(vector)
        density += here[..., None] * amount * unit * (0.7 + 0.6 * rng.random((n, n, 1)))
    return (242 * 10**-density + rng.normal(0, 1, density.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("stains", "name", "word"),
    [
        (((H, 0.5, 0.3), (E, 0.3, 1.0)), "H&E", "pink or purple"),
        (((H, 0.15, 0.2), (E, 0.08, 1.0)), "H&E", "pink or purple"),
        (((H, 0.7, 0.8), (E, 0.1, 1.0)), "H&E", "pink or purple"),
        (((H, 0.4, 0.3), (DAB, 0.6, 0.2)), "other", "brown"),
        (((H, 0.3, 0.5), (DAB, 0.5, 0.05)), "other", "brown"),
        (((H, 0.4, 0.5),), "other", "no eosin"),
        (((ANILINE, 0.6, 0.6), (E, 0.5, 0.3), (H, 0.3, 0.1)), "other", "blue or green"),
        (((GREY, 0.8, 0.3), (GREY, 0.2, 1.0)), "other", "grey"),
    ],
)
def test_painted_stains(stains: tuple, name: str, word: str) -> None:
    guess = guess_stain_of(painted(*stains))
    assert guess.name == name and word in guess.reason
    assert 0.5 <= guess.confidence <= 1.0


def test_a_dark_background_is_fluorescence() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.normal(12, 3, (120, 120, 3)).clip(0, 255).astype(np.uint8)
    rgb[40:60, 40:60, 1] = 200
    guess = guess_stain_of(rgb)
    assert guess.name == "other" and "fluorescence" in guess.reason


def test_bare_glass_is_left_to_the_tissue_mask() -> None:
    rgb = np.random.default_rng(0).normal(243, 1, (120, 120, 3)).astype(np.uint8)
    guess = guess_stain_of(rgb)
    assert guess.name == "H&E" and guess.confidence == 0.5 and "too little" in guess.reason


def test_a_pen_mark_does_not_count_as_stain() -> None:
    rgb = painted((H, 0.5, 0.3), (E, 0.3, 1.0))
    rgb[10:60, 10:230] = (30, 60, 160)
    assert guess_stain(ArraySlide(rgb, 8.0)).name == "H&E"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "mpp"),
    [
        ("her2st/5714_HE_BT_E1.jpg", 0.685),
        ("libvips/CMU-1-Small-Region.svs", None),
        ("lixiangchun/C3L-00601-26_from-dzi.tif", None),
        ("10x-mousebrain/coronal_tissue_hires_image.png", 3.71),
    ],
)
def test_real_h_and_e(shared: Path, path: str, mpp: float | None) -> None:
    from napari_lookalike.core.slides import open_slide

    with open_slide(shared / "data/wsi" / path, mpp=mpp, raster=True) as slide:
        guess = guess_stain(slide)
    assert guess.name == "H&E" and guess.confidence > 0.9
