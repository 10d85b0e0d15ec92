"""Are native tiles what another reader shows? A few tiles of each level are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.level import NativeLevel
from napari_lookalike.core.slides.source import CannotRead

Read = Callable[[int, int, int, int, int], RGB]
"""`Source.read` of another reader."""

MEAN_TOLERANCE = 1.0
"""Grey levels that lossy codecs may differ by on average: decoders round differently."""

MOST_TOLERANCE = 16
"""Grey levels that a single sample may differ by."""

_BETWEEN = 1 / 512
"""Pixels. OpenSlide draws without interpolation where it is less than this off."""

_EDGE, _ENOUGH = 2, 128


def find_difference(
    levels: Sequence[NativeLevel], read: Read, downsamples: Sequence[float]
) -> str | None:
    """What differs from another reader, or ``None`` if nothing does.

    Parameters
    ----------
    levels
        The native tiles.
    read
        The other reader: level, x, y, width, height -> pixels, or `CannotRead`.
    downsamples
        Level-0 pixels per pixel of each level, by which the other reader rounds the
        corner of a region to whole level-0 pixels; 1.0 if it does not.

    Returns
    -------
    str or None
        The rest of a sentence, without paths and names.
    """
    for index, level in enumerate(levels):
        compared = 0
        for column, row in level.samples():
            place = _Place.of(level, column, row, downsamples[index])
            try:
                theirs = read(index, place.x, place.y, place.width, place.height)
            except CannotRead:
                continue  # nothing to compare with, or damaged for all
            try:
                ours = level.tile(column, row)
            except CannotRead as error:
                return f"a tile of level {index} cannot be decoded directly: {error}"
            if ours is None:
                continue
            compared += 1
            mean, most = apart(place.cut(ours), theirs)
            exact = level.exact and not place.late_x and not place.late_y
            if mean > (0 if exact else MEAN_TOLERANCE) or most > (0 if exact else MOST_TOLERANCE):
                return f"level {index} differs by {mean:.3g} grey levels, at most by {most:.0f}"
        if not compared:
            return f"no tile of level {index} could be compared"
    return None


@dataclass(frozen=True)
class _Place:
    """What is compared: a tile, or its inside where OpenSlide interpolates.

    Parameters
    ----------
    x, y, width, height
        Rectangle in pixels of the level.
    left, top
        Where it begins in the tile.
    late_x, late_y
        Pixels by which the other reader starts late.
    """

    x: int
    y: int
    width: int
    height: int
    left: int
    top: int
    late_x: float
    late_y: float

    @classmethod
    def of(cls, level: NativeLevel, column: int, row: int, factor: float) -> _Place:
        """The place of a tile, for a reader with that downsample."""
        width, height = level.size_of(column, row)
        x, y = column * level.tile_width, row * level.tile_height
        left, width = _inside(x, width, factor)
        top, height = _inside(y, height, factor)
        late = offset_of(x + left, factor), offset_of(y + top, factor)
        return cls(x + left, y + top, width, height, left, top, *late)

    def cut(self, tile: RGB) -> RGB | NDArray[np.float32]:
        """The same part of a native tile, interpolated as the other reader does."""
        rows, columns = slice(self.top, self.top + self.height), slice(None)
        if not self.late_x and not self.late_y:
            return tile[rows, self.left : self.left + self.width]
        mixed = shifted(tile.astype(np.float32), self.late_y, 0)[rows, columns]
        return shifted(mixed, self.late_x, 1)[:, self.left : self.left + self.width]


def _inside(start: int, length: int, factor: float) -> tuple[int, int]:
    """Begin and length of what is compared along one axis of a tile.

    All of it if it begins on a pixel of the other reader; else a part within, so that
    neither reader needs the next tile.
    """
    if not offset_of(start, factor) or length <= 2 * _EDGE:
        return 0, length
    return _EDGE, min(length - 2 * _EDGE, _ENOUGH)


def apart(ours: RGB | NDArray[np.float32], theirs: RGB) -> tuple[float, float]:
    """Mean and largest difference in grey levels."""
    if np.array_equal(ours, theirs):
        return 0.0, 0.0
    difference = np.abs(ours.astype(np.float32) - theirs)
    return float(difference.mean()), float(difference.max())


def offset_of(start: int, factor: float) -> float:
    """By how many pixels of the level the other reader starts late; 0 if it is on a pixel."""
    offset = round(start * factor) / factor - start
    return offset if abs(offset) >= _BETWEEN else 0.0


def shifted(pixels: NDArray[np.float32], by: float, axis: int) -> NDArray[np.float32]:
    """Linear interpolation ``by`` less than one pixel further on; wraps at the ends."""
    if not by:
        return pixels
    neighbours = np.roll(pixels, -1 if by > 0 else 1, axis)
    mixed: NDArray[np.float32] = pixels * np.float32(1 - abs(by)) + neighbours * np.float32(abs(by))
    return mixed
