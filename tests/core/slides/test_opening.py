from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.errors import RegionError, UnreadableSlide
from napari_lookalike.core.slides import (
    SLIDE_FORMATS,
    looks_like_raster,
    looks_like_slide,
    open_slide,
    raster_source,
)
from napari_lookalike.core.slides.fingerprint import fingerprint_file
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.opening import fingerprint_of


def test_back_ends_are_tried_in_this_order():
    assert SLIDE_FORMATS.names() == ("openslide", "tifffile", "ome-zarr", "raster")


def test_every_reason_is_given_and_no_name(tmp_path):
    path = tmp_path / "patient_4711.svs"
    path.write_bytes(b"This is not a slide.")
    with pytest.raises(UnreadableSlide) as caught:
        open_slide(path)
    text = str(caught.value)
    assert "OpenSlide: not a format" in text
    assert "tifffile: not a TIFF" in text
    assert "JPEG" not in text
    assert "4711" not in text
    assert str(tmp_path) not in text
    assert caught.value.slide == fingerprint_of(path)[:8]
    with pytest.raises(UnreadableSlide, match="JPEG and PNG: not a JPEG or PNG"):
        open_slide(path, raster=True)


def test_a_missing_file(tmp_path):
    with pytest.raises(UnreadableSlide, match="not where it should be") as caught:
        open_slide(tmp_path / "patient.svs")
    assert "patient" not in str(caught.value)


def test_an_empty_file_and_a_folder_without_slides(tmp_path):
    (tmp_path / "empty.tif").touch()
    (tmp_path / "folder").mkdir()
    for name in ("empty.tif", "folder"):
        with pytest.raises(UnreadableSlide):
            open_slide(tmp_path / name)
        assert not looks_like_slide(tmp_path / name)


def test_a_file_cut_short_never_crashes(tmp_path, pyramid_slide):
    whole = pyramid_slide.read_bytes()
    path = tmp_path / "cut.tiff"
    for length in range(0, len(whole), len(whole) // 11):
        path.write_bytes(whole[:length])
        try:
            with open_slide(path) as slide:
                slide_info(slide)
        except (UnreadableSlide, RegionError) as error:
            assert "cut.tiff" not in str(error)


def test_what_openslide_does_not_know_goes_to_tifffile(tmp_path):
    """Tiles with a compression that OpenSlide does not know, opened by tifffile."""
    path = write_pyramid(tmp_path / "a.tiff", [texture(400, 300)], compression="png")
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
        assert np.array_equal(slide.read_level(0, 0, 0, 400, 300), texture(400, 300))


def test_an_error_does_not_poison_the_slide(tmp_path):
    path = write_pyramid(tmp_path / "a.tiff", [texture(1000, 300)])
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[2]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * 200)
    with open_slide(path) as slide:
        assert slide.backend == "openslide"
        good = slide.read_level(0, 0, 0, 200, 200)
        with pytest.raises(RegionError, match=f"Slide {slide.name}.*level 0") as caught:
            slide.read_level(0, 600, 10, 50, 50)
        assert "a.tiff" not in str(caught.value)
        assert np.array_equal(slide.read_level(0, 0, 0, 200, 200), good)


def test_jpeg_and_png_only_if_asked_for(tmp_path):
    pixels = texture(1400, 900)
    Image.fromarray(pixels).save(tmp_path / "a.png", dpi=(72, 72))
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    for name in ("a.png", "a.jpg"):
        path = tmp_path / name
        assert looks_like_raster(path)
        assert not looks_like_slide(path)
        with pytest.raises(UnreadableSlide):
            open_slide(path)
        with open_slide(path, raster=True, mpp=0.5) as slide:
            assert slide.backend == "raster"
            assert [level.width for level in slide.levels] == [1400, 700]
            assert (
                np.abs(
                    slide.read_level(0, 300, 200, 90, 80).astype(int) - pixels[200:280, 300:390]
                ).max()
                <= 12
            )
            assert slide.scale.mpp == 0.5
    with open_slide(tmp_path / "a.png", raster=True) as slide:
        assert "72 dpi" in slide.scale.reason


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "CMYK", "1"])
def test_jpeg_and_png_of_any_kind_are_rgb_over_white(tmp_path, mode):
    image = Image.fromarray(texture(60, 40))
    if mode == "I;16":
        image = Image.fromarray(np.full((40, 60), 30000, np.uint16))
    else:
        image = image.convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(0)
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    image.save(path)
    with open_slide(path, raster=True) as slide:
        pixels = slide.read_level(0, 0, 0, 60, 40)
    assert pixels.shape == (40, 60, 3)
    if mode in ("LA", "RGBA"):
        assert (pixels == 255).all()
    if mode == "P":
        assert np.abs(pixels.astype(int) - np.asarray(image.convert("RGB"))).max() == 0


def test_a_photograph_that_memory_cannot_hold_is_refused(tmp_path, monkeypatch):
    Image.fromarray(texture(200, 100)).save(tmp_path / "a.png")
    monkeypatch.setattr(raster_source, "MAX_RASTER_PX", 19_999)
    with pytest.raises(UnreadableSlide, match=r"200 x 100 pixels is too large.*pyramidal TIFF"):
        open_slide(tmp_path / "a.png", raster=True)


def test_a_large_photograph_warns_nobody(tmp_path, monkeypatch):
    """Pillow's own limit is 89 megapixels, with a warning for the whole process."""
    Image.new("L", (9500, 9500), 200).save(tmp_path / "a.png", compress_level=1)
    decoded, decode = [], raster_source.RasterSource._decode
    monkeypatch.setattr(
        raster_source.RasterSource, "_decode", lambda self: (decoded.append(1), decode(self))[1]
    )
    with open_slide(tmp_path / "a.png", raster=True) as slide:
        assert not decoded and not slide.is_ready(0)
        assert (slide.peek_level(0, 0, 0, 10, 10) == 236).all()
        assert (slide.read_level(0, 9400, 9400, 10, 10) == 200).all()
        assert slide.is_ready(0)


def test_a_truncated_photograph_is_an_error_not_a_crash(tmp_path):
    Image.fromarray(texture(2600, 1800)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 3])
    try:
        with open_slide(tmp_path / "a.jpg", raster=True) as slide:
            slide.read_level(0, 2000, 1700, 10, 10)
    except (RegionError, UnreadableSlide) as error:
        assert "a.jpg" not in str(error)


def test_the_fingerprint_is_of_the_content(tmp_path, pyramid_slide, no_mpp_slide):
    copied = tmp_path / "renamed.svs"
    shutil.copy(pyramid_slide, copied)
    assert fingerprint_of(copied) == fingerprint_of(pyramid_slide)
    assert fingerprint_of(no_mpp_slide) != fingerprint_of(pyramid_slide)
    assert len(fingerprint_of(copied)) == 32


class Counted(type(Path())):
    """A path that counts the bytes that are read of it."""

    def open(self, *_):
        self.read = []
        return _CountingFile(self)


class _CountingFile(io.FileIO):
    def __init__(self, path):
        super().__init__(path)
        self._path = path

    def read(self, size=-1):
        data = super().read(size)
        self._path.read.append(len(data))
        return data


def test_little_of_a_large_file_is_read_for_its_fingerprint_which_sees_its_ends(tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    before, counted = fingerprint_file(path), Counted(path)
    assert fingerprint_file(counted) == before
    assert 1 << 17 < sum(counted.read) < 1 << 20
    for place in (0, (3 << 30) - 1):
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"x")
        after = fingerprint_file(path)
        assert after != before
        before = after


def test_sniffing_never_raises(tmp_path):
    (tmp_path / "short").write_bytes(b"II")
    (tmp_path / "a.mrxs").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "notes.db").write_bytes(b"SQLite format 3\0" + b"\0" * 200)
    for name in ("short", "a.mrxs", "notes.db", "nothing", "."):
        assert not looks_like_slide(tmp_path / name)
        assert looks_like_raster(tmp_path / name) == (name == "a.mrxs")
    (tmp_path / "a").mkdir()
    assert looks_like_slide(tmp_path / "a.mrxs")
