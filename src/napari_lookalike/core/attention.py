"""From attention logits to an image that lies exactly on the slide.

Attention says where a head looked, not what a tile is: it is neither a probability nor
a proof, and a map without a hot spot on a right prediction is common with gated attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lookalike.core.geometry import napari_translate
from napari_lookalike.core.tiles import TileGrid

FINE = 2.9
"""Cells along a tile's edge from which a grid counts as finer than its tiles."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """One pixel per tile, and where that image lies.

    Parameters
    ----------
    image
        float32 (rows, columns); NaN where no tile was analysed.
    corner_px0
        (x, y) of the image's top-left corner, level-0 pixels.
    pixel_px0
        (width, height) that one pixel covers, level-0 pixels; need not be whole.
    """

    image: NDArray[np.float32]
    corner_px0: tuple[float, float]
    pixel_px0: tuple[float, float]

    def napari_scale(self, mpp_xy: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
        """Layer scale (row, column): µm (or level-0 pixels) per pixel of the image."""
        return self.pixel_px0[1] * mpp_xy[1], self.pixel_px0[0] * mpp_xy[0]

    def napari_translate(self, mpp_xy: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
        """Layer translate (row, column); see `geometry.napari_translate`."""
        return napari_translate(self.corner_px0, self.pixel_px0, mpp_xy)

    def value_at(self, x_px0: float, y_px0: float) -> float | None:
        """The value under a place in level-0 pixels; ``None`` if nothing was analysed there."""
        column = int(np.floor((x_px0 - self.corner_px0[0]) / self.pixel_px0[0]))
        row = int(np.floor((y_px0 - self.corner_px0[1]) / self.pixel_px0[1]))
        rows, columns = self.image.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        value = float(self.image[row, column])
        return None if np.isnan(value) else value

    @property
    def display_range(self) -> tuple[float, float]:
        """The (low, high) between which colours are spread: see `display_range`."""
        return display_range(self.image)


def attention_weights(logits: ArrayLike) -> NDArray[np.float64]:
    """Softmax over a slide's tiles, branch by branch.

    Parameters
    ----------
    logits
        (n_branches, n_tiles), or (n_tiles,) of one branch; ``-inf`` gets weight 0.

    Returns
    -------
    ndarray of float64, same shape
        Each branch sums to 1.
    """
    values = np.asarray(logits, np.float64)
    if values.shape[-1] == 0:
        return values
    top = values.max(axis=-1, keepdims=True)
    # A branch that is -inf everywhere attends to all tiles alike.
    shifted = np.where(np.isneginf(top), 0.0, values - np.where(np.isfinite(top), top, 0.0))
    weights = np.exp(shifted)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def display_range(values: ArrayLike) -> tuple[float, float]:
    """The values between which colours are spread: the 1st and 99th percentile of the tiles.

    A single extreme tile would else leave the rest of the map in one colour. Values
    beyond are drawn in the end colours; the status bar still tells them exactly.

    Parameters
    ----------
    values
        Values of tiles, or an overlay's image; NaN does not count.

    Returns
    -------
    tuple of float
        (low, high), high > low.
    """
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    if not found.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(found, (1, 99)))
    if high <= low:
        low, high = float(found.min()), float(found.max())
    if high <= low:
        step = max(abs(low), 1.0) * 1e-3
        low, high = low - step, high + step
    return low, high


def overlay(grid: TileGrid, values: ArrayLike) -> Overlay:
    """Values of tiles as an image with one pixel per tile.

    Where tiles overlap (or leave gaps), a pixel covers the cell around its tile's
    centre, one stride wide: neighbouring pixels touch and each shows its own tile. On a
    grid several times finer than its tiles (imported tiles that lie on no common grid)
    a tile also fills the cells around its own that no other tile's centre lies nearer to.

    Parameters
    ----------
    grid
        Where the tiles lie.
    values
        (n_tiles,) in the order of ``grid.cells``.

    Raises
    ------
    ValueError
        If there is not one value per tile.
    """
    flat = np.asarray(values, np.float32)
    if flat.shape != (len(grid),):
        raise ValueError(f"{flat.shape} values for {len(grid)} tiles")
    image = np.full(grid.shape, np.nan, np.float32)
    if len(grid):
        image[grid.cells[:, 1], grid.cells[:, 0]] = flat
        _fill_around(image, grid, flat)
    corner = tuple(
        origin + (size - stride) / 2
        for origin, size, stride in zip(
            grid.origin_px0, grid.size_px0, grid.stride_px0, strict=True
        )
    )
    return Overlay(image, (corner[0], corner[1]), grid.stride_px0)


def _fill_around(image: NDArray[np.float32], grid: TileGrid, flat: NDArray[np.float32]) -> None:
    """Let tiles that span three cells or more of the grid fill those around their own."""
    reach_x, reach_y = (
        int(size / stride + 0.01) // 2 if size / stride >= FINE else 0
        for size, stride in zip(grid.size_px0, grid.stride_px0, strict=True)
    )
    rows, columns = image.shape
    around = [
        (dx, dy)
        for dx in range(-reach_x, reach_x + 1)
        for dy in range(-reach_y, reach_y + 1)
        if dx or dy
    ]
    taken = np.isfinite(image)
    taken[grid.cells[:, 1], grid.cells[:, 0]] = True
    for dx, dy in sorted(around, key=lambda step: step[0] ** 2 + step[1] ** 2):
        column, row = grid.cells[:, 0] + dx, grid.cells[:, 1] + dy
        free = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        free[free] = ~taken[row[free], column[free]]
        image[row[free], column[free]] = flat[free]
        taken[row[free], column[free]] = True


def top_tiles(
    weights: ArrayLike, k: int, grid: TileGrid | None = None, min_distance: float = 1.5
) -> NDArray[np.intp]:
    """The most attended tiles, spread over the slide.

    Parameters
    ----------
    weights
        (n_tiles,) weights or logits.
    k
        How many tiles are wanted.
    grid
        Where the tiles lie; without it no distance is kept.
    min_distance
        Least distance between two of them, in tile edges (1.5 excludes the eight
        neighbours of a tile). Where the slide has fewer such places, fewer come back.

    Returns
    -------
    ndarray of intp (<= k,)
        Indices of tiles, most attended first.
    """
    values = np.asarray(weights, np.float64)
    order = np.argsort(-values, kind="stable")
    if grid is None:
        return order[:k]
    places = grid.corners_px0 / np.asarray(grid.size_px0)
    chosen: list[int] = []
    free = np.ones(len(order), bool)
    for i in order:
        if len(chosen) == k:
            break
        if free[i]:
            chosen.append(int(i))
            # A hair of tolerance: corners of a grid are sums of inexact strides.
            free &= np.linalg.norm(places - places[i], axis=1) >= min_distance - 1e-9
    return np.asarray(chosen, np.intp)
