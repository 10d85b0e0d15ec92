"""OpenSlide: the scanners' own formats, and DICOM."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import openslide
import tifffile

from napari_lookalike.core.geometry import MppSource
from napari_lookalike.core.slides.base import RGB, Level
from napari_lookalike.core.slides.dicom import read_header, series_in
from napari_lookalike.core.slides.source import (
    DECODE_ERRORS,
    CannotRead,
    Source,
    StatedScale,
    quiet_logger,
    reason_of,
)

_ERRORS = (openslide.OpenSlideError, *DECODE_ERRORS)
_SIDES = ("width", "height")
_MAX_ASSOCIATED_PX = 1 << 28  # four bytes each
_SMALL = 1024
"""Pixels of the longer edge; below, levels that are not seen are not missed."""
_TIFF_TAG_VENDORS = {"generic-tiff"}


def open_openslide(path: Path) -> OpenSlideSource:
    """Open a file, or a folder that holds the files of one DICOM slide."""
    return OpenSlideSource(_dicom_member(path) if path.is_dir() else path)


def _dicom_member(folder: Path) -> Path:
    try:
        series = series_in(folder)
    except OSError as error:
        raise CannotRead(reason_of(error, folder)) from None
    if not series:
        raise CannotRead("the folder holds no DICOM whole-slide image")
    if len(series) > 1:
        raise CannotRead(f"the folder holds {len(series)} DICOM slides; open one file of one")
    return next(iter(series.values()))[0]


class OpenSlideSource(Source):
    """A slide read by OpenSlide.

    Attributes
    ----------
    decoder
        What decodes its pixels, and why if something faster was expected to.
    downsamples
        OpenSlide's own downsample of each level (the mean of both axes).
    """

    backend = "openslide"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.decoder = "OpenSlide"
        self._lock = threading.Lock()
        self._closed = False
        self._handle: openslide.OpenSlide | None = self._open()
        try:
            self._read_header()
        except _ERRORS as error:
            raise CannotRead(reason_of(error, path)) from None
        self._refuse_hidden_levels()

    def _read_header(self) -> None:
        handle = self._use()
        self._properties = dict(handle.properties)
        self._associated = tuple(handle.associated_images)
        self.vendor = self._properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown")
        self.downsamples = tuple(handle.level_downsamples)
        self.levels = tuple(self._level(i) for i in range(handle.level_count))

    def _refuse_hidden_levels(self) -> None:
        """Leave pyramids whose coarse levels OpenSlide does not see to tifffile."""
        first = self.levels[0]
        if self.vendor not in _TIFF_TAG_VENDORS or len(self.levels) > 1:
            return
        if max(first.width, first.height) > _SMALL and _has_sub_images(self._path):
            raise CannotRead("it does not see the coarser levels (they are SubIFDs)")

    def _open(self) -> openslide.OpenSlide:
        try:
            return openslide.OpenSlide(self._path)
        except openslide.OpenSlideUnsupportedFormatError:
            header = read_header(self._path)
            if header is not None and not header.is_slide:
                raise CannotRead(f"it is DICOM, but {header.kind}, not a slide") from None
            raise CannotRead("not a format that it knows") from None
        except _ERRORS as error:
            raise CannotRead(reason_of(error, self._path)) from None

    def _use(self) -> openslide.OpenSlide:
        handle = self._handle
        if handle is None:
            raise CannotRead("the slide was closed")
        return handle

    def _level(self, index: int) -> Level:
        handle = self._use()
        width, height = handle.level_dimensions[index]
        width0, height0 = handle.dimensions
        if min(width, height) < 1:
            raise CannotRead("the image has no pixels")

        def tile(side: str) -> int:
            return int(self._properties.get(f"openslide.level[{index}].tile-{side}", 256))

        return Level(width, height, width0 / width, height0 / height, tile("width"), tile("height"))

    def stated_scale(self) -> StatedScale:
        """``openslide.mpp-x`` and ``-y``, else Aperio's own number."""
        found = self._properties
        tag = self.vendor in _TIFF_TAG_VENDORS
        source: MppSource = "tiff-tag" if tag else "property"
        x = _number(found.get(openslide.PROPERTY_NAME_MPP_X))
        y = _number(found.get(openslide.PROPERTY_NAME_MPP_Y))
        if x is None and y is None:
            x = y = _number(found.get("aperio.MPP"))
        if x is None and y is None:
            return StatedScale()
        raw = f"{x} x {y} µm per pixel"
        if tag:
            dots = found.get("tiff.XResolution"), found.get("tiff.YResolution")
            raw += f" (resolution {dots[0]} x {dots[1]} per {found.get('tiff.ResolutionUnit')})"
        return StatedScale(x, y, source, raw)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of a level.

        OpenSlide takes the corner in whole level-0 pixels and divides by *its*
        downsample (the mean of both axes), so that is what we multiply by. Where it is
        not a whole number the result is at most half a level-0 pixel off.
        """
        factor = self.downsamples[level]
        corner = (round(x * factor), round(y * factor))
        handle = self._use()
        try:
            image = handle.read_region(corner, level, (width, height))
        except _ERRORS as error:
            self._renew(handle)
            raise CannotRead(reason_of(error, self._path)) from None
        return _over_white(np.asarray(image))

    def _renew(self, broken: openslide.OpenSlide) -> None:
        """Replace a handle that an error has made useless for good.

        It is not closed: another thread may be reading from it. It goes when unused.
        """
        with self._lock:
            if self._handle is broken and not self._closed:
                self._handle = self._open()

    def associated_names(self) -> tuple[str, ...]:
        """As OpenSlide names them."""
        return self._associated

    def associated_image(self, name: str) -> RGB:
        """One of them, over white."""
        handle = self._use()
        sides = (self._properties.get(f"openslide.associated.{name}.{s}") for s in _SIDES)
        if math.prod(int(side or 1) for side in sides) > _MAX_ASSOCIATED_PX:
            raise CannotRead("it is too large to show")
        try:
            return _over_white(np.asarray(handle.associated_images[name]))
        except KeyError:
            raise
        except _ERRORS as error:
            self._renew(handle)
            raise CannotRead(reason_of(error, self._path)) from None

    def properties(self) -> dict[str, str]:
        """All OpenSlide properties, and what decodes the pixels."""
        return {**self._properties, "lookalike.decoder": self.decoder}

    def icc_profile(self) -> bytes | None:
        """The profile as it lies in the file; needs OpenSlide 4.

        openslide-python gives a profile object, which would be written anew with another
        header. The bytes themselves come with every region.
        """
        try:
            image = self._use().read_region((0, 0), len(self.levels) - 1, (1, 1))
        except (CannotRead, *_ERRORS):
            return None
        profile = image.info.get("icc_profile")
        return profile if isinstance(profile, bytes) and profile else None

    def close(self) -> None:
        """Let go of the handle.

        OpenSlide frees it when the last read that uses it has ended. Closing it here
        would pull it from under reads in other threads, which kills the process.
        """
        with self._lock:
            self._closed, self._handle = True, None


def _has_sub_images(path: Path) -> bool:
    """Whether the first page of a TIFF has pages of its own, as in OME-TIFF."""
    try:
        with quiet_logger("tifffile"), tifffile.TiffFile(path) as tif:
            return bool(tif.pages.first.subifds)
    except DECODE_ERRORS:
        return False


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _over_white(rgba: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> RGB:
    """RGBA as openslide-python gives it (not premultiplied) -> RGB over white."""
    rgb = np.ascontiguousarray(rgba[..., :3])
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return rgb
    weight = alpha[..., None].astype(np.float32) / 255
    return np.asarray(np.rint(rgb * weight + 255 * (1 - weight)), np.uint8)
