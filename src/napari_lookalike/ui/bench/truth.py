"""What should be seen: the field on screen, read by OpenSlide at once and in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openslide
from numpy.typing import NDArray

from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.ui.bench.window import Stage
from napari_lookalike.ui.viewer_names import camera, canvas_size

_MARGIN = 1.2
_BLOCK = 16
_ROUNDING = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


class Truth:
    """Compares the canvas with an eager read.

    Parameters
    ----------
    path
        The slide.

    Raises
    ------
    CannotRead
        If OpenSlide cannot open it.
    """

    def __init__(self, path: Path) -> None:
        open_openslide(path).close()  # with a reason that names nobody
        try:
            self._slide = openslide.OpenSlide(path)
        except openslide.OpenSlideError as error:
            raise CannotRead(str(error)) from None

    def error(self, stage: Stage, layer: Any) -> float:
        """Mean difference in grey levels between what is shown and what should be.

        Against the level that the screen needs, the next finer one, or the first filtered
        to what the screen resolves (as levels are that the file lacks), whichever is
        nearest; images are halved first, to forget how they were resampled. At a zoom of 1
        every screen pixel may lie exactly between two of the slide, and rounding decides,
        here so and there so: a shift by one screen pixel is none.
        """
        shown = _halved(stage.draw())
        errors = []
        for finer, filtered in ((0, False), (1, False), (0, True)):
            layer_there = self._add(stage.viewer, layer, finer, filtered)
            layer.visible = False
            expected = stage.draw()
            layer.visible = True
            stage.viewer.layers.remove(layer_there)
            errors.append(_difference(shown, expected))
        stage.viewer.layers.selection.active = layer
        return min(errors)

    def _add(self, viewer: Any, layer: Any, finer: int, filtered: bool) -> Any:
        """The field on screen as a plain layer."""
        height, width = layer.level_shapes[0][:2]
        scale = np.asarray(layer.scale)[-2:]
        centre = np.asarray(camera(viewer).center)[-2:] / scale
        zoom = camera(viewer).zoom * scale[0]  # screen pixels per level-0 pixel
        half = np.asarray(canvas_size(viewer)) / zoom / 2 * _MARGIN
        level = self._slide.get_best_level_for_downsample(max(1.0, 1 / zoom) * 1.01)
        level = max(0, level - finer)
        factor = self._slide.level_downsamples[level]
        less = 2 ** int(np.log2(max(1.0, 1 / zoom / factor * 1.01))) if filtered else 1
        # On the grid of the level, and of what it is filtered to: nothing is interpolated.
        cell = factor * less
        first = np.floor(np.clip(centre - half, 0, (height - 1, width - 1)) / cell) * less
        last = np.ceil(np.clip(centre + half, 1, (height, width)) / cell) * less
        size = np.maximum(1, np.minimum(last, self._slide.level_dimensions[level][::-1]) - first)
        corner = round(float(first[1] * factor)), round(float(first[0] * factor))
        region = self._slide.read_region(corner, level, (int(size[1]), int(size[0])))
        image = _reduced(np.asarray(region)[..., :3], less)
        middle = (cell - 1) / 2  # napari puts whole coordinates at the centres of pixels
        translate = (first * factor + middle) * scale
        return viewer.add_image(
            image, rgb=True, scale=scale * cell, translate=translate, units=layer.units
        )


def _reduced(image: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """The mean of each ``by`` by ``by`` pixels, as far as they go."""
    height, width = image.shape[0] // by * by, image.shape[1] // by * by
    if by == 1 or not height or not width:
        return image
    blocks = image[:height, :width].reshape(height // by, by, width // by, by, 3)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), np.uint8)


def _difference(shown: NDArray[np.float64], expected: Any) -> float:
    """Of each block at the best of the shifts, then over all blocks."""
    per_shift = []
    for by in _ROUNDING:
        off = np.abs(shown - _halved(np.roll(expected, by, (0, 1)))).mean(axis=2)
        height, width = (n // _BLOCK * _BLOCK for n in off.shape)
        blocks = off[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
        per_shift.append(blocks.mean(axis=(1, 3)))
    return float(np.min(per_shift, axis=0).mean())


def _halved(shot: Any) -> NDArray[np.float64]:
    height, width = shot.shape[0] // 2 * 2, shot.shape[1] // 2 * 2
    quads = np.asarray(shot[:height, :width, :3], float).reshape(height // 2, 2, width // 2, 2, 3)
    return np.asarray(quads.mean(axis=(1, 3)))
