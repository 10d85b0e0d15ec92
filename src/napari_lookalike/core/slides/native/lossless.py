"""Tiles that are stored as they are, or packed without loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from tifffile import COMPRESSION

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.codec import shrink
from napari_lookalike.core.slides.native.lzw import lzw_decode
from napari_lookalike.core.slides.source import CannotRead

HORIZONTAL = 2
"""TIFF's predictor: each sample is the difference from the one to its left."""

UNPACK: dict[int, Callable[..., Any]] = {
    COMPRESSION.LZW: lzw_decode,
    COMPRESSION.ADOBE_DEFLATE: imagecodecs.zlib_decode,
    COMPRESSION.DEFLATE: imagecodecs.zlib_decode,
    COMPRESSION.ZSTD: imagecodecs.zstd_decode,
    COMPRESSION.PACKBITS: imagecodecs.packbits_decode,
}
"""Decoder by TIFF compression; each writes into ``out`` and never beyond it."""


class LosslessCodec:
    """Uncompressed, LZW, deflate, ZSTD and PackBits.

    Parameters
    ----------
    width, height
        Size of a tile in pixels.
    samples
        1 (grey) or 3 (red, green, blue) bytes per pixel.
    compression
        A key of `UNPACK`, or ``COMPRESSION.NONE``.
    predictor
        Whether the samples are differences (`HORIZONTAL`).
    inverted
        Whether low values are bright.
    """

    exact = True
    reductions: tuple[int, ...] = ()

    def __init__(
        self,
        width: int,
        height: int,
        samples: int,
        compression: int,
        *,
        predictor: bool,
        inverted: bool,
    ) -> None:
        self._shape = height, width, samples
        self._unpack = UNPACK.get(compression)
        self._predictor, self._inverted = predictor, inverted

    def decode(self, data: bytes, reduce: int) -> RGB:
        """See `Codec.decode`."""
        out = np.empty(self._shape, np.uint8)
        if self._unpack is None:
            if len(data) < out.size:
                raise CannotRead("a tile is cut off")
            out[...] = np.frombuffer(data, np.uint8, out.size).reshape(self._shape)
        else:
            flat = out.reshape(-1)
            if len(self._unpack(data, out=flat)) != out.size:
                raise CannotRead("a tile is cut off")
        if self._predictor:
            imagecodecs.delta_decode(out, axis=1, out=out)
        if self._inverted:
            np.subtract(255, out, out=out)
        return shrink(out if self._shape[2] == 3 else np.repeat(out, 3, axis=2), reduce)
