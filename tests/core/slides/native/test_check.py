"""The check finds what differs, and then OpenSlide decodes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tifffile
from tests.core.slides.native.writing import noisy, pyramid, write_jpeg, write_lossless

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.native import check, jpeg, source
from napari_lookalike.core.slides.native.check import offset_of, shifted
from napari_lookalike.core.slides.openslide_source import open_openslide


@pytest.fixture(autouse=True)
def _say_again():
    source._tell_once.cache_clear()


def decoder_of(path, caplog) -> str:
    """What decodes a slide; whatever the reason, pixels must be OpenSlide's."""
    with caplog.at_level(logging.DEBUG), open_slide(path) as slide:
        level = slide.levels[0]
        found = slide.read_level(0, 0, 0, level.width, level.height)
        expected = open_openslide(path).read(0, 0, 0, level.width, level.height)
        assert np.array_equal(found, expected)
        decoder = slide.properties()["lookalike.decoder"]
        assert slide_info(slide)["decoder"] == decoder
        ours = [record for record in caplog.records if record.name == "napari_lookalike"]
        assert all(slide.fingerprint[:8] in record.getMessage() for record in ours)
    assert path.name not in caplog.text
    assert str(path.parent) not in caplog.text
    return decoder


@pytest.mark.parametrize("lie", ["other pixels", "wrong colours", "one pixel off"])
def test_a_file_with_a_page_that_openslide_does_not_show(tmp_path, caplog, lie):
    """Two pages of the size of level 1: OpenSlide takes the one that is marked."""
    levels = pyramid(levels=2)
    wrong = {
        "other pixels": noisy(*levels[1].shape[1::-1], seed=7),
        "wrong colours": levels[1][..., ::-1].copy(),
        "one pixel off": np.roll(levels[1], 1, axis=1),
    }[lie]
    path = tmp_path / "patient.tif"
    with tifffile.TiffWriter(path) as writer:
        for pixels, marked in ((levels[0], 0), (wrong, 0), (levels[1], 1)):
            writer.write(
                pixels, tile=(128, 128), photometric="rgb", subfiletype=marked,
                compression="zlib", metadata=None,
            )  # fmt: skip
    assert len(open_openslide(path).levels) == 2
    assert decoder_of(path, caplog).startswith("OpenSlide (level 1 differs by ")
    decoder_of(path, caplog)
    said = [r for r in caplog.records if r.name == "napari_lookalike"]
    assert len(said) == 1  # once, though it was opened twice
    assert said[0].levelno == logging.WARNING


def test_a_single_grey_level_in_a_lossless_file_is_a_difference(tmp_path, monkeypatch, caplog):
    path = write_lossless(tmp_path / "a.tif", pyramid(), "zlib")
    read = source.OpenSlideSource.read

    def nearly(self, *place):
        pixels = read(self, *place)
        pixels[0, 0, 0] ^= 1
        return pixels

    monkeypatch.setattr(source.OpenSlideSource, "read", nearly)
    assert "differs by" in decoder_of(path, caplog)


@pytest.mark.parametrize("rgb", [True, False])
def test_wrong_colours_in_our_own_decoder_are_found(tmp_path, monkeypatch, caplog, rgb):
    path = write_jpeg(tmp_path / "a.tif", pyramid(), rgb=rgb)
    assert decoder_of(path, caplog) == "native tiles"
    other = jpeg.adobe_marker
    monkeypatch.setattr(jpeg, "adobe_marker", lambda transform: other(1 - transform))
    assert "level 0 differs by" in decoder_of(path, caplog)


def test_a_decoder_that_fails_is_found(tmp_path, monkeypatch, caplog):
    path = write_jpeg(tmp_path / "a.tif", pyramid())

    def fail(*args, **kwargs):
        raise ValueError(f"cannot decode {path}")

    monkeypatch.setattr(jpeg.simplejpeg, "decode_jpeg", fail)
    decoder = decoder_of(path, caplog)
    assert (
        decoder
        == "OpenSlide (a tile of level 0 cannot be decoded directly: cannot decode the file)"
    )


def test_what_is_not_decoded_directly_is_said_once_and_quietly(tmp_path, caplog):
    path = tmp_path / "patient.tif"
    rgba = np.concatenate([noisy(300, 200), np.full((200, 300, 1), 255, np.uint8)], axis=-1)
    tifffile.imwrite(
        path, rgba, tile=(128, 128), photometric="rgb", extrasamples=["unassalpha"],
        compression="zlib", metadata=None,
    )  # fmt: skip
    assert decoder_of(path, caplog) == "OpenSlide (the pixels are not 8-bit grey or RGB)"
    said = [r for r in caplog.records if r.name == "napari_lookalike"]
    assert [r.levelno for r in said] == [logging.INFO]


def test_openslide_interpolates_as_we_think():
    """The check's own arithmetic: where OpenSlide starts late, and what it then shows."""
    assert offset_of(0, 2.0002) == 0
    assert offset_of(300, 2.0) == 0
    assert offset_of(2500, 2.0002) == pytest.approx((5000 - 2500 * 2.0002) / 2.0002, abs=1e-9) or (
        offset_of(2500, 2.0002) == pytest.approx(0.25, abs=0.01)
    )
    ramp = np.arange(12, dtype=np.float32).reshape(1, 12, 1)
    for by in (-0.25, 0.25, 0.5):
        assert np.allclose(shifted(ramp, by, 1)[0, 1:-1, 0], np.arange(1, 11) + by)


def test_the_tolerances_are_small():
    assert check.MEAN_TOLERANCE <= 1
    assert check.MOST_TOLERANCE <= 16
