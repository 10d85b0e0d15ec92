"""Pixels to fit on: pooled over a slide's tiles, and fit for it or not."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.stain import H_AND_E, judge_stain

POOL: Final = 1_000_000
"""Most pixels that are looked at: percentiles change no more beyond."""

LEAST: Final = 2_000
"""Fewer stained pixels than this say little of a slide."""

_BLOCK: Final = 16
"""Edge of what is averaged to judge the stain: 8 µm at 0.5 µm a pixel, the scale of the
thumbnail that `core.stain` was made for."""

_CLEAR: Final = 0.065
"""Decadic density under which there is no stain (0.15 as natural logarithm)."""


class NotFitted(Exception):
    """Why a slide cannot be normalised, as a part of a sentence."""


def pooled(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (n, 3) of tiles (tiles, height, width, 3): all, or every so manieth."""
    pixels = tiles.reshape(-1, 3)
    return pixels[:: -(-len(pixels) // POOL) or 1]


def enough(pixels: int) -> None:
    """Refuse too few pixels."""
    if pixels < LEAST:
        raise NotFitted(f"there is too little stained tissue in its tiles ({pixels} pixels)")


def check_stain(tiles: NDArray[np.uint8]) -> None:
    """Refuse tiles that don't look like H&E: they would be painted pink and purple.

    Raises
    ------
    NotFitted
        With the reason that `core.stain` gives.
    """
    block = min(_BLOCK, *tiles.shape[1:3])
    rows, columns = tiles.shape[1] // block, tiles.shape[2] // block
    cut = tiles[:, : rows * block, : columns * block]
    means = cut.reshape(-1, rows, block, columns, block, 3).mean(axis=(2, 4), dtype=np.float32)
    density = -np.log10((means.reshape(-1, 3) + 1) / 256)
    stained = density[density.max(axis=1) > _CLEAR]
    if len(stained) < 50:
        raise NotFitted("there is too little stained tissue in its tiles")
    guess = judge_stain(stained)
    if guess.name != H_AND_E:
        raise NotFitted(f"it does not look like H&E ({guess.reason.rstrip('.')})")
