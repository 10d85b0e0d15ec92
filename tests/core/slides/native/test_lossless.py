from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from tests.core.slides.native.writing import noisy

from napari_lookalike.core.slides.native.codec import shrink
from napari_lookalike.core.slides.native.lossless import LosslessCodec
from napari_lookalike.core.slides.source import DECODE_ERRORS, CannotRead

PIXELS = noisy(64, 48)
PACK = {
    1: bytes,
    5: imagecodecs.lzw_encode,
    8: imagecodecs.zlib_encode,
    32946: imagecodecs.zlib_encode,
    32773: imagecodecs.packbits_encode,
    50000: imagecodecs.zstd_encode,
}


def codec(compression, samples=3, predictor=False, inverted=False) -> LosslessCodec:
    return LosslessCodec(64, 48, samples, compression, predictor=predictor, inverted=inverted)


@pytest.mark.parametrize("compression", PACK)
def test_every_packing(compression):
    data = PACK[compression](PIXELS.tobytes())
    assert np.array_equal(codec(compression).decode(data, 1), PIXELS)
    assert np.array_equal(codec(compression).decode(data, 4), shrink(PIXELS, 4))
    differences = np.diff(PIXELS, axis=1, prepend=np.uint8(0))
    data = PACK[compression](differences.tobytes())
    assert np.array_equal(codec(compression, predictor=True).decode(data, 1), PIXELS)


@pytest.mark.parametrize("compression", PACK)
def test_too_little_data_is_an_error(compression):
    data = PACK[compression](PIXELS.tobytes()[: PIXELS.size // 2])
    with pytest.raises(CannotRead, match="cut off"):
        codec(compression).decode(data, 1)


@pytest.mark.parametrize("compression", [8, 50000, 32773])
def test_a_bomb_is_an_error(compression):
    """64 MB for a tile of 9 kB."""
    packed = b"\x81\0" * (1 << 19) if compression == 32773 else PACK[compression](bytes(64 << 20))
    with pytest.raises(DECODE_ERRORS):
        codec(compression).decode(packed, 1)


def test_grey_and_inverted():
    grey = np.ascontiguousarray(PIXELS[..., 0])
    shown = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(codec(1, samples=1).decode(grey.tobytes(), 1), shown)
    inverted = codec(1, samples=1, inverted=True).decode(grey.tobytes(), 1)
    assert np.array_equal(inverted, 255 - shown)


def test_the_result_is_not_the_file():
    tile = codec(1).decode(PIXELS.tobytes(), 1)
    tile[0, 0] = 0  # writeable


def test_shrinking_is_the_mean_and_repeats_the_edge():
    odd = noisy(13, 10)
    small = shrink(odd, 4)
    assert small.shape == (3, 4, 3)
    assert np.array_equal(small[0, 0], np.rint(odd[:4, :4].mean(axis=(0, 1)) + 1e-9))
    corner = np.pad(odd[8:, 12:], ((0, 2), (0, 3), (0, 0)), mode="edge")
    assert np.abs(small[2, 3] - corner.mean(axis=(0, 1))).max() <= 0.5
    assert shrink(np.full((7, 5, 3), 255, np.uint8), 8).tolist() == [[[255, 255, 255]]]
