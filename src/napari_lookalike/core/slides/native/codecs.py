"""Which codec the tiles of a page need."""

from __future__ import annotations

import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC

from napari_lookalike.core.slides.native.codec import MAX_BYTES, Codec
from napari_lookalike.core.slides.native.jpeg import JpegCodec
from napari_lookalike.core.slides.native.jpeg2000 import Jpeg2000Codec
from napari_lookalike.core.slides.native.lossless import HORIZONTAL, UNPACK, LosslessCodec
from napari_lookalike.core.slides.source import CannotRead

_JPEG2000_RGB = {
    COMPRESSION.APERIO_JP2000_RGB,
    COMPRESSION.JPEG_2000_LOSSY,
    COMPRESSION.JPEG2000,
}
_SMALLEST = 16  # TIFF allows no smaller tiles; they would cost more than they are worth
_GREY = {PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE}


def find_codec(page: tifffile.TiffPage) -> Codec:
    """The codec of a tiled page.

    Raises
    ------
    CannotRead
        If its tiles are not plain 8-bit grey or colour, or coded in a way that is left
        to other readers; the message is the reason.
    """
    _check_layout(page)
    width, height, samples = page.tilewidth, page.tilelength, page.samplesperpixel
    rgb, grey = page.photometric == PHOTOMETRIC.RGB, page.photometric in _GREY
    inverted = page.photometric == PHOTOMETRIC.MINISWHITE
    compression = page.compression
    if compression == COMPRESSION.JPEG and not inverted:
        return JpegCodec(width, height, samples, page.jpegtables, rgb=rgb)
    if compression == COMPRESSION.APERIO_JP2000_YCBC and samples == 3:
        return Jpeg2000Codec(width, height, samples, ycbcr=True)
    if compression in _JPEG2000_RGB and (rgb or grey) and not inverted:
        return Jpeg2000Codec(width, height, samples, ycbcr=False)
    if (compression == COMPRESSION.NONE or compression in UNPACK) and (rgb or grey):
        predictor = page.predictor == HORIZONTAL
        return LosslessCodec(
            width, height, samples, compression, predictor=predictor, inverted=inverted
        )
    raise CannotRead(f"tiles with TIFF compression {int(compression)} are left to it")


def _check_layout(page: tifffile.TiffPage) -> None:
    """Refuse what is not 8-bit grey, RGB or YCbCr in whole pixels."""
    if not page.is_tiled:
        raise CannotRead("the pixels are not in tiles")
    colour = page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
    if not colour and page.photometric not in _GREY:
        raise CannotRead(f"the colour model (TIFF photometric {int(page.photometric)}) is not RGB")
    if page.samplesperpixel != (3 if colour else 1) or page.dtype != "uint8":
        raise CannotRead("the pixels are not 8-bit grey or RGB")
    if page.bitspersample != 8 or page.planarconfig != 1 or page.fillorder != 1:
        raise CannotRead("the samples of a pixel do not lie together")
    if page.predictor not in (1, HORIZONTAL) or page.tiledepth != 1 or page.imagedepth != 1:
        raise CannotRead("the tiles are arranged in an uncommon way")
    if min(page.tilewidth, page.tilelength) < _SMALLEST:
        raise CannotRead("the tiles are too small")
    if page.tilewidth * page.tilelength * 3 > MAX_BYTES:
        raise CannotRead("the tiles are too large")
