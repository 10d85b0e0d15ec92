from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests.core.slides.native.writing import grey_jpeg, jpeg, noisy
from tests.slide_fixtures import texture

from napari_lookalike.core.slides.native.jpeg import JpegCodec, adobe_marker, read_frame
from napari_lookalike.core.slides.source import DECODE_ERRORS, CannotRead

PIXELS = texture(128, 96)
APP0 = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def codec(data: bytes, **options) -> JpegCodec:
    return JpegCodec(128, 96, 3, data, **{"rgb": False, **options})


def near(pixels, expected=PIXELS) -> bool:
    return np.abs(pixels.astype(int) - expected).mean() < 5


@pytest.mark.parametrize("rgb", [True, False])
@pytest.mark.parametrize(
    "lie", [b"", APP0, adobe_marker(0), adobe_marker(1), APP0 + adobe_marker(1)]
)
def test_the_page_says_what_the_colours_are_not_the_stream(rgb, lie):
    stream = jpeg(PIXELS, 2, rgb=rgb)
    tables = jpeg(PIXELS, 1, rgb=rgb)
    for data in (
        stream[:2] + lie + stream[2:],
        stream[:2] + b"\xff\xfe\x00\x05abc" + lie + stream[2:],
        stream.replace(b"\xff\xda", lie + b"\xff\xda", 1),
    ):
        assert near(codec(tables, rgb=rgb).decode(data, 1))
    wrong = codec(tables, rgb=not rgb).decode(stream, 1)
    assert not near(wrong)


def test_application_markers_in_the_tables():
    tables = jpeg(PIXELS, 1)
    tables = tables[:2] + APP0 + adobe_marker(0) + tables[2:]
    assert near(codec(tables).decode(jpeg(PIXELS, 2), 1))


@pytest.mark.parametrize("reduce", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(128, 96), (100, 44), (17, 16)])
def test_reduced_sizes_are_rounded_up(size, reduce):
    width, height = size
    pixels = noisy(width, height)
    tile = JpegCodec(width, height, 3, None, rgb=False).decode(jpeg(pixels), reduce)
    assert tile.shape == (-(-height // reduce), -(-width // reduce), 3)
    assert tile.flags.c_contiguous
    assert tile.flags.writeable


def test_grey_and_progressive():
    grey = JpegCodec(128, 96, 1, None, rgb=False).decode(grey_jpeg(PIXELS[..., 0]), 1)
    assert near(grey, PIXELS[..., :1])
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", quality=90, progressive=True)
    assert near(codec(b"").decode(file.getvalue(), 1))


def test_a_header_that_asks_for_gigabytes_is_refused_before_decoding():
    data = jpeg(PIXELS)
    at = data.index(b"\xff\xc0")
    for size in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x00\x60\x00\x81"):
        lying = data[: at + 5] + size + data[at + 9 :]
        with pytest.raises(CannotRead, match="another size"):
            codec(b"").decode(lying, 1)


def test_what_is_not_such_a_jpeg():
    data = jpeg(PIXELS)
    at = data.index(b"\xff\xc0")
    for bad, reason in [
        (b"", "not JPEG"),
        (b"GIF89a", "not JPEG"),
        (data[:40], "damaged"),
        (data[:2] + b"\xff" * 200, "damaged"),
        (data[: at + 1] + b"\xc3" + data[at + 2 :], "lossless or arithmetic"),
        (data[: at + 4] + b"\x0c" + data[at + 5 :], "12 bits"),
        (data[:at] + data[at + 19 :], "damaged"),
        (data[:-2] + b"\xff\xda" * 300, None),
    ]:
        with pytest.raises(DECODE_ERRORS if reason is None else CannotRead, match=reason):
            codec(b"").decode(bad, 1)
    many = data[:at] + b"\xff\xc2" + data[at + 2 :] + b"\xff\xda" * 200
    with pytest.raises(CannotRead, match="too many scans"):
        codec(b"").decode(many, 1)


def test_warnings_of_the_decoder_are_errors():
    data = jpeg(PIXELS)
    with pytest.raises(ValueError, match=r"[Pp]remature end"):
        codec(b"").decode(data[: len(data) // 2], 1)


def test_random_damage_is_an_error_or_a_tile():
    rng = np.random.default_rng(5)
    good, tables = jpeg(PIXELS, 2), jpeg(PIXELS, 1)
    decoder = codec(tables)
    for _ in range(400):
        data = bytearray(good)
        for place in rng.integers(0, len(data) if rng.random() < 0.5 else 40, 3):
            data[place] = rng.integers(256)
        try:
            assert decoder.decode(bytes(data), 1).shape == (96, 128, 3)
        except (CannotRead, *DECODE_ERRORS):
            pass


def test_fill_bytes_are_skipped():
    data = jpeg(PIXELS)
    frame = read_frame(data[:2] + b"\xff\xff" + data[2:])
    assert (frame.width, frame.height, frame.components) == (128, 96, 3)


def test_what_one_tile_said_is_not_believed_of_another():
    """Headers that were read once are not read again; others are, whatever came before."""
    fine, coarse = noisy(128, 96), texture(128, 96)
    other = io.BytesIO()
    Image.fromarray(fine).save(other, "JPEG", quality=30)
    streams = [jpeg(fine), jpeg(coarse), jpeg(coarse, subsampling=0), other.getvalue()]
    alone = [codec(b"").decode(data, 1) for data in streams]
    for order in ([0, 1, 2, 3], [2, 0, 2, 1], [3, 3, 0, 0]):
        one = codec(b"")
        for i in order:
            assert np.array_equal(one.decode(streams[i], 1), alone[i])
    at = streams[0].index(b"\xff\xc0")
    lying = streams[0][: at + 5] + b"\x00\x80\x00\x80" + streams[0][at + 9 :]
    one.decode(streams[0], 1)
    with pytest.raises(CannotRead, match="another size"):
        one.decode(lying, 1)
    for cut in (at, streams[0].index(b"\xff\xda") + 2, len(streams[0]) // 2):
        with pytest.raises((CannotRead, *DECODE_ERRORS)):
            one.decode(streams[0][:cut], 1)


def test_scans_are_counted_in_every_progressive_tile():
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", quality=90, progressive=True)
    data, one = file.getvalue(), codec(b"")
    one.decode(data, 1)
    with pytest.raises(CannotRead, match="too many scans"):
        one.decode(data[:-2] + b"\xff\xda\x00\x02" * 200 + data[-2:], 1)
