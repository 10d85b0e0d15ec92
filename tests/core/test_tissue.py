"""The tissue mask: pale tissue stays; halos, specks, dust, pen and borders go."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.core.array_slide import ArraySlide

from napari_lookalike.core.errors import TissueError
from napari_lookalike.core.tissue import TissueMask, TissueSettings, find_tissue, mask_of

EOSIN = np.array([0.07, 0.99, 0.11])
HAEMATOXYLIN = np.array([0.65, 0.70, 0.29])


def render(density: np.ndarray, seed: int = 0, noise: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (246 * 10**-density + rng.normal(0, noise, density.shape)).clip(0, 255).astype(np.uint8)


def disk(n: int, x: float, y: float, radius: float) -> np.ndarray:
    yy, xx = np.mgrid[:n, :n]
    return (xx - x) ** 2 + (yy - y) ** 2 < radius**2


def section(n: int = 240, strength: float = 0.3, texture: float = 0.25, seed: int = 1) -> tuple:
    """A round section in the middle: density (n, n, 3) and the truth."""
    rng = np.random.default_rng(seed)
    truth = disk(n, n / 2, n / 2, n / 4)
    field = 1 + texture * ndimage.gaussian_filter(rng.normal(size=(n, n)), 1.2) * 4
    return (truth * field * strength)[..., None] * EOSIN, truth


def agreement(mask: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (mask & truth).sum() / (mask.sum() + truth.sum())


def masked(rgb: np.ndarray, settings: TissueSettings | None = None) -> np.ndarray:
    return mask_of(rgb, 8.0, settings or TissueSettings())[0]


@pytest.mark.parametrize("strength", [0.6, 0.3, 0.12, 0.08])
def test_sections_are_found_down_to_pale_white_matter(strength: float) -> None:
    density, truth = section(strength=strength)
    assert agreement(masked(render(density)), truth) > 0.95


def test_pale_matter_inside_dark_tissue_is_kept() -> None:
    # Otsu's threshold would lie between the cortex (0.6) and the white matter (0.1)
    density, truth = section(strength=0.6)
    pale = disk(240, 120, 120, 35)
    rng = np.random.default_rng(5)
    density[pale] = 0.10 * EOSIN * (1 + 0.2 * rng.normal(size=(pale.sum(), 1)))
    mask = masked(render(density))
    assert mask[ndimage.binary_erosion(pale, iterations=3)].mean() > 0.98
    assert agreement(mask, truth) > 0.95


def test_a_halo_of_stain_on_the_glass_is_not_tissue() -> None:
    density, truth = section(strength=0.5)
    yy, xx = np.mgrid[:240, :240]
    halo = 0.06 * np.exp(-((xx - 170) ** 2 + (yy - 120) ** 2) / (2 * 60**2))
    tilt = 0.03 * yy / 240
    mask = masked(render(density + (halo + tilt)[..., None] * EOSIN))
    assert agreement(mask, truth) > 0.95
    assert mask[~ndimage.binary_dilation(truth, iterations=5)].mean() < 0.001


def test_specks_go_and_small_holes_are_filled() -> None:
    density, truth = section(strength=0.5)
    hole, vessel = disk(240, 120, 120, 4), disk(240, 95, 120, 12)
    density[hole | vessel] = 0
    density[disk(240, 20, 20, 4)] = 0.5 * EOSIN
    mask = masked(render(density))
    assert mask[hole].all()
    assert not mask[ndimage.binary_erosion(vessel, iterations=4)].any()
    assert not mask[:40, :40].any()
    assert truth[120, 70]
    fine = replace(TissueSettings(), min_area_um2=500.0)
    assert masked(render(density), fine)[:40, :40].any()


def test_pale_grey_dust_goes() -> None:
    density, truth = section(strength=0.4)
    rng = np.random.default_rng(2)
    dust = disk(240, 30, 200, 14)
    density[dust] += 0.09 + 0.02 * rng.normal(size=(dust.sum(), 1))
    mask = masked(render(density))
    assert not mask[dust].any()
    assert agreement(mask, truth) > 0.95


def test_black_borders_and_white_filler_go() -> None:
    density, truth = section(strength=0.4)
    rgb = render(density)
    rgb[:, :12] = 8  # the rim of the glass
    rgb[:20, 100:] = 0  # filler
    rgb[220:, 100:] = 255
    mask = masked(rgb)
    assert not mask[:, :12].any() and not mask[:20].any() and not mask[220:].any()
    assert agreement(mask, truth) > 0.95


def test_a_pen_mark_is_not_tissue() -> None:
    density, truth = section(strength=0.4)
    pen = np.zeros(truth.shape, dtype=bool)
    pen[20:34, 20:200] = True
    density[pen] = [0.9, 0.5, 0.15]
    mask, found, _ = mask_of(render(density), 8.0, TissueSettings())
    assert found[pen].mean() > 0.95 and not mask[pen].any()
    mask, found, _ = mask_of(render(density), 8.0, replace(TissueSettings(), exclude_pen=False))
    assert mask[pen].mean() > 0.9 and not found.any()
    assert truth.any()


def test_a_field_without_glass_is_all_tissue() -> None:
    rng = np.random.default_rng(0)
    density = 0.3 * EOSIN * (1 + 0.2 * rng.normal(size=(100, 100, 1)))
    assert masked(render(density)).mean() > 0.98


def test_auto_raises_the_threshold_on_noisy_glass_only() -> None:
    density, _ = section(strength=0.4)
    calm = mask_of(render(density), 8.0, TissueSettings())[2]
    assert calm == TissueSettings().min_density
    rng = np.random.default_rng(3)
    blotches = 0.03 * ndimage.gaussian_filter(rng.normal(size=(240, 240)), 6) * 20
    noisy = density + np.abs(blotches)[..., None]
    assert mask_of(render(noisy), 8.0, TissueSettings())[2] > calm
    manual = replace(TissueSettings(), auto=False, min_density=0.05)
    assert mask_of(render(noisy), 8.0, manual)[2] == 0.05


def test_blank_glass_raises_with_the_slide_named() -> None:
    slide = ArraySlide(render(np.zeros((200, 200, 3))), 8.0)
    with pytest.raises(TissueError, match="No tissue") as error:
        find_tissue(slide)
    assert error.value.slide == slide.name and error.value.remedy


def test_the_mask_has_the_size_asked_for_and_exact_downsamples() -> None:
    density, truth = section(n=242, strength=0.4)
    slide = ArraySlide(np.kron(render(density), np.ones((3, 3, 1), np.uint8)), 2.6)
    found = find_tissue(slide, TissueSettings(pixel_um=8.0))
    assert found.mask.shape == (round(726 * 2.6 / 8), round(726 * 2.6 / 8))
    assert found.downsample_xy == (726 / found.mask.shape[1], 726 / found.mask.shape[0])
    assert found.share == pytest.approx(truth.mean(), rel=0.06)


def test_without_mpp_the_mask_has_1024_pixels_or_what_there_is() -> None:
    density, _ = section(strength=0.4)
    big = ArraySlide(np.kron(render(density), np.ones((6, 5, 1), np.uint8)))
    assert find_tissue(big).mask.shape == (1024, round(1200 * 1024 / 1440))
    assert find_tissue(ArraySlide(render(density))).mask.shape == (240, 240)


def test_settings_go_through_json() -> None:
    settings = TissueSettings(min_density=0.05, exclude_pen=False)
    assert TissueSettings(**json.loads(json.dumps(asdict(settings)))) == settings


@lru_cache  # two tests look at the same sections, which take seconds to decode
def real_mask(path: Path, mpp: float | None) -> TissueMask:
    from napari_lookalike.core.slides import open_slide

    with open_slide(path, mpp=mpp, raster=True) as slide:
        return find_tissue(slide)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "mpp", "low", "high"),
    [
        ("her2st/5714_HE_BT_C2.jpg", 0.685, 0.165, 0.18),
        ("her2st/5714_HE_BT_E1.jpg", 0.685, 0.165, 0.18),
        ("libvips/CMU-1-Small-Region.svs", None, 0.36, 0.45),
        ("lixiangchun/C3L-00601-26_from-dzi.tif", None, 0.30, 0.34),
        ("10x-mousebrain/coronal_tissue_hires_image.png", 3.71, 0.22, 0.25),
        ("histolab/kidney-48-5.tif", None, 0.003, 0.005),
    ],
)
def test_real_slides(shared: Path, name: str, mpp: float | None, low: float, high: float) -> None:
    """Shares as read off masks that were looked at; Otsu on E1 takes the halo for tissue."""
    found = real_mask(shared / "data/wsi" / name, mpp)
    assert low < found.share < high
    assert found.pen.mean() < 0.001


@pytest.mark.shared
@pytest.mark.parametrize(("section", "spots"), [("C2", "C2"), ("E1", "C5")])
def test_spots_under_the_tissue_are_in_the_mask(
    shared: Path, section: str, spots: str, tsv: Callable[[Path], list[dict[str, str]]]
) -> None:
    """The experimenters marked the array spots that lie under tissue."""
    folder = shared / "data/wsi/her2st"
    found = real_mask(folder / f"5714_HE_BT_{section}.jpg", 0.685)
    rows = tsv(folder / "spots" / f"{spots}_selection.tsv")
    hit = []
    for row in rows:
        x, y = float(row["pixel_x"]), float(row["pixel_y"])
        i, j = int(y / found.downsample_xy[1]), int(x / found.downsample_xy[0])
        hit.append(bool(found.mask[i, j]))
    assert len(hit) > 100 and np.mean(hit) > 0.97


@pytest.fixture
def tsv() -> Callable[[Path], list[dict[str, str]]]:
    import csv

    return lambda path: list(csv.DictReader(path.read_text().splitlines(), delimiter="\t"))


@pytest.mark.parametrize("name", ["min_area_um2", "max_hole_um2"])
def test_a_size_of_nothing_drops_and_fills_nothing(name: str) -> None:
    density, truth = section()
    settings = replace(TissueSettings(), **{name: 0.0})
    assert agreement(masked(render(density), settings), truth) > 0.95
