"""Where a model looked on a slide, without reading its features: the hottest place, and an outline.

The grid of a feature file is a few hundred kilobytes where its numbers are hundreds of
megabytes; a card beside the pointer and a click on the map need only the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from napari_lookalike.core.attention import attention_weights, overlay
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.features_file import read_grid
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.core.tiles import TileGrid

SHARE = 0.5
"""The outline encloses the fewest tiles that hold this share of the attention."""
LINE, EDGE = (255, 225, 0), (20, 20, 20)
"""Yellow on black: seen on stained tissue and on glass, by colour-blind readers too."""

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """A tile's place.

    Parameters
    ----------
    x_px0, y_px0
        Its centre, level-0 pixels.
    width_px0
        Its edge, level-0 pixels.
    """

    x_px0: float
    y_px0: float
    width_px0: float


def weights_of(result: SlideResult) -> NDArray[np.float64]:
    """(n_tiles,) attention, sum 1; of the predicted class where the head attends per class."""
    weights = attention_weights(result.attention_logits)
    return np.asarray(weights[0 if len(weights) == 1 else int(result.ranking[0])])


def hottest_place(project: Project, results: ModelResults, slide_id: str) -> Place | None:
    """The tile that the model looked at most.

    Returns
    -------
    Place or None
        ``None`` where the model says nothing of the slide, or of other tiles than it has now.
    """
    found = _grid_and_weights(project, results, slide_id)
    if found is None:
        return None
    grid, weights = found
    x, y = grid.corners_px0[int(np.argmax(weights))].tolist()
    width, height = grid.size_px0
    return Place(x + width / 2, y + height / 2, width)


def outlined_thumbnail(
    project: Project, results: ModelResults | None, slide_id: str, side_px: int
) -> RGB:
    """The slide, small, with an outline of what the model looked at.

    Parameters
    ----------
    project
        Where the slide is.
    results
        Whose attention; ``None`` = no outline.
    slide_id
        The slide.
    side_px
        Longer edge of the picture.

    Returns
    -------
    ndarray of uint8 (height, width, 3)
        Without an outline where `hottest_place` has no answer.

    Raises
    ------
    LookalikeError
        If the slide cannot be read.
    """
    image = Image.fromarray(project.thumbnail(slide_id))
    image.thumbnail((side_px, side_px))
    pixels: RGB = np.array(image)
    found = _grid_and_weights(project, results, slide_id) if results is not None else None
    if found is None:
        return pixels
    grid, weights = found
    return draw_outline(pixels, hot_mask(grid, weights, pixels.shape[:2]))


def hot_tiles(weights: NDArray[np.floating], share: float = SHARE) -> NDArray[np.bool_]:
    """Bool (n_tiles,): the fewest tiles that together hold a share of the attention."""
    order = np.argsort(-weights, kind="stable")
    total = np.cumsum(weights[order])
    n = int(np.searchsorted(total, share * total[-1] - 1e-12)) + 1 if len(total) else 0
    hot = np.zeros(len(weights), bool)
    hot[order[:n]] = True
    return hot


def hot_mask(
    grid: TileGrid, weights: NDArray[np.floating], shape: tuple[int, ...], share: float = SHARE
) -> NDArray[np.bool_]:
    """Which pixels of a picture of the whole slide lie on hot tiles.

    Parameters
    ----------
    grid
        The slide's tiles.
    weights
        (n_tiles,) attention.
    shape
        (height, width) of the picture.
    share
        Of the attention, 0 to 1.
    """
    image = overlay(grid, hot_tiles(weights, share).astype(np.float32))
    height, width = shape[0], shape[1]
    across, down = grid.slide_size
    x = (np.arange(width) + 0.5) * across / width
    y = (np.arange(height) + 0.5) * down / height
    column = np.floor((x - image.corner_px0[0]) / image.pixel_px0[0]).astype(int)
    row = np.floor((y - image.corner_px0[1]) / image.pixel_px0[1]).astype(int)
    rows, columns = image.image.shape
    inside = ((row >= 0) & (row < rows))[:, None] & ((column >= 0) & (column < columns))[None]
    there = image.image[np.clip(row, 0, rows - 1)][:, np.clip(column, 0, columns - 1)]
    return np.asarray(inside & (np.nan_to_num(there) > 0.5), np.bool_)


def draw_outline(pixels: RGB, mask: NDArray[np.bool_]) -> RGB:
    """The picture with a line round each part of a mask."""
    drawn = pixels.copy()
    # Beyond the picture counts as inside: no line along its edge hides the slide's.
    line = mask & ~ndimage.binary_erosion(mask, border_value=1)
    drawn[ndimage.binary_dilation(line)] = EDGE
    drawn[line] = LINE
    return drawn


def _grid_and_weights(
    project: Project, results: ModelResults, slide_id: str
) -> tuple[TileGrid, NDArray[np.float64]] | None:
    result = results.slides.get(slide_id)
    grid = None if result is None else _grid(project, slide_id)
    if result is None or grid is None or result.attention_logits.shape[1] != len(grid):
        return None
    return (grid, weights_of(result)) if len(grid) else None


def _grid(project: Project, slide_id: str) -> TileGrid | None:
    """The slide's tiles; ``None`` if it has no features."""
    try:
        path: Path = project.features_path(slide_id)
        with h5py.File(path, "r") as file:
            ours = "lookalike_schema" in file.attrs
            return read_grid(file)[0] if ours else project.load_features(slide_id).grid
    except (OSError, KeyError, ValueError, LookalikeError):
        return None
