"""OME-Zarr: axes, scale, levels, kinds of pixels, and damage."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.core.slides.zarr_fixtures import write_ome_zarr
from tests.slide_fixtures import halve, texture

from napari_lookalike.core.errors import LookalikeError, UnreadableSlide
from napari_lookalike.core.slides import looks_like_slide, open_slide

RGB = texture(301, 203)


def planar(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(pixels, -1, 0)


def arranged(axes: str) -> np.ndarray:
    """`RGB` with its axes in that order; other axes have two planes, the second black."""
    shape = {"t": 2, "z": 2}
    found = RGB.transpose(["yxc".index(a) for a in axes if a in "yxc"])
    for at, axis in enumerate(axes):
        if axis in shape:
            found = np.stack([found, np.zeros_like(found)], axis=at)
    return found


def whole(folder: Path) -> np.ndarray:
    with open_slide(folder) as slide:
        return slide.read_level(0, 0, 0, *slide.size)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_pyramid_with_odd_downsamples(tmp_path: Path, version: str) -> None:
    half, small = halve(RGB), RGB[::3, ::3][:66]
    levels = [planar(v) for v in (RGB, half, small)]
    folder = write_ome_zarr(tmp_path / "slide.ome.zarr", levels, version=version, scale=0.25)
    assert looks_like_slide(folder)
    with open_slide(folder) as slide:
        assert (slide.backend, slide.vendor) == ("ome-zarr", "ome-zarr")
        assert slide.size == (301, 203)
        sizes = [(v.width, v.height) for v in slide.levels]
        assert sizes == [(301, 203), (150, 101), (101, 66)]
        assert slide.levels[2].downsample_y == 203 / 66
        assert slide.levels[0].tile_width == 256  # four chunks of 64
        assert (slide.scale.mpp_x, slide.scale.source) == (0.25, "property")
        assert (slide.read_level(0, 0, 0, 301, 203) == RGB).all()
        assert (slide.read_level(1, 100, 50, 60, 60)[:51, :50] == half[50:, 100:]).all()
        assert (slide.read_level(1, 100, 50, 60, 60)[51:] == 255).all()
        assert slide.properties()["ome.version"] == version
        assert slide.properties()["zarr.compression"] != "none"


@pytest.mark.parametrize("axes", ["cyx", "yxc", "xyc", "ycx", "tczyx", "czyx", "tzyxc"])
def test_axes_in_any_order(tmp_path: Path, axes: str) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [arranged(axes)], axes)
    with open_slide(folder) as slide:
        assert (slide.read_level(0, 0, 0, 301, 203) == RGB).all()
        assert (slide.read_level(0, 20, 10, 30, 40) == RGB[10:50, 20:50]).all()
        note = slide.properties().get("lookalike.note", "")
    assert ("2 time points" in note) == ("t" in axes)
    assert ("2 focal planes" in note) == ("z" in axes)


def test_grey_is_shown_as_it_is(tmp_path: Path) -> None:
    grey = RGB[..., 0]
    assert (whole(write_ome_zarr(tmp_path / "a.zarr", [grey], "yx")) == grey[..., None]).all()


def test_16_bits_are_shown_by_omeros_window(tmp_path: Path) -> None:
    grey = np.linspace(0, 4000, 300 * 200).reshape(1, 200, 300).astype(np.uint16)
    omero = {"channels": [{"color": "FFFFFF", "window": {"start": 1000, "end": 3000}}]}
    shown = whole(write_ome_zarr(tmp_path / "a.zarr", [grey], omero=omero))
    assert (shown[grey[0] < 1000] == 0).all()
    assert (shown[grey[0] > 3000] == 255).all()
    assert np.abs(shown[grey[0] == 2000].astype(int) - 128).max() <= 1
    with open_slide(tmp_path / "a.zarr") as slide:
        assert "1000 to 3000" in slide.properties()["lookalike.display-range"]


def test_16_bits_without_a_window_are_shown_from_the_least_to_the_most(tmp_path: Path) -> None:
    grey = np.linspace(500, 900, 300 * 200).reshape(200, 300).astype(np.uint16)
    shown = whole(write_ome_zarr(tmp_path / "a.zarr", [grey], "yx"))
    assert (shown.min(), shown.max()) == (0, 255)


def test_channels_that_are_no_colours_are_not_mixed(tmp_path: Path) -> None:
    omero = {"channels": [{"color": c} for c in ("0000FF", "00FF00", "FF0000")]}
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)], omero=omero)
    with open_slide(folder) as slide:
        assert (slide.read_level(0, 0, 0, 301, 203) == RGB[..., :1]).all()
        assert "first of 3 channels" in slide.properties()["lookalike.note"]


@pytest.mark.parametrize(
    ("unit", "scale", "overall", "mpp"),
    [
        ("nanometer", 250.0, None, 0.25),
        ("millimeter", 0.0005, None, 0.5),
        ("micrometer", 1.0, 0.5, 0.5),
        (None, 0.5, None, None),
        ("parsec", 0.5, None, None),
    ],
)
def test_scale_in_the_unit_of_the_axes(
    tmp_path: Path, unit: str | None, scale: float, overall: float | None, mpp: float | None
) -> None:
    folder = write_ome_zarr(
        tmp_path / "a.zarr", [planar(RGB)], unit=unit, scale=scale, overall=overall
    )
    with open_slide(folder) as slide:
        assert slide.scale.mpp == pytest.approx(mpp)
        assert slide.scale.source == ("property" if mpp else "unknown")
        assert f"{scale * (overall or 1):g}" in slide.scale.raw


def test_the_largest_image_of_a_converters_folder(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB[:50, :60])], version="0.4", group="0")
    write_ome_zarr(folder, [planar(RGB)], version="0.4", group="1")
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / ".zattrs").write_text('{"bioformats2raw.layout": 3}')
    assert looks_like_slide(folder)
    assert (whole(folder) == RGB).all()


def test_a_plate_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".zgroup").write_text('{"zarr_format": 2}')
    (tmp_path / ".zattrs").write_text('{"plate": {"wells": []}}')
    with pytest.raises(UnreadableSlide, match="a plate of many images"):
        open_slide(tmp_path)


def test_chunks_that_are_not_there_have_the_fill_value(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)], fill=255)
    for chunk in (folder / "0" / "c").glob("*/0/1"):
        chunk.unlink()
    shown = whole(folder)
    assert (shown[:64, 64:128] == 255).all()
    assert (shown[64:] == RGB[64:]).all()


def test_a_damaged_chunk_is_an_error_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)])
    (folder / "0" / "c" / "1" / "1" / "4").write_bytes(b"damaged")
    with open_slide(folder) as slide:
        assert (slide.read_level(0, 0, 0, 128, 64) == RGB[:64, :128]).all()
        with pytest.raises(LookalikeError, match="cannot be decoded"):
            slide.read_level(0, 260, 66, 20, 20)


def test_a_level_that_is_gone_is_left_out_and_noted(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB), planar(halve(RGB))])
    shutil.rmtree(folder / "1")
    with open_slide(folder) as slide:
        assert len(slide.levels) == 1
        assert "1 of its levels" in slide.properties()["lookalike.note"]
    shutil.rmtree(folder / "0")
    with pytest.raises(UnreadableSlide, match="full-size level is missing"):
        open_slide(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"multiscales": []},
        {"multiscales": [{}]},
        {"multiscales": [{"axes": 3, "datasets": [{"path": "0"}]}]},
        {"multiscales": [{"axes": [{"name": "q"}], "datasets": [{"path": "0"}]}]},
        {"multiscales": [{"axes": ["c", "y", "x"], "datasets": [{"path": "../.."}]}]},
        {"multiscales": [{"axes": ["c", "y", "x"], "datasets": [{"path": 7}]}]},
        {"multiscales": {"axes": "cyx"}},
    ],
)
def test_metadata_that_lie_are_a_sentence(tmp_path: Path, change: object) -> None:
    folder = write_ome_zarr(tmp_path / "SMITH_Anna.zarr", [planar(RGB)])
    metadata = json.loads((folder / "zarr.json").read_text())
    metadata["attributes"]["ome"] = change
    (folder / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(UnreadableSlide) as caught:
        open_slide(folder)
    assert "OME-Zarr: " in str(caught.value)
    assert "SMITH" not in str(caught.value)


@pytest.mark.parametrize("edit", ['{"zarr', "[]", '{"multiscales": 1', ""])
def test_text_that_is_no_metadata(tmp_path: Path, edit: str) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)])
    (folder / "zarr.json").write_text(edit + '  "multiscales"')
    with pytest.raises(UnreadableSlide, match="OME-Zarr"):
        open_slide(folder)


def test_chunks_too_large_for_memory_are_refused(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)])
    metadata = json.loads((folder / "0" / "zarr.json").read_text())
    metadata["shape"] = [3, 60000, 60000]
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = [3, 60000, 60000]
    (folder / "0" / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(UnreadableSlide, match="chunks are too large"):
        open_slide(folder)


def test_the_fingerprint_goes_with_the_content(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)])
    with open_slide(folder) as slide:
        first = slide.fingerprint
    moved = shutil.move(folder, tmp_path / "elsewhere.zarr")
    with open_slide(moved) as slide:
        assert slide.fingerprint == first
    write_ome_zarr(tmp_path / "b.zarr", [planar(RGB[::-1])])
    with open_slide(tmp_path / "b.zarr") as slide:
        assert slide.fingerprint != first


def test_reading_in_threads(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [planar(RGB)])
    places = [(x, y) for x in range(0, 280, 20) for y in range(0, 180, 20)]
    with open_slide(folder) as slide, ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda at: slide.read_level(0, *at, 20, 20), places))
    for (x, y), part in zip(places, parts, strict=True):
        assert (part == RGB[y : y + 20, x : x + 20]).all()


def test_other_folders_are_none(tmp_path: Path) -> None:
    assert not looks_like_slide(tmp_path)
    (tmp_path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "array"}')
    assert not looks_like_slide(tmp_path)
