"""One view level of a slide as the array that napari, or anybody, reads from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.slides.indexing import (
    Key,
    as_slices,
    positions_of,
    three_parts,
    tile_spans,
)
from napari_lookalike.core.slides.loader import Place
from napari_lookalike.core.slides.prefetch import Box
from napari_lookalike.core.slides.tile_source import TileSource

VIEW_STEP_PX = 64
"""napari rounds a view out to whole chunks. Whole tiles would double the pixels that a
small window uploads; a step of one pixel would upload anew with every move of the mouse."""

MAX_ARRAY_PX = 1 << 24
"""A level with more pixels than this is not turned into an array as a whole."""


class LevelArray:
    """A view level as a lazy uint8 array (height, width, 3), read tile by tile.

    What the window shows is answered at once, with a coarser level where tiles lack; every
    other read waits for exact pixels (see `TileSource.on_screen`). Reading never raises for
    a damaged file: a tile that cannot be decoded is hatched, and told of once.

    Parameters
    ----------
    source
        The engine's handle.
    index
        Which of its view levels.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, source: TileSource, index: int) -> None:
        self.source, self.index = source, index
        self._view = source.levels[index]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3)."""
        return self._view.height, self._view.width, 3

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._view.height * self._view.width * 3

    @property
    def chunks(self) -> tuple[int, int, int]:
        """What napari rounds its views out to, as zarr gives it; not the size of the tiles."""
        return VIEW_STEP_PX, VIEW_STEP_PX, 3

    def __repr__(self) -> str:
        return f"LevelArray({self.source.slide.name}, view level {self.index}, shape {self.shape})"

    def __len__(self) -> int:
        return self._view.height

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self._view.height * self._view.width > MAX_ARRAY_PX:
            raise ValueError(
                f"View level {self.index} of slide {self.source.slide.name} is too large to be"
                " read as a whole. Read a part of it, or use a coarser level."
            )
        pixels = self[:, :]
        return pixels if dtype is None else pixels.astype(dtype)

    def __getitem__(self, key: Key | tuple[Key, ...]) -> NDArray[np.uint8]:
        """Read with integers and slices, as from a numpy array."""
        rows, columns, channels = three_parts(key)
        ys, drop_y = positions_of(rows, self.shape[0])
        xs, drop_x = positions_of(columns, self.shape[1])
        out = np.empty((len(ys), len(xs), 3), np.uint8)
        if out.size:
            self._fill(out, ys, xs)
        return out[(0 if drop_y else slice(None)), (0 if drop_x else slice(None)), channels]

    def _fill(self, out: RGB, ys: NDArray[np.int64], xs: NDArray[np.int64]) -> None:
        tile_w, tile_h = self._view.tile_width, self._view.tile_height
        tiles = self._tiles(_box(xs, ys))
        for row, at_y in tile_spans(ys, tile_h):
            for column, at_x in tile_spans(xs, tile_w):
                inside = (ys[at_y] - row * tile_h)[:, None], xs[at_x] - column * tile_w
                out[at_y, at_x] = tiles[self.index, column, row][as_slices(*inside)]

    def _tiles(self, box: Box) -> dict[Place, RGB]:
        source = self.source
        if source.on_screen is None:
            return source.read(self.index, box)
        if source.on_screen(self.index, box):
            return source.view(self.index, box)
        whole = (0, 0, self._view.width, self._view.height)
        if self.index == len(source.levels) - 1 and box == whole:
            return source.thumbnail()
        return source.read(self.index, box)


def level_arrays(slide: Slide) -> list[LevelArray]:
    """Arrays of all view levels of a slide, for scripts: reads wait for exact pixels."""
    source = TileSource(slide)
    return [LevelArray(source, index) for index in range(len(source.levels))]


def _box(xs: NDArray[np.int64], ys: NDArray[np.int64]) -> Box:
    left, right = int(xs.min()), int(xs.max())
    top, bottom = int(ys.min()), int(ys.max())
    return left, top, right - left + 1, bottom - top + 1
