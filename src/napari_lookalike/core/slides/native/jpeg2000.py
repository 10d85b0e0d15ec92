"""JPEG 2000 tiles: codestreams in RGB, and Aperio's in YCbCr.

They are not reduced while they are decoded, though that would be faster: the coarse
samples of a wavelet lie on the even pixels, not between two, so that levels made of them
would be shifted by up to half of their pixels against the others.
"""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.codec import ceil_div, shrink
from napari_lookalike.core.slides.source import CannotRead

_START = b"\xff\x4f\xff\x51"  # start of codestream, and its size
_MAX_PARTS = 1024
_DAMAGED = "a JPEG 2000 tile's header is damaged"


def read_size(data: bytes) -> tuple[int, int, int]:
    """Width, height and components of a codestream, before anything is decoded.

    Raises
    ------
    CannotRead
        If it is no codestream of 8 bits and full resolution in all components, or is
        cut into absurdly many parts.
    """
    if data[:4] != _START or len(data) < 42:
        raise CannotRead("a tile is not a JPEG 2000 codestream")
    right, bottom, left, top, part_w, part_h, _, _, components = struct.unpack(">8IH", data[8:42])
    width, height = right - left, bottom - top
    if left or top or min(width, height, part_w, part_h) < 1:
        raise CannotRead(_DAMAGED)
    if ceil_div(width, part_w) * ceil_div(height, part_h) > _MAX_PARTS:
        raise CannotRead("a JPEG 2000 tile is cut into too many parts")
    if data[42 : 42 + 3 * components] != b"\x07\x01\x01" * components:
        raise CannotRead("JPEG 2000 of other than 8 bits, or with less colour, is not supported")
    return width, height, components


class Jpeg2000Codec:
    """JPEG 2000 tiles of one page.

    Parameters
    ----------
    width, height
        Size of a tile in pixels.
    components
        1 (grey) or 3.
    ycbcr
        Whether three components are Y, Cb and Cr (Aperio's compression 33003).
    """

    exact = False
    reductions: tuple[int, ...] = ()

    def __init__(self, width: int, height: int, components: int, *, ycbcr: bool) -> None:
        self._size, self._ycbcr = (width, height, components), ycbcr

    def decode(self, data: bytes, reduce: int) -> RGB:
        """See `Codec.decode`."""
        if read_size(data) != self._size:
            raise CannotRead("a JPEG 2000 tile has another size than its page says")
        found = np.asarray(imagecodecs.jpeg2k_decode(data, numthreads=1))
        if found.dtype != np.uint8 or found.shape[:2] != self._size[1::-1]:
            raise CannotRead(_DAMAGED)
        if self._size[2] == 1:
            found = np.repeat(found.reshape(*self._size[1::-1], 1), 3, axis=2)
        return shrink(from_ycbcr(found) if self._ycbcr else found, reduce)


def _table(factor: float) -> NDArray[np.int32]:
    """``factor`` times (chroma - 128) in 16 bits after the point, as libjpeg has it."""
    return np.round((np.arange(256) - 128) * factor * 65536).astype(np.int32)


_RED_CR = (_table(1.402) + 32768) >> 16
_BLUE_CB = (_table(1.772) + 32768) >> 16
_GREEN_CB, _GREEN_CR = _table(-0.34414) + 32768, _table(-0.71414)


def from_ycbcr(pixels: NDArray[np.uint8]) -> RGB:
    """Y, Cb, Cr of full range -> RGB, rounded as libjpeg does."""
    y, cb, cr = (pixels[..., i] for i in range(3))
    luma = y.astype(np.int32)
    out = np.empty(pixels.shape, np.uint8)
    out[..., 0] = np.clip(luma + _RED_CR[cr], 0, 255)
    out[..., 1] = np.clip(luma + ((_GREEN_CB[cb] + _GREEN_CR[cr]) >> 16), 0, 255)
    out[..., 2] = np.clip(luma + _BLUE_CB[cb], 0, 255)
    return out
