from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from tests.core.slides.native.writing import noisy, to_ycbcr

from napari_lookalike.core.slides.native.jpeg2000 import Jpeg2000Codec, from_ycbcr, read_size
from napari_lookalike.core.slides.source import DECODE_ERRORS, CannotRead

PIXELS = noisy(64, 48)


def encoded(pixels, **options) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k", reversible=True, **options)


def test_rgb_grey_and_reduced():
    codec = Jpeg2000Codec(64, 48, 3, ycbcr=False)
    assert np.array_equal(codec.decode(encoded(PIXELS), 1), PIXELS)
    assert codec.decode(encoded(PIXELS), 4).shape == (12, 16, 3)
    grey = Jpeg2000Codec(64, 48, 1, ycbcr=False).decode(encoded(PIXELS[..., 0]), 1)
    assert np.array_equal(grey, np.repeat(PIXELS[..., :1], 3, axis=2))


def test_ycbcr_is_turned_into_rgb():
    data = encoded(to_ycbcr(PIXELS), mct=False)
    found = Jpeg2000Codec(64, 48, 3, ycbcr=True).decode(data, 1)
    assert np.abs(found.astype(int) - PIXELS).max() <= 3
    assert np.abs(found.astype(int) - to_ycbcr(PIXELS)).mean() > 20


def test_colours_by_the_formula():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (50, 40, 3)).astype(np.uint8)
    y, cb, cr = np.moveaxis(values.astype(float), -1, 0)
    exact = np.stack(
        [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
         y + 1.772 * (cb - 128)], axis=-1,
    )  # fmt: skip
    assert np.abs(from_ycbcr(values) - np.clip(exact, 0, 255)).max() <= 0.51


def test_a_header_that_asks_for_too_much_is_refused_before_decoding():
    data = bytearray(encoded(PIXELS))
    codec = Jpeg2000Codec(64, 48, 3, ycbcr=False)
    for place, value in [(8, 60000), (12, 60000)]:  # width, height
        lying = data.copy()
        lying[place : place + 4] = value.to_bytes(4)
        with pytest.raises(CannotRead, match=r"another size|too many parts"):
            codec.decode(bytes(lying), 1)
    parts = data.copy()
    parts[24:32] = (1).to_bytes(4) * 2
    with pytest.raises(CannotRead, match="too many parts"):
        codec.decode(bytes(parts), 1)


@pytest.mark.parametrize("bad", [b"", b"\xff\x4f\xff\x51", b"\0" * 100])
def test_no_codestream(bad):
    with pytest.raises(CannotRead, match="not a JPEG 2000"):
        read_size(bad)


def test_of_16_bits():
    with pytest.raises(CannotRead, match="other than 8 bits"):
        read_size(encoded(PIXELS.astype(np.uint16)))


def test_random_damage_is_an_error_or_a_tile():
    rng = np.random.default_rng(5)
    good = encoded(PIXELS)
    codec = Jpeg2000Codec(64, 48, 3, ycbcr=False)
    for _ in range(150):
        data = bytearray(good)
        for place in rng.integers(0, len(data) if rng.random() < 0.5 else 120, 3):
            data[place] = rng.integers(256)
        try:
            assert codec.decode(bytes(data), 1).shape == (48, 64, 3)
        except (CannotRead, *DECODE_ERRORS):
            pass
