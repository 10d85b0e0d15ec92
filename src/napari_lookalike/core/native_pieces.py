"""Pixels put together from the file's own tiles, each of them decoded once and copied once.

No picture of everything lies between a native tile and where its pixels are wanted. New
memory is dear (the system clears it page by page, which takes half as long as decoding what
is put there), so a native tile is kept only if another tile of the grid needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB, Level, NativeTile

Bools = NDArray[np.bool_]


class Target(NamedTuple):
    """Where pixels are wanted.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3), written into; white where the level has no pixels.
    x, y
        Its top-left corner in pixels of the level. May lie outside.
    """

    pixels: RGB
    x: int
    y: int


class Natives(NamedTuple):
    """A rectangle of native tiles.

    Parameters
    ----------
    column, row
        The first one. May lie outside the level, as others may.
    needed
        Bool (rows, columns): which of them are wanted at all.
    again
        The same: which of them will be wanted once more, later.
    """

    column: int
    row: int
    needed: Bools
    again: Bools


def paint(read: NativeTile, level: Level, natives: Natives, targets: Sequence[Target]) -> None:
    """Write pixels of native tiles to all places where they are wanted.

    Parameters
    ----------
    read
        Gives native tiles: `Slide.native_tiles`.
    level
        The level that they are of.
    natives
        Those under the targets.
    targets
        What is painted. Where a native tile is not needed it stays as it is.

    Raises
    ------
    RegionError
        If one of them cannot be decoded.
    """
    edges = level.tile_width, level.tile_height
    wanted: defaultdict[tuple[int, int], list[Target]] = defaultdict(list)
    for target in targets:
        left, top, right, bottom = _inside(target, level)
        if (right - left, bottom - top) != (target.pixels.shape[1], target.pixels.shape[0]):
            target.pixels[:] = 255
        if right <= left or bottom <= top:
            continue
        for row in range(top // edges[1], -(-bottom // edges[1])):
            for column in range(left // edges[0], -(-right // edges[0])):
                wanted[row, column].append(target)
    for (row, column), some in sorted(wanted.items(), key=lambda item: item[0]):
        place = row - natives.row, column - natives.column
        if natives.needed[place]:
            tile = read(column, row, bool(natives.again[place]))
            for target in some:
                _copy(tile, column * edges[0], row * edges[1], target)


def _inside(target: Target, level: Level) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what of a target lies in the level."""
    height, width = target.pixels.shape[:2]
    left, top = max(0, target.x), max(0, target.y)
    right, bottom = min(level.width, target.x + width), min(level.height, target.y + height)
    return left, top, right, bottom


def _copy(tile: RGB, x: int, y: int, target: Target) -> None:
    """The part of a native tile, whose corner is at (x, y), that a target covers."""
    pixels, (height, width) = target.pixels, tile.shape[:2]
    left, top = max(x, target.x), max(y, target.y)
    right = min(x + width, target.x + pixels.shape[1])
    bottom = min(y + height, target.y + pixels.shape[0])
    part = tile[top - y : bottom - y, left - x : right - x]
    pixels[top - target.y : bottom - target.y, left - target.x : right - target.x] = part
