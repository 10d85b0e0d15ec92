from __future__ import annotations

from types import SimpleNamespace

import pytest
from tifffile import COMPRESSION, PHOTOMETRIC

from napari_lookalike.core.slides.native.codecs import find_codec
from napari_lookalike.core.slides.native.jpeg import JpegCodec
from napari_lookalike.core.slides.native.jpeg2000 import Jpeg2000Codec
from napari_lookalike.core.slides.native.lossless import LosslessCodec
from napari_lookalike.core.slides.source import CannotRead

PLAIN = {
    "is_tiled": True, "photometric": PHOTOMETRIC.RGB, "samplesperpixel": 3, "dtype": "uint8",
    "bitspersample": 8, "planarconfig": 1, "fillorder": 1, "predictor": 1, "tiledepth": 1,
    "imagedepth": 1, "tilewidth": 256, "tilelength": 256, "compression": COMPRESSION.NONE,
    "jpegtables": None,
}  # fmt: skip
YCBCR, GREY = PHOTOMETRIC.YCBCR, PHOTOMETRIC.MINISBLACK


def page(**changes):
    return SimpleNamespace(**{**PLAIN, **changes})


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"compression": COMPRESSION.JPEG}, JpegCodec),
        ({"compression": COMPRESSION.JPEG, "photometric": YCBCR}, JpegCodec),
        ({"compression": COMPRESSION(33003), "photometric": YCBCR}, Jpeg2000Codec),
        ({"compression": COMPRESSION(33005)}, Jpeg2000Codec),
        ({"compression": COMPRESSION(34712)}, Jpeg2000Codec),
        ({"compression": COMPRESSION.LZW, "predictor": 2}, LosslessCodec),
        ({"photometric": GREY, "samplesperpixel": 1}, LosslessCodec),
    ],
)
def test_what_is_decoded_directly(changes, kind):
    assert isinstance(find_codec(page(**changes)), kind)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_tiled": False}, "not in tiles"),
        ({"photometric": PHOTOMETRIC.PALETTE}, "colour model"),
        ({"photometric": PHOTOMETRIC.SEPARATED}, "colour model"),
        ({"samplesperpixel": 4}, "not 8-bit grey or RGB"),
        ({"dtype": "uint16", "bitspersample": 16}, "not 8-bit grey or RGB"),
        ({"bitspersample": 7}, "do not lie together"),
        ({"planarconfig": 2}, "do not lie together"),
        ({"fillorder": 2}, "do not lie together"),
        ({"predictor": 3}, "uncommon"),
        ({"tiledepth": 2}, "uncommon"),
        ({"tilewidth": 1}, "too small"),
        ({"tilewidth": 1 << 15, "tilelength": 1 << 15}, "too large"),
        ({"compression": COMPRESSION.LZMA}, "compression 34925"),
        ({"compression": COMPRESSION.LZW, "photometric": YCBCR}, "compression 5"),
        ({"compression": COMPRESSION(34712), "photometric": YCBCR}, "compression 34712"),
    ],
)
def test_what_is_left_to_others(changes, reason):
    with pytest.raises(CannotRead, match=reason):
        find_codec(page(**changes))
