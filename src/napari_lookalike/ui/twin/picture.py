"""Pixels of a slide for a pane: what there is at once, from the engine that napari's canvas uses.

The pane draws with Qt and not with a second napari canvas: no second OpenGL context has to be
made and destroyed beside napari's, and nothing of napari's private parts is needed.
"""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRectF
from qtpy.QtGui import QImage, QPainter, QTransform

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.prefetch import Box
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.session.twin_field import Field, view_index

GLASS = 245


def visible_box(
    source: TileSource, field: Field, screen: tuple[int, int], ratio: float
) -> tuple[int, Box] | None:
    """View level, and the box of it in its pixels, that a pane of a slide shows.

    Parameters
    ----------
    source
        The slide.
    field
        What is shown.
    screen
        (width, height) of the pane, screen pixels.
    ratio
        Device pixels per screen pixel.

    Returns
    -------
    tuple, or None
        ``None`` if nothing of the slide is in sight.
    """
    width, height = source.slide.size
    downs = tuple(width / level.width for level in source.levels)
    index = view_index(downs, min(field.step) / ratio)
    level = source.levels[index]
    down_x, down_y = width / level.width, height / level.height
    one = field.place(-screen[0] / 2, -screen[1] / 2)
    other = field.place(screen[0] / 2, screen[1] / 2)
    left, right = sorted((one[0], other[0]))
    top, bottom = sorted((one[1], other[1]))
    x, y = max(0, int(left / down_x)), max(0, int(top / down_y))
    x2 = min(level.width, int(np.ceil(right / down_x)) + 1)
    y2 = min(level.height, int(np.ceil(bottom / down_y)) + 1)
    if x2 <= x or y2 <= y:
        return None
    return index, (x, y, x2 - x, y2 - y)


def assemble(source: TileSource, index: int, box: Box) -> RGB:
    """Pixels of a box of a view level, at once; coarser where tiles are still being made."""
    x, y, width, height = box
    level = source.levels[index]
    out = np.full((height, width, 3), GLASS, np.uint8)
    for (_, column, row), tile in source.view(index, box).items():
        left, top = column * level.tile_width - x, row * level.tile_height - y
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + tile.shape[1]), min(height, top + tile.shape[0])
        if x1 > x0 and y1 > y0:
            out[y0:y1, x0:x1] = tile[y0 - top : y1 - top, x0 - left : x1 - left]
    return out


def laid(pixels: RGB, orientation: Orientation) -> QImage:
    """A picture of a slide turned and mirrored as it lies on the screen.

    Parameters
    ----------
    pixels
        (height, width, 3), as scanned.
    orientation
        How the slide lies.

    Returns
    -------
    QImage
        It owns its pixels.
    """
    quarters = orientation.quarters
    if orientation.is_mirrored:
        # Rows are exchanged at no cost. Left to right is that, and half a turn.
        pixels, quarters = np.ascontiguousarray(pixels[::-1]), (quarters + 2) % 4
    image = _wrapped(pixels)
    # Qt turns by quarters three times as fast as numpy transposes three bytes a pixel.
    return image.transformed(QTransform().rotate(90 * quarters)) if quarters else image.copy()


def _wrapped(pixels: RGB) -> QImage:
    """The same pixels as Qt has them; they must outlive it."""
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)


def paint_slide(
    painter: QPainter, source: TileSource, field: Field, screen: tuple[int, int], ratio: float
) -> None:
    """Draw what a pane shows of a slide; the painter's origin is the pane's corner."""
    found = visible_box(source, field, screen, ratio)
    if found is None:
        return
    index, (x, y, width, height) = found
    pixels = assemble(source, index, (x, y, width, height))
    upright = field.orientation == UPRIGHT
    image = _wrapped(pixels) if upright else laid(pixels, field.orientation)
    level, size = source.levels[index], source.slide.size
    down_x, down_y = size[0] / level.width, size[1] / level.height
    one = field.offset(x * down_x, y * down_y)
    other = field.offset((x + width) * down_x, (y + height) * down_y)
    (left, right), (top, bottom) = (sorted(ends) for ends in zip(one, other, strict=True))
    # Enlarged pixels are shown as they are; smaller ones are averaged.
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, min(field.step) * ratio >= 0.5)
    middle_x, middle_y = screen[0] / 2, screen[1] / 2
    target = QRectF(middle_x + left, middle_y + top, right - left, bottom - top)
    painter.drawImage(target, image, QRectF(image.rect()))
