"""What a codec of tiles is."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from napari_lookalike.core.slides.base import RGB

MAX_BYTES = 1 << 30
"""No header makes us allocate more than this for one tile or strip."""


class Codec(Protocol):
    """Decodes the tiles of one level. Thread-safe, and releases the interpreter's lock.

    Attributes
    ----------
    exact
        Whether every right decoder gives the same pixels, bit by bit.
    reductions
        Factors by which a tile can be had smaller for less than a full decode.
    """

    @property
    def exact(self) -> bool:
        """See the class."""

    @property
    def reductions(self) -> tuple[int, ...]:
        """See the class."""

    def decode(self, data: bytes, reduce: int) -> RGB:
        """A whole tile, padding included.

        Parameters
        ----------
        data
            The tile as it lies in the file.
        reduce
            1 or one of `reductions`: that much smaller in both axes, rounded up.

        Raises
        ------
        CannotRead
            If the data is not such a tile. Decoders' own errors pass through.
        """


def ceil_div(length: int, by: int) -> int:
    """``length / by``, rounded up."""
    return -(-length // by)


def shrink(tile: RGB, reduce: int) -> RGB:
    """The mean of each ``reduce`` x ``reduce`` pixels; what hangs over the edge repeats it."""
    if reduce == 1:
        return np.ascontiguousarray(tile)
    height, width = (ceil_div(length, reduce) for length in tile.shape[:2])
    over = (0, height * reduce - tile.shape[0]), (0, width * reduce - tile.shape[1]), (0, 0)
    whole = np.pad(tile, over, mode="edge") if over[0][1] or over[1][1] else tile
    blocks = whole.reshape(height, reduce, width, reduce, 3).astype(np.uint16)
    total = blocks.sum(axis=(1, 3), dtype=np.uint32)
    return np.asarray((total + reduce * reduce // 2) // (reduce * reduce), np.uint8)
