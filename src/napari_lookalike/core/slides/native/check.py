"""Are native tiles what another reader shows? A few tiles of each level are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.level import NativeLevel
from napari_lookalike.core.slides.source import CannotRead, Source

MEAN_TOLERANCE = 1.0
"""Grey levels that lossy codecs may differ by on average: decoders round differently."""

MOST_TOLERANCE = 16
"""Grey levels that a single sample may differ by."""

_BETWEEN = 1 / 512
"""Pixels. OpenSlide draws without interpolation where it is less than this off."""

_EDGE = 2


def find_difference(
    levels: Sequence[NativeLevel], reference: Source, downsamples: Sequence[float]
) -> str | None:
    """What differs from another reader, or ``None`` if nothing does.

    Parameters
    ----------
    levels
        The native tiles.
    reference
        The other reader, with as many levels.
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
            theirs = _theirs(level, column, row, reference, index)
            if theirs is None:
                continue
            try:
                ours = level.tile(column, row)
            except CannotRead as error:
                return f"a tile of level {index} cannot be decoded directly: {error}"
            if ours is None:
                continue
            offset = _offset(level, column, row, downsamples[index])
            mean, most = apart(ours, theirs, offset)
            compared += 1
            exact = level.exact and offset == (0.0, 0.0)
            if mean > (0 if exact else MEAN_TOLERANCE) or most > (0 if exact else MOST_TOLERANCE):
                return f"level {index} differs by {mean:.3g} grey levels, at most by {most:.0f}"
        if not compared:
            return f"no tile of level {index} could be compared"
    return None


def _theirs(level: NativeLevel, column: int, row: int, reference: Source, index: int) -> RGB | None:
    """The other reader's tile; ``None`` if it has none to compare with."""
    x, y = column * level.tile_width, row * level.tile_height
    try:
        return reference.read(index, x, y, *level.size_of(column, row))
    except CannotRead:
        return None


def _offset(level: NativeLevel, column: int, row: int, factor: float) -> tuple[float, float]:
    x, y = column * level.tile_width, row * level.tile_height
    return offset_of(x, factor), offset_of(y, factor)


def apart(ours: RGB, theirs: RGB, offset: tuple[float, float]) -> tuple[float, float]:
    """Mean and largest difference in grey levels.

    Parameters
    ----------
    ours, theirs
        The same rectangle.
    offset
        Pixels (x, y) by which the other one starts late.
    """
    if offset == (0.0, 0.0) and np.array_equal(ours, theirs):
        return 0.0, 0.0
    here = shifted(shifted(ours.astype(np.float32), offset[0], 1), offset[1], 0)
    inside = tuple(slice(_EDGE, -_EDGE) if by else slice(None) for by in offset[::-1])
    difference = np.abs(here - theirs)[inside]
    if not difference.size:
        return 0.0, 0.0
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
