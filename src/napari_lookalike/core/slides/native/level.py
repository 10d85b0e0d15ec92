"""One level of native tiles: where they lie in the file, and how they are decoded."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.codec import ceil_div, shrink
from napari_lookalike.core.slides.native.codecs import find_codec
from napari_lookalike.core.slides.native.reading import PositionalFile
from napari_lookalike.core.slides.source import DECODE_ERRORS, CannotRead, reason_of
from napari_lookalike.core.slides.tiff_layout import Page, keyframe

NATIVE = "native tiles"
"""What the property ``lookalike.decoder`` says of such a slide."""

_WIDTH_TAG = 256


class NativeLevel:
    """The tiles of one page.

    Parameters
    ----------
    page
        The page. Nothing of it is kept but numbers and tables.
    file
        The file that it is in.
    width, height
        Size of the level in pixels; the page may be larger (padded to whole tiles).

    Raises
    ------
    CannotRead
        If pages of this kind are not decoded directly; the message is the reason.
    """

    def __init__(self, page: Page, file: PositionalFile, width: int, height: int) -> None:
        key = keyframe(page)
        self._codec = find_codec(key)
        self._decode = self._codec.decode
        self._file = file
        self.width, self.height = width, height
        self.tile_width, self.tile_height = key.tilewidth, key.tilelength
        self.exact, self.reductions = self._codec.exact, self._codec.reductions
        # tifffile corrects the width of Philips pages; the table is for the stated one.
        stated = int(key.tags.valueof(_WIDTH_TAG, key.imagewidth))
        self._across = ceil_div(stated, self.tile_width)
        self._offsets = array("Q", page.dataoffsets)
        self._counts = array("Q", page.databytecounts)
        self._table = min(len(self._offsets), len(self._counts))
        self._most_bytes = 2 * self.tile_width * self.tile_height * 3 + (1 << 16)

    def size_of(self, column: int, row: int) -> tuple[int, int]:
        """(width, height) of a tile where the level ends it."""
        width = min(self.tile_width, self.width - column * self.tile_width)
        height = min(self.tile_height, self.height - row * self.tile_height)
        if min(width, height, column + 1, row + 1) < 1:
            raise ValueError(f"There is no tile in column {column} and row {row}.")
        return width, height

    def white(self, column: int, row: int, reduce: int = 1) -> RGB:
        """A tile of nothing, for one that the file does not have."""
        width, height = self.size_of(column, row)
        return np.full((ceil_div(height, reduce), ceil_div(width, reduce), 3), 255, np.uint8)

    def tile(self, column: int, row: int, reduce: int = 1) -> RGB | None:
        """A tile, clipped to the level; ``None`` if the file has none there.

        Parameters
        ----------
        column, row
            Which tile.
        reduce
            1 or one of `reductions`.

        Raises
        ------
        CannotRead
            If it cannot be decoded.
        """
        index = row * self._across + column
        if column >= self._across or index >= self._table:
            return None
        offset, count = self._offsets[index], self._counts[index]
        if not offset or not count:
            return None
        if count > self._most_bytes:
            raise CannotRead("a tile's length in the file is absurd")
        data = self._file.read(offset, count)
        width, height = self.size_of(column, row)
        whole = width == self.tile_width and height == self.tile_height
        try:
            if whole:
                return self._decode(data, reduce)
            # Reduced in full, so that no pixel of the edge mixes with what pads the tile.
            return shrink(self._decode(data, 1)[:height, :width], reduce)
        except DECODE_ERRORS as error:
            raise CannotRead(reason_of(error, self._file.path)) from None

    def read(
        self, x: int, y: int, width: int, height: int, absent: Callable[[int, int], RGB]
    ) -> RGB:
        """Pixels of a rectangle inside the level.

        Parameters
        ----------
        x, y, width, height
            In pixels of the level.
        absent
            Called with column and row of a tile that the file does not have.

        Raises
        ------
        CannotRead
            If one of its tiles cannot be decoded.
        """
        tile_w, tile_h = self.tile_width, self.tile_height
        out = np.empty((height, width, 3), np.uint8)
        for row in range(y // tile_h, (y + height - 1) // tile_h + 1):
            for column in range(x // tile_w, (x + width - 1) // tile_w + 1):
                tile = self.tile(column, row)
                if tile is None:
                    tile = absent(column, row)
                left, top = column * tile_w - x, row * tile_h - y
                part = tile[max(0, -top) : height - top, max(0, -left) : width - left]
                at_y, at_x = max(0, top), max(0, left)
                out[at_y : at_y + part.shape[0], at_x : at_x + part.shape[1]] = part
        return out

    def samples(self) -> list[tuple[int, int]]:
        """Column and row of a few tiles that tell most: first, last and the fullest."""
        there = self._present()
        if not len(there):
            return []
        counts = np.frombuffer(self._counts, np.uint64, self._table)[there]
        chosen = dict.fromkeys((int(np.argmax(counts)), 0, len(there) - 1))
        return [(int(there[i] % self._across), int(there[i] // self._across)) for i in chosen]

    def has_gaps(self) -> bool:
        """Whether the file lacks tiles of the level."""
        across, down = (
            ceil_div(self.width, self.tile_width),
            ceil_div(self.height, self.tile_height),
        )
        return len(self._present()) < across * down

    def _present(self) -> NDArray[np.intp]:
        """Indices of the tiles that the file has, where the level is."""
        counts = np.frombuffer(self._counts, np.uint64, self._table)
        there = np.flatnonzero(
            (np.frombuffer(self._offsets, np.uint64, self._table) > 0) & (counts > 0)
        )
        columns, rows = there % self._across, there // self._across
        inside = (columns * self.tile_width < self.width) & (rows * self.tile_height < self.height)
        return there[inside]
