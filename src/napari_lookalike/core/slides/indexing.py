"""Turning an index into tiles, for arrays that are read tile by tile."""

from __future__ import annotations

import operator
from itertools import pairwise
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Key = slice | int | EllipsisType
"""What an axis may be indexed with."""


def three_parts(key: Key | tuple[Key, ...]) -> tuple[Key, Key, Key]:
    """An index as one item per axis."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [slice(None)] * (4 - len(parts))
    parts += [slice(None)] * (3 - len(parts))
    if len(parts) != 3:
        raise IndexError(f"A level has 3 axes, not {len(parts)}.")
    return parts[0], parts[1], parts[2]


def positions_of(item: Key, length: int) -> tuple[NDArray[np.int64], bool]:
    """Positions along an axis, and whether the axis is dropped."""
    if isinstance(item, slice):
        return np.arange(*item.indices(length), dtype=np.int64), False
    index = operator.index(item)  # type: ignore[arg-type]
    if not -length <= index < length:
        raise IndexError(f"Index {index} is outside an axis of {length}.")
    return np.array([index % length], np.int64), True


def tile_spans(positions: NDArray[np.int64], edge: int) -> list[tuple[int, slice]]:
    """Tile number and slice of the positions that lie in it, in order."""
    if not len(positions):
        return []
    tiles = positions // edge
    cuts = np.flatnonzero(np.diff(tiles)) + 1
    bounds = [0, *cuts.tolist(), len(positions)]
    return [(int(tiles[a]), slice(a, b)) for a, b in pairwise(bounds)]


def as_slices(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[Any, Any]:
    """Slices instead of index arrays where the steps are of one: much faster."""
    ys, xs = rows[:, 0], columns
    whole_y = len(ys) == ys[-1] - ys[0] + 1
    whole_x = len(xs) == xs[-1] - xs[0] + 1
    if whole_y and whole_x:
        return slice(int(ys[0]), int(ys[-1]) + 1), slice(int(xs[0]), int(xs[-1]) + 1)
    return rows, columns
