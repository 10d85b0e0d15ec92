"""Stain normalisation: what it brings together, what it records, and where it stands back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.core.normalise.stained import BLUE, VIOLET, concentrations, develop

from napari_lookalike.core.errors import EncoderError, FeatureError
from napari_lookalike.core.normalise import STAIN_METHODS, StainFit, fit_stain, stain_from_json
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.tiles import make_grid, read_tiles
from napari_lookalike.core.tissue import find_tissue

METHODS = ("macenko", "reinhard")


@pytest.fixture(autouse=True)
def no_silent_nan() -> Iterator[None]:
    with np.errstate(all="raise", under="ignore"):
        yield


def apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("method", METHODS)
def test_two_stains_of_one_tissue_come_closer(method: str) -> None:
    conc = concentrations()
    first = develop(conc, BLUE, 0.75)
    second = develop(conc, VIOLET, 1.25, seed=2)
    fits = [fit_stain(tiles, method) for tiles in (first, second)]
    assert [fit.method for fit in fits] == [method] * 2 and not any(f.reason for f in fits)
    before = apart(first, second)
    after = apart(fits[0](first), fits[1](second))
    assert before > 20 and after < before / 3


@pytest.mark.parametrize("method", METHODS)
def test_one_fit_serves_all_tiles_of_a_slide(method: str) -> None:
    tiles = develop(concentrations(), BLUE)
    fit = fit_stain(tiles, method)
    whole = fit(tiles)
    assert whole.dtype == np.uint8 and whole.shape == tiles.shape
    np.testing.assert_array_equal(np.stack([fit(t[None])[0] for t in tiles]), whole)
    # a tile's own colours have no part in what becomes of it
    np.testing.assert_array_equal(fit(np.ascontiguousarray(tiles[:, ::-1])), whole[:, ::-1])


@pytest.mark.parametrize("method", METHODS)
def test_every_colour_stays_a_colour(method: str) -> None:
    fit = fit_stain(develop(concentrations(), VIOLET, 0.6), method)
    grid = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(grid, grid, grid), axis=-1).reshape(1, -1, 18, 3)
    out = fit(cube)
    assert out.shape == cube.shape
    # glass stays glass
    assert fit(np.full((1, 2, 2, 3), 244, np.uint8)).min() > 225


@pytest.mark.parametrize("method", METHODS)
def test_on_a_device_as_in_numpy(method: str) -> None:
    torch = pytest.importorskip("torch")
    tiles = develop(concentrations(), BLUE, 0.7)
    fit = fit_stain(tiles, method)
    plain = fit(tiles).astype(int)
    given = torch.from_numpy(tiles)
    out = fit(given)
    assert out.dtype == torch.uint8 and out.device == given.device
    assert np.abs(out.numpy() - plain).max() <= 1
    assert (out.numpy() != plain).mean() < 1e-3
    # half precision around it changes nothing, nor does another order of the axes
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(fit(given), out)
    planes = given.permute(0, 3, 1, 2).contiguous()
    assert torch.equal(fit(planes.permute(0, 2, 3, 1)), out)


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_is_written_down_and_taken_up_again(method: str) -> None:
    tiles = develop(concentrations(), BLUE)
    fit = fit_stain(tiles, method)
    text = fit.to_json()
    assert text == fit_stain(tiles.copy(), method).to_json()
    data = json.loads(text)
    assert data["method"] == data["asked"] == method and data["pixels"] == 8 * 96 * 96
    assert set(data) >= {"source", "target", "version"}
    again = stain_from_json(text)
    assert again == fit
    np.testing.assert_array_equal(again(tiles), fit(tiles))


def test_nothing_asked_nothing_done() -> None:
    tiles = develop(concentrations(2), BLUE)
    fit = fit_stain(tiles, "none")
    assert fit(tiles) is tiles and fit.to_json() == ""
    assert stain_from_json("") == fit == StainFit()
    assert next(iter(STAIN_METHODS)) == "none"


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(EncoderError, match="vahadane") as error:
        fit_stain(np.zeros((1, 8, 8, 3), np.uint8), "vahadane")
    assert "macenko" in error.value.remedy


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"method": "macenko"}', '{"version": 1, "method": 3}', "7"]
)
def test_a_damaged_record_is_an_error(text: str) -> None:
    with pytest.raises(FeatureError, match="damaged"):
        stain_from_json(text)


def test_a_newer_record_is_an_error() -> None:
    text = json.dumps({**json.loads(fit_stain(blank(), "macenko").to_json()), "version": 99})
    with pytest.raises(FeatureError, match="newer"):
        stain_from_json(text)


# -- slides that cannot be fitted ------------------------------------------------------


def blank() -> NDArray[np.uint8]:
    return np.random.default_rng(0).normal(243, 1, (4, 64, 64, 3)).astype(np.uint8)


def little() -> NDArray[np.uint8]:
    tiles = blank()
    tiles[0, :40, :40] = develop(concentrations(1, 64), BLUE)[0, :40, :40]
    return tiles


def one_stain() -> NDArray[np.uint8]:
    conc = concentrations()
    conc[..., 0] = 0
    return develop(conc, ((0, 0, 0), (0.25, 0.8, 0.5)), 1.5, noise=1.0)


def haematoxylin() -> NDArray[np.uint8]:
    conc = concentrations()
    conc[..., 1] = 0
    return develop(conc, BLUE, noise=1.0)


def immuno() -> NDArray[np.uint8]:
    return develop(concentrations(), ((0.65, 0.70, 0.29), (0.27, 0.57, 0.78)))


def grey() -> NDArray[np.uint8]:
    return np.repeat(develop(concentrations(), BLUE)[..., 1:2], 3, axis=-1)


def black() -> NDArray[np.uint8]:
    return np.zeros((4, 64, 64, 3), np.uint8)


def flat() -> NDArray[np.uint8]:
    return np.broadcast_to(np.array([200, 120, 180], np.uint8), (4, 64, 64, 3))


CASES = {
    "blank": (blank, "too little"),
    "little": (little, "too little"),
    "haematoxylin": (haematoxylin, "haematoxylin"),
    "immuno": (immuno, "brown"),
    "grey": (grey, "grey"),
    "black": (black, ""),
    "flat": (flat, ""),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_fitted_is_left_alone_and_says_why(case: str, method: str) -> None:
    make, words = CASES[case]
    tiles = make()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_stain(tiles, method)
    assert (fit.method, fit.asked) == ("none", method)
    assert fit.reason.startswith("Not normalised, as ") and words in fit.reason
    assert fit(tiles) is tiles
    assert stain_from_json(fit.to_json()) == fit


@pytest.mark.parametrize("method", METHODS)
def test_what_is_known_to_be_h_and_e_is_not_judged_by_its_colours(method: str) -> None:
    warm = develop(concentrations(), ((0.54, 0.74, 0.33), (0.07, 0.62, 0.58)))
    assert "brown" in fit_stain(warm, method).reason
    known = fit_stain(warm, method, h_and_e=True)
    assert known.method == method and not known.reason
    for case in (blank, little, black):
        assert fit_stain(case(), method, h_and_e=True).method == "none"


def test_one_stain_alone_has_no_plane() -> None:
    fit = fit_stain(one_stain(), "macenko")
    assert fit.method == "none" and fit.reason


def test_a_pale_slide_is_no_ground_for_stain_vectors() -> None:
    fit = fit_stain(develop(concentrations(40), BLUE, 0.28, noise=1.0), "macenko")
    assert fit.method == "none" and "pale" in fit.reason


# -- real slides -----------------------------------------------------------------------


def restained(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As another laboratory might stain them."""
    density = -np.log((tiles.astype(np.float64) + 1) / 256)
    mixed = density @ np.array([[1.05, 0.1, 0.0], [0.02, 0.85, 0.18], [0.0, 0.05, 0.8]])
    return (256 * np.exp(-1.2 * mixed) - 1).clip(0, 255).round().astype(np.uint8)


SLIDES = {
    "CMU-1": ("libvips/CMU-1-Small-Region.svs", 0.499),
    "breast": ("her2st/5714_HE_BT_C2.jpg", 0.685),
    "CPTAC": ("lixiangchun/C3L-00601-26_from-dzi.tif", 1.0),
}


@pytest.mark.shared
@pytest.mark.parametrize("slide", SLIDES)
@pytest.mark.parametrize("method", METHODS)
def test_a_real_slide_and_its_restained_copy_come_closer(
    shared: Path, slide: str, method: str
) -> None:
    path, mpp = SLIDES[slide]
    opened = open_slide(shared / "data" / "wsi" / path, mpp=mpp, mpp_source="user", raster=True)
    with opened:
        grid = make_grid(opened, find_tissue(opened), tile_px=224, mpp=max(mpp, 0.5))
        chosen = np.linspace(0, len(grid) - 1, 32).astype(int)
        tiles = read_tiles(opened, grid, chosen.tolist())
    other = restained(tiles)
    fits = [fit_stain(t, method) for t in (tiles, other)]
    assert [fit.reason for fit in fits] == ["", ""]
    before, after = apart(tiles, other), apart(fits[0](tiles), fits[1](other))
    assert before > 8 and after < before / 2
