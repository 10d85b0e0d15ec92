"""JPEG and PNG: one level, decoded as a whole when first read."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin

from napari_lookalike.core.slides.base import RGB, Level
from napari_lookalike.core.slides.pixels import to_rgb
from napari_lookalike.core.slides.scale import UM_PER_INCH
from napari_lookalike.core.slides.source import (
    DECODE_ERRORS,
    CannotRead,
    Source,
    StatedScale,
    reason_of,
)

MAX_RASTER_PX = (1 << 30) // 3
"""Largest JPEG or PNG that we decode: it needs 3 bytes of memory per pixel."""

_DECODE_AT_OPEN_PX = 1 << 22


def open_raster(path: Path) -> RasterSource:
    """Open a JPEG or PNG by its header."""
    return RasterSource(path)


class RasterSource(Source):
    """A JPEG or PNG. Its orientation tag is ignored, as other slide tools do."""

    backend = "raster"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pixels: RGB | None = None
        self._header(path)
        width, height = self._size
        if min(width, height) < 1:
            raise CannotRead("the image has no pixels")
        if width * height > MAX_RASTER_PX:
            raise CannotRead(
                f"a {self.vendor.upper()} of {width} x {height} pixels is too large to hold in"
                f" memory (limit {MAX_RASTER_PX // 10**6} megapixels); convert it to a tiled,"
                " pyramidal TIFF"
            )
        self.levels = (Level(width, height, 1.0, 1.0, 512, 512),)
        if width * height <= _DECODE_AT_OPEN_PX:
            self._decoded()

    def _header(self, path: Path) -> None:
        """Read size and tags.

        Pillow's plug-ins are called directly, because ``Image.open`` warns of (or
        refuses) large images by a limit that all of the process shares.
        """
        try:
            with path.open("rb") as file:
                png = file.read(4) == b"\x89PNG"
                file.seek(0)
                plugin = PngImagePlugin.PngImageFile if png else JpegImagePlugin.JpegImageFile
                image: Image.Image = plugin(file)
                self._size, self._mode, info = image.size, image.mode, dict(image.info)
        except DECODE_ERRORS as error:
            raise CannotRead(f"not a JPEG or PNG ({reason_of(error, path)})") from None
        self.vendor = "png" if png else "jpeg"
        self._dpi: tuple[float, float] | None = info.get("dpi")
        profile = info.get("icc_profile")
        # CMYK is turned into RGB without its profile, which is not one of RGB.
        usable = isinstance(profile, bytes) and profile and self._mode != "CMYK"
        self._profile: bytes | None = profile if usable else None
        self._info = {str(key): str(value) for key, value in info.items() if len(str(value)) < 500}

    @property
    def warm(self) -> bool:
        """Whether the image is decoded."""
        return self._pixels is not None

    def stated_scale(self) -> StatedScale:
        """From the dots per inch, which are seldom a measurement."""
        if self._dpi is None or min(self._dpi) <= 0:
            return StatedScale()
        x, y = (UM_PER_INCH / float(dots) for dots in self._dpi)
        raw = f"{float(self._dpi[0]):g} x {float(self._dpi[1]):g} dpi"
        return StatedScale(x, y, "property", raw)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """A copy of a rectangle."""
        return self._decoded()[y : y + height, x : x + width].copy()

    def _decoded(self) -> RGB:
        with self._lock:
            if self._pixels is None:
                try:
                    self._pixels = self._decode()
                except DECODE_ERRORS as error:
                    raise CannotRead(reason_of(error, self._path)) from None
            return self._pixels

    def _decode(self) -> RGB:
        width, height = self._size
        if self._mode == "CMYK":
            with JpegImagePlugin.JpegImageFile(self._path) as image:
                return np.asarray(image.convert("RGB"))
        data = self._path.read_bytes()
        decode = imagecodecs.png_decode if self.vendor == "png" else imagecodecs.jpeg_decode
        pixels: NDArray[Any] = np.asarray(decode(data))
        if pixels.shape[:2] != (height, width):
            raise ValueError("the image is damaged")
        full = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind in "ui" else 1.0
        return to_rgb(pixels, (0.0, full))

    def icc_profile(self) -> bytes | None:
        """The profile in the header."""
        return self._profile

    def associated_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    def associated_image(self, name: str) -> RGB:
        """There is none."""
        raise KeyError(name)

    def properties(self) -> dict[str, str]:
        """What the header says."""
        return self._info.copy()

    def close(self) -> None:
        """Forget the pixels."""
        with self._lock:
            self._pixels = None
