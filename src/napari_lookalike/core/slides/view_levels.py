"""The levels that the canvas shows: those of the slide, and in-between ones.

A viewer fetches the coarsest level that is fine enough for the screen. With a pyramid of
4x that is up to sixteen times the pixels of the screen; with neighbours that differ by at
most 2x it is up to four times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_lookalike.core.slides.base import Level

MAX_STEP = 2.05
"""Neighbouring view levels differ by at most this (levels are rounded to whole pixels)."""

SMALLEST_TILE, LARGEST_TILE, OTHER_TILE = 128, 1024, 512


@dataclass(frozen=True)
class ViewLevel:
    """One level of what is shown.

    Parameters
    ----------
    base
        Index into `Slide.levels` of the level that it is made from.
    reduce
        How much smaller it is in both axes: 1 is the level itself, else a power of two.
    width, height
        Size in pixels of this view level.
    tile_width, tile_height
        Size of its tiles in its own pixels.
    native
        Whether tiles of this size are tiles of the file (for ``reduce`` > 1: whether
        ``reduce`` by ``reduce`` of them make one of ours).
    stored
        Index into `Slide.levels` of the synthetic level with the same pixels, which is
        computed in the background; ``None`` if it is made from the file when it is shown.
    """

    base: int
    reduce: int
    width: int
    height: int
    tile_width: int
    tile_height: int
    native: bool
    stored: int | None = None

    @property
    def columns(self) -> int:
        """Number of tiles from left to right."""
        return -(-self.width // self.tile_width)

    @property
    def rows(self) -> int:
        """Number of tiles from top to bottom."""
        return -(-self.height // self.tile_height)

    def box(self, column: int, row: int) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a tile in pixels of this view level, clipped to it."""
        x, y = column * self.tile_width, row * self.tile_height
        return x, y, min(self.tile_width, self.width - x), min(self.tile_height, self.height - y)


def view_levels(levels: Sequence[Level]) -> tuple[ViewLevel, ...]:
    """View levels from full size to coarse.

    Between two levels of the file, as many are inserted as make neighbours differ by at
    most 2x; each halves the one before, counted from the finer level of the file, with
    sizes rounded up. Synthetic levels already halve.

    Parameters
    ----------
    levels
        Of the slide, from full size to coarse.

    Returns
    -------
    tuple of ViewLevel
    """
    found: list[ViewLevel] = []
    in_file = [level for level in levels if not level.synthetic]
    for index, level in enumerate(in_file):
        found.append(view_level(index, level, 1))
        coarser = in_file[index + 1] if index + 1 < len(in_file) else None
        reduce = 1
        while coarser is not None and _ratio(level, coarser) > MAX_STEP * reduce:
            reduce *= 2
            found.append(view_level(index, level, reduce))
    last = len(in_file) - 1
    for nth, index in enumerate(range(len(in_file), len(levels)), start=1):
        found.append(view_level(last, in_file[last], 2**nth, stored=index))
    return tuple(found)


def view_level(base: int, level: Level, reduce: int, stored: int | None = None) -> ViewLevel:
    """A view level that is ``reduce`` times smaller than a level of the file."""
    native = all(
        SMALLEST_TILE <= edge <= LARGEST_TILE and edge % reduce == 0
        for edge in (level.tile_width, level.tile_height)
    )
    tile = (level.tile_width, level.tile_height) if native else (OTHER_TILE, OTHER_TILE)
    size = -(-level.width // reduce), -(-level.height // reduce)
    return ViewLevel(base, reduce, *size, *tile, native, stored)


def of_file(level: Level) -> bool:
    """Whether tiles of a level are kept one by one: strips and tiny or huge ones are not."""
    edges = (level.tile_width, level.tile_height)
    return all(SMALLEST_TILE <= edge <= LARGEST_TILE for edge in edges)


def _ratio(fine: Level, coarse: Level) -> float:
    """How much smaller the coarser one is, in the axis where it is most."""
    return max(fine.width / coarse.width, fine.height / coarse.height)
