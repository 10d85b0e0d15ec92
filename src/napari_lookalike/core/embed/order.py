"""In which order tiles are visited: coarse to fine, in pieces that are cheap to read.

An answer after a few per cent of the tiles needs tiles from everywhere; a file is decoded
in native tiles, of which neighbours share some. So:

1. A survey: two by two tiles in every twelfth place of the grid (about 3 %).
2. Blocks of eight by eight tiles, every second one in both axes (a quarter of the slide).
3. The other blocks along a Hilbert curve: neighbours follow each other, so that native tiles
   on their border are still in the cache.

Within 1 and 2 the places are in the order of their reversed Morton code: every prefix is a
coarse lattice over the whole slide, then a finer one. A slide of few tiles has smaller blocks.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.tiles import TileGrid

LARGEST_BLOCK: Final = 8
"""Tiles along the edge of a block: 1792 px of 224, seven native tiles of 256."""

_BLOCKS: Final = 64
"""A slide is cut into at least so many blocks, if it has the tiles."""

_Ints = NDArray[np.int64]


def block_edge(n_tiles: int) -> int:
    """Tiles along the edge of a block on a slide with so many tiles."""
    return max(1, min(LARGEST_BLOCK, math.isqrt(n_tiles // _BLOCKS)))


def coarse_to_fine(grid: TileGrid) -> _Ints:
    """The order in which the tiles of a grid are visited.

    Parameters
    ----------
    grid
        The tiles.

    Returns
    -------
    ndarray of int64 (n_tiles,)
        A permutation of the tiles' indices, the same for the same grid. Any beginning of it
        is spread over all of the tissue; tiles of a block follow each other.
    """
    column, row = grid.cells.astype(np.int64).T.reshape(2, -1)
    edge = block_edge(len(grid))
    x, y = column // edge, row // edge
    bits = max(1, int(max(x.max(initial=0), y.max(initial=0))).bit_length())
    spread = _reversed_morton(x, y, bits)
    stage = np.ones(len(grid), np.int64)
    place = spread
    if edge > 1:
        between = (x % 2 == 1) | (y % 2 == 1)
        stage[between] = 2
        place = np.where(between, _hilbert(x, y, bits), spread)
        apart = edge + edge // 2
        chosen = _in_survey(column, apart) & _in_survey(row, apart)
        survey = _reversed_morton(column // apart, row // apart, bits)
        stage[chosen] = 0
        place = np.where(chosen, survey, place)
    return np.lexsort((column, row, place, stage)).astype(np.int64)


def _in_survey(cell: _Ints, apart: int) -> NDArray[np.bool_]:
    """Whether a cell is one of the middle two (of one axis) of its survey's place."""
    middle = (cell % apart) - apart // 2
    return np.asarray((middle == 0) | (middle == -1))


def _reversed_morton(x: _Ints, y: _Ints, bits: int) -> _Ints:
    """Morton code with its bits in reverse: the last bits of x and y count most."""
    code = np.zeros_like(x)
    for bit in range(bits):
        code = (code << 2) | (((x >> bit) & 1) << 1) | ((y >> bit) & 1)
    return code


def _hilbert(x: _Ints, y: _Ints, bits: int) -> _Ints:
    """Place along the Hilbert curve over a square of ``2 ** bits`` places an edge.

    The usual algorithm that turns a quadrant at a time; see Skilling, "Programming the
    Hilbert curve", AIP Conference Proceedings 707 (2004).
    """
    x, y, along = x.copy(), y.copy(), np.zeros_like(x)
    for bit in reversed(range(bits)):
        right, down = (x >> bit) & 1, (y >> bit) & 1
        along += ((3 * right) ^ down) << (2 * bit)
        mirror = (down == 0) & (right == 1)
        most = (1 << bits) - 1
        x, y = np.where(mirror, most - x, x), np.where(mirror, most - y, y)
        swap = down == 0
        x, y = np.where(swap, y, x), np.where(swap, x, y)
    return along
