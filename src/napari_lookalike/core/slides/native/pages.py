"""Which pages of a TIFF hold the levels that another reader found in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tifffile

from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.native.level import NativeLevel
from napari_lookalike.core.slides.native.reading import PositionalFile
from napari_lookalike.core.slides.source import CannotRead, quiet_logger
from napari_lookalike.core.slides.tiff_layout import Plane

_WIDTH_TAG, _HEIGHT_TAG = 256, 257
_MAX_PAGES = 1000


def native_levels(path: Path, levels: Sequence[Level]) -> tuple[NativeLevel, ...]:
    """The native tiles of a slide's levels.

    Parameters
    ----------
    path
        A TIFF.
    levels
        The levels that were found in it, from full size to coarse.

    Raises
    ------
    CannotRead
        If a level has no page, or one that is not decoded directly. tifffile's own
        errors pass through.
    """
    file = PositionalFile(path)
    with quiet_logger("tifffile"), tifffile.TiffFile(path) as tif:
        pages = _tiled_pages(tif)
        found = []
        for index, level in enumerate(levels):
            page = page_of(level, pages)
            if page is None:
                raise CannotRead(f"no page of the file has the size of level {index}")
            pages.remove(page)
            found.append(NativeLevel(page, file, level.width, level.height))
    return tuple(found)


def native_plane(plane: Plane, tif: tifffile.TiffFile, file: PositionalFile) -> NativeLevel:
    """The native tiles of what tifffile shows as one level.

    Parameters
    ----------
    plane
        The level's pages.
    tif, file
        The file that they must be in, as tifffile and as we read it.

    Raises
    ------
    CannotRead
        If it is not one page of this file, or not one that is decoded directly.
    """
    page = plane.pages[0]
    if len(plane.pages) > 1:
        raise CannotRead("the colours are in pages of their own")
    if page.parent is not tif:
        raise CannotRead("the pixels are in another file")
    return NativeLevel(page, file, plane.width, plane.height)


def _tiled_pages(tif: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    found: list[tifffile.TiffPage] = []
    for index in range(min(len(tif.pages), _MAX_PAGES)):
        page = tif.pages[index]
        if isinstance(page, tifffile.TiffPage) and page.is_tiled:
            found.append(page)
    return found


def page_of(level: Level, pages: Sequence[tifffile.TiffPage]) -> tifffile.TiffPage | None:
    """The first page that fits a level best.

    A page may be larger than its level by less than a tile: Philips pads to whole tiles.
    """
    best: tuple[int, tifffile.TiffPage] | None = None
    for page in pages:
        over_x = int(page.tags.valueof(_WIDTH_TAG, 0)) - level.width
        over_y = int(page.tags.valueof(_HEIGHT_TAG, 0)) - level.height
        if not (0 <= over_x < page.tilewidth and 0 <= over_y < page.tilelength):
            continue
        if best is None or over_x + over_y < best[0]:
            best = over_x + over_y, page
    return None if best is None else best[1]
