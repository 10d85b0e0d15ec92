"""The slide that all back ends share: clipping, resampling, synthetic levels."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.geometry import Region, Scale
from napari_lookalike.core.slides.base import RGB, Level, NativeTile, Slide
from napari_lookalike.core.slides.cached_reads import cached_tile, keeps_tiles, read_cached
from napari_lookalike.core.slides.resample import area_resample
from napari_lookalike.core.slides.source import CannotRead, Source
from napari_lookalike.core.slides.synthetic import (
    PLACEHOLDER,
    SyntheticLevels,
    synthetic_levels,
)
from napari_lookalike.core.slides.tile_cache import tile_cache

_LEVEL_TOLERANCE = 1.005  # a level of 2.0002 serves a request for 2
_REMEDY = "The file may be damaged: copy it again from its source, or export it anew."


class PyramidSlide(Slide):
    """A slide over a `Source`.

    Parameters
    ----------
    source
        The open file.
    path
        Where it lies.
    scale
        Its scale, judged.
    fingerprint
        Its content id.
    reopen
        Function and arguments that open it again, for pickling.
    """

    def __init__(
        self,
        source: Source,
        path: Path,
        scale: Scale,
        fingerprint: str,
        reopen: tuple[Callable[..., Slide], tuple[Any, ...]],
    ) -> None:
        self._source, self._reopen = source, reopen
        self._native = len(source.levels)
        self._closed = False
        added = synthetic_levels(source.levels)
        self._synthetic = SyntheticLevels(source, added, fingerprint=fingerprint) if added else None
        if self._synthetic is not None:
            weakref.finalize(self, self._synthetic.stop)
        self.path, self.backend, self.vendor = path, source.backend, source.vendor
        self.levels = (*source.levels, *added)
        self.scale, self.fingerprint = scale, fingerprint

    def __reduce__(self) -> tuple[Callable[..., Slide], tuple[Any, ...]]:
        return self._reopen

    def read_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """See `Slide.read_level`. Waits for a synthetic level that is not computed yet."""
        return self._padded(self._inside, level, x, y, width, height)

    def tile(self, level: int, column: int, row: int, reduce: int = 1) -> RGB:
        """See `Slide.tile`."""
        self._check_open()
        try:
            return self._source.tile(level, column, row, reduce)
        except CannotRead as error:
            place = f"The tile in column {column + 1}, row {row + 1} of level {level}"
            raise RegionError(f"{place} cannot be decoded: {error}.", _REMEDY, self.name) from None

    def native_tiles(self, level: int) -> NativeTile | None:
        """See `Slide.native_tiles`."""
        if level >= self._native or not keeps_tiles(self._source, level):
            return None
        cache = tile_cache()

        def read(column: int, row: int, keep: bool) -> RGB:
            self._check_open()
            place = level, column, row
            try:
                return cached_tile(self._source, self.fingerprint, place, cache, keep=keep)
            except CannotRead as error:
                raise self._damaged(level, error) from None

        return read

    def reductions(self, level: int) -> tuple[int, ...]:
        """See `Slide.reductions`."""
        self._check_open()
        return self._source.reductions(level)

    def peek_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """The same, but light grey where it would have to wait (see `prepare`)."""
        if self.is_ready(level):
            return self.read_level(level, x, y, width, height)
        if level >= self._native and self._synthetic is not None:
            return self._padded(self._peek, level, x, y, width, height)
        return np.full((height, width, 3), PLACEHOLDER, np.uint8)

    def is_ready(self, level: int) -> bool:
        """See `Slide.is_ready`."""
        if self._synthetic is None:
            return True
        if level < self._native:
            return self._source.warm
        return self._synthetic.is_ready(level - self._native)

    def prepare(self, on_progress: Callable[[], None] | None = None) -> None:
        """See `Slide.prepare`."""
        if self._synthetic is not None:
            self._synthetic.start(on_progress)
        elif on_progress is not None:
            on_progress()

    def _padded(
        self,
        read: Callable[[int, int, int, int, int], RGB],
        level: int,
        x: int,
        y: int,
        width: int,
        height: int,
    ) -> RGB:
        """Read what lies inside the level; white around it."""
        there = self.levels[level]
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + width, there.width), min(y + height, there.height)
        if x1 <= x0 or y1 <= y0:
            return np.full((height, width, 3), 255, np.uint8)
        self._check_open()
        try:
            part = read(level, x0, y0, x1 - x0, y1 - y0)
        except CannotRead as error:
            raise self._damaged(level, error) from None
        if part.shape[:2] == (height, width):
            return part
        out = np.full((height, width, 3), 255, np.uint8)
        out[y0 - y : y1 - y, x0 - x : x1 - x] = part
        return out

    def _check_open(self) -> None:
        if self._closed:
            raise RegionError("It was closed while it was read.", "Open it again.", self.name)

    def _damaged(self, level: int, error: CannotRead) -> RegionError:
        what = f"A region of level {level} cannot be decoded: {error}."
        return RegionError(what, _REMEDY, self.name)

    def _inside(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        if level < self._native or self._synthetic is None:
            box = x, y, width, height
            return read_cached(self._source, self.fingerprint, level, box, tile_cache())
        return self._synthetic.read(level - self._native, x, y, width, height)

    def _peek(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        if self._synthetic is None:
            return self._source.read(level, x, y, width, height)
        return self._synthetic.peek(level - self._native, x, y, width, height)

    def read_region(self, region: Region, size: tuple[int, int]) -> RGB:
        """See `Slide.read_region`."""
        index = level_for(self.levels, region, size)
        level = self.levels[index]
        left, top = region.x / level.downsample_x, region.y / level.downsample_y
        right = (region.x + region.width) / level.downsample_x
        bottom = (region.y + region.height) / level.downsample_y
        # Linear interpolation needs one more pixel where an axis is enlarged.
        more_x = int(right - left < size[0])
        more_y = int(bottom - top < size[1])
        x0, y0 = _floor(left) - more_x, _floor(top) - more_y
        x1, y1 = _ceil(right) + more_x, _ceil(bottom) + more_y
        image = self.read_level(index, x0, y0, x1 - x0, y1 - y0)
        return area_resample(image, (left - x0, top - y0, right - x0, bottom - y0), size)

    def associated_names(self) -> tuple[str, ...]:
        """See `Slide.associated_names`."""
        return self._source.associated_names()

    def associated_image(self, name: str) -> RGB:
        """See `Slide.associated_image`. Raises `RegionError` if it cannot be had."""
        try:
            return self._source.associated_image(name)
        except KeyError:
            known = ", ".join(self.associated_names()) or "none"
            raise RegionError(
                f"It has no image {name!r} (it has: {known}).", "", self.name
            ) from None
        except CannotRead as error:
            raise RegionError(
                f"Its {name} image cannot be decoded: {error}.", _REMEDY, self.name
            ) from None

    def icc_profile(self) -> bytes | None:
        """See `Slide.icc_profile`."""
        return self._source.icc_profile()

    def properties(self) -> dict[str, str]:
        """See `Slide.properties`; our own remarks begin with ``lookalike.``."""
        found = self._source.properties()
        if self._synthetic is not None and self._synthetic.note:
            found["lookalike.damage"] = self._synthetic.note
        return found

    def close(self) -> None:
        """See `Slide.close`."""
        self._closed = True
        if self._synthetic is not None:
            self._synthetic.stop()
        self._source.close()


def level_for(levels: tuple[Level, ...], region: Region, size: tuple[int, int]) -> int:
    """Index of the coarsest level that still has the resolution asked for.

    Parameters
    ----------
    levels
        From full size to coarse.
    region
        What is to be read, level-0 pixels.
    size
        (width, height) of the result in pixels.
    """
    wanted_x, wanted_y = region.width / size[0], region.height / size[1]
    fitting = [
        index
        for index, level in enumerate(levels)
        if level.downsample_x <= wanted_x * _LEVEL_TOLERANCE
        and level.downsample_y <= wanted_y * _LEVEL_TOLERANCE
    ]
    return fitting[-1] if fitting else 0


def _floor(value: float) -> int:
    return math.floor(value + 1e-6)


def _ceil(value: float) -> int:
    return math.ceil(value - 1e-6)
