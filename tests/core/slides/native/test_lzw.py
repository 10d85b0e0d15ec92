"""LZW: damaged codes are an error and not the end of the process."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from tests.core.slides.native.writing import noisy, pyramid, write_lossless

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.native.lzw import checked_lzw, lzw_decode

PIXELS = noisy(128, 128)
CODED = imagecodecs.lzw_encode(np.ascontiguousarray(PIXELS))


def test_sound_codes() -> None:
    out = np.zeros(PIXELS.size, np.uint8)
    assert len(lzw_decode(CODED, out=out)) == PIXELS.size
    assert (out.reshape(PIXELS.shape) == PIXELS).all()
    assert checked_lzw(CODED, PIXELS.size) == CODED
    turned = imagecodecs.bitorder_encode(CODED)
    assert checked_lzw(turned, PIXELS.size, reversed_bits=True) == turned


def test_more_than_is_wanted_is_left_out() -> None:
    out = np.zeros(1000, np.uint8)
    assert lzw_decode(CODED, out=out) == PIXELS.tobytes()[:1000]
    assert len(checked_lzw(CODED, 1000)) == 2524


def _decode_damaged(times: int) -> None:
    rng = np.random.default_rng(0)
    out = np.zeros(PIXELS.size, np.uint8)
    for _ in range(times):
        damaged = bytearray(CODED[: int(rng.integers(2, len(CODED)))])
        for at in rng.integers(len(damaged), size=8):
            damaged[at] = int(rng.integers(256))
        with contextlib.suppress(ValueError, RuntimeError):
            lzw_decode(bytes(damaged), out=out)
        with contextlib.suppress(ValueError, RuntimeError):
            checked_lzw(bytes(damaged), out.size)


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_damaged_codes_do_not_end_the_process() -> None:
    """In a child: imagecodecs, given a place to write to, is ended by some of these."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _decode_damaged(3000)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("deep", [False, True])
def test_a_damaged_tile_is_an_error_and_the_rest_is_read(tmp_path: Path, deep: bool) -> None:
    path = tmp_path / "slide.tif"
    if deep:  # read by tifffile
        grey = pyramid()[0][..., 0].astype(np.uint16) << 4
        tifffile.imwrite(path, grey, tile=(128, 128), compression="lzw")
    else:
        write_lossless(path, pyramid(), "lzw")
    with tifffile.TiffFile(path) as tif:
        offset, count = (v[3] for v in (tif.pages[0].dataoffsets, tif.pages[0].databytecounts))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * count)
    with open_slide(path) as slide:
        slide.read_level(0, 0, 0, 128, 128)
        with pytest.raises(RegionError, match="cannot be decoded"):
            slide.read_level(0, 400, 10, 20, 20)
