"""A slide that OpenSlide opened, with its tiles decoded directly where that is the same."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.check import find_difference
from napari_lookalike.core.slides.native.codec import shrink
from napari_lookalike.core.slides.native.level import NATIVE, NativeLevel
from napari_lookalike.core.slides.native.pages import native_levels
from napari_lookalike.core.slides.openslide_source import OpenSlideSource
from napari_lookalike.core.slides.source import (
    DECODE_ERRORS,
    CannotRead,
    Source,
    StatedScale,
    reason_of,
)

log = logging.getLogger("napari_lookalike")

FAMILY = frozenset({"aperio", "generic-tiff", "philips", "ventana"})
"""OpenSlide's names of the scanners whose files are TIFFs of tiles, one page per level."""


def with_native_tiles(source: Source, path: Path, slide: str = "") -> Source:
    """The same slide with native tiles, if a check finds them to be what OpenSlide shows.

    Parameters
    ----------
    source
        What a back end opened. Only OpenSlide's are changed.
    path
        The file.
    slide
        How the slide is named in the log: 8 characters of its fingerprint.

    Returns
    -------
    Source
        A `NativeTiles`, or ``source`` itself with the reason in its ``decoder``.
    """
    if not isinstance(source, OpenSlideSource) or source.vendor not in FAMILY:
        return source
    try:
        levels = native_levels(path, source.levels)
        if source.vendor == "aperio" and any(level.has_gaps() for level in levels[:-1]):
            # OpenSlide takes the same places of all coarser levels for damaged, and makes
            # them from the finest one.
            raise CannotRead("tiles are missing, and the coarser levels are mended there")
        difference = find_difference(levels, source.read, source.downsamples)
    except CannotRead as error:
        return _kept(source, slide, str(error), logging.INFO)
    except DECODE_ERRORS as error:
        return _kept(source, slide, reason_of(error, path), logging.INFO)
    if difference is not None:  # in BIF, tiles overlap and OpenSlide joins them
        expected = source.vendor == "ventana"
        return _kept(source, slide, difference, logging.INFO if expected else logging.WARNING)
    return NativeTiles(source, levels)


def _kept(source: OpenSlideSource, slide: str, reason: str, severity: int) -> OpenSlideSource:
    source.decoder = f"OpenSlide ({reason})"
    _tell_once(slide, reason, severity)
    return source


@lru_cache(maxsize=1000)
def _tell_once(slide: str, reason: str, severity: int) -> None:
    log.log(severity, "Slide %s: its tiles are decoded by OpenSlide (%s).", slide, reason)


class NativeTiles(Source):
    """A slide whose pixels are decoded directly; all else comes from OpenSlide.

    Parameters
    ----------
    source
        The slide as OpenSlide opened it.
    levels
        Its native tiles, level by level.
    """

    backend = OpenSlideSource.backend
    tiled = True

    def __init__(self, source: OpenSlideSource, levels: tuple[NativeLevel, ...]) -> None:
        self._source = source
        self._native: tuple[NativeLevel, ...] | None = levels
        self.vendor = source.vendor
        self.levels = tuple(
            replace(level, tile_width=native.tile_width, tile_height=native.tile_height)
            for level, native in zip(source.levels, levels, strict=True)
        )

    def _level(self, index: int) -> NativeLevel:
        levels = self._native
        if levels is None:
            raise CannotRead("the slide was closed")
        return levels[index]

    def reductions(self, level: int) -> tuple[int, ...]:
        """Those of the level's codec."""
        return self._level(level).reductions

    def tile(self, level: int, column: int, row: int, reduce: int = 1) -> RGB:
        """See `Source.tile`."""
        if reduce != 1 and reduce not in self.reductions(level):
            raise ValueError(f"This reader cannot reduce by {reduce}.")
        found = self._level(level).tile(column, row, reduce)
        return shrink(self._absent(level, column, row), reduce) if found is None else found

    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """See `Source.read`."""
        native = self._level(level)
        return native.read(x, y, width, height, lambda c, r: self._absent(level, c, r))

    def _absent(self, level: int, column: int, row: int) -> RGB:
        """A tile that the file does not have, as OpenSlide shows it.

        It is white, but in the coarsest level of an Aperio slide: there OpenSlide makes
        it from the next finer level.
        """
        native = self._level(level)
        size = native.size_of(column, row)
        x, y = column * native.tile_width, row * native.tile_height
        return self._source.read(level, x, y, *size)

    def stated_scale(self) -> StatedScale:
        """OpenSlide's."""
        return self._source.stated_scale()

    def icc_profile(self) -> bytes | None:
        """OpenSlide's."""
        return self._source.icc_profile()

    def associated_names(self) -> tuple[str, ...]:
        """OpenSlide's."""
        return self._source.associated_names()

    def associated_image(self, name: str) -> RGB:
        """OpenSlide's."""
        return self._source.associated_image(name)

    def properties(self) -> dict[str, str]:
        """OpenSlide's, and that the tiles are native."""
        return {**self._source.properties(), "lookalike.decoder": NATIVE}

    def close(self) -> None:
        """Let go of the file; it is closed when the last read has ended."""
        self._native = None
        self._source.close()
