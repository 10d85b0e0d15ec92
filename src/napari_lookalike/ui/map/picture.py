"""A view of the map as a picture: picks how much detail is drawn, and draws it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QImage, QPainter, QPixmap

from napari_lookalike.ui.map.density import Density, DensityCache
from napari_lookalike.ui.map.detail import MOST_DOTS, Detail, corners, detail, radius
from napari_lookalike.ui.map.geometry import View
from napari_lookalike.ui.map.gl import MOST_COLOURS, SMALL, shared_dots
from napari_lookalike.ui.map.marks import PictureOf, paint_above, paint_below, paint_pictures
from napari_lookalike.ui.map.plain import draw_plain
from napari_lookalike.ui.map.scene import Scene
from napari_lookalike.ui.widgets.palette import Theme


class MapPainter:
    """Paints scenes; keeps what can be used again for the next view.

    Parameters
    ----------
    picture_of
        Key -> thumbnail, or ``None`` if it is not there (yet).
    """

    def __init__(self, picture_of: PictureOf | None = None) -> None:
        self.every_dot = False
        self.pictures = True
        self.use_opengl = True
        self.detail: Detail = "dots"
        self.radius = radius(0, 1.0)
        self._picture_of = picture_of
        self._densities = DensityCache()
        self._pixmap: tuple[Density | None, QPixmap] = (None, QPixmap())

    def paint(
        self, painter: QPainter, scene: Scene, view: View, zoom: float, theme: Theme, ratio: float
    ) -> None:
        """Draw all that does not follow the pointer.

        Parameters
        ----------
        painter
            Of a picture as large as the view.
        scene
            What is shown.
        view
            Which part of it.
        zoom
            Scale against the one at which all is seen.
        theme, ratio
            Colours, and device pixels per widget pixel.
        """
        grid, (low, high) = scene.dots.places.grid, corners(view)
        pictures = self.pictures and self._picture_of is not None
        about = grid.about(low, high)
        self.radius = radius(len(scene.keys), zoom)
        self.detail = detail(about, zoom, every_dot=self.every_dot, pictures=pictures)
        rows: NDArray[np.int64] | None = None
        # All of many are drawn without looking up which they are.
        if self.detail != "density" and (about < len(scene.keys) or about <= MOST_DOTS):
            rows = grid.inside(low, high)
            self.detail = detail(len(rows), zoom, every_dot=self.every_dot, pictures=pictures)
        paint_below(painter, scene, view, theme, self.radius)
        if self.detail == "density":
            self._paint_density(painter, scene, view)
        else:
            painter.drawImage(0, 0, self._dots(scene, rows, view, theme, ratio))
        paint_above(painter, scene, view, theme, self.radius)
        if self.detail == "pictures" and self._picture_of is not None:
            here = np.arange(len(scene.keys)) if rows is None else rows
            paint_pictures(painter, scene, here, view, theme, self._picture_of)

    def _dots(
        self,
        scene: Scene,
        rows: NDArray[np.int64] | None,
        view: View,
        theme: Theme,
        ratio: float,
    ) -> QImage:
        rim = QColor("#16171C" if theme.dark else "#FFFFFF") if self.radius >= SMALL else None
        opengl = shared_dots() if self.use_opengl else None
        if opengl is None or len(scene.dots.palette) > MOST_COLOURS:
            return draw_plain(scene.dots, rows, view, self.radius, ratio, rim)
        try:
            return opengl.draw(scene.dots, rows, view, self.radius, ratio, rim)
        except RuntimeError:  # vispy's, for what a driver refuses: the map must not vanish
            self.use_opengl = False
            return draw_plain(scene.dots, rows, view, self.radius, ratio, rim)

    def _paint_density(self, painter: QPainter, scene: Scene, view: View) -> None:
        density = self._densities.get(scene.dots, view)
        if density is None:
            return
        if self._pixmap[0] is not density:
            self._pixmap = (density, _pixmap(density))
        pixmap = self._pixmap[1]
        left, top = view.to_screen(np.array([[density.low[0], density.high[1]]]))[0].tolist()
        right, bottom = view.to_screen(np.array([[density.high[0], density.low[1]]]))[0].tolist()
        target = QRectF(left, top, right - left, bottom - top)
        seen = target.intersected(QRectF(-2, -2, view.size[0] + 4, view.size[1] + 4))
        if seen.isEmpty():
            return
        # Only what is in view is scaled.
        sx, sy = pixmap.width() / target.width(), pixmap.height() / target.height()
        source = QRectF(
            (seen.left() - left) * sx,
            (seen.top() - top) * sy,
            seen.width() * sx,
            seen.height() * sy,
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(seen, pixmap, source)


def _pixmap(density: Density) -> QPixmap:
    rows, columns = density.rgba.shape[:2]
    image = QImage(density.rgba.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    # Premultiplied: else the colour of what is empty bleeds in where the picture is scaled.
    return QPixmap.fromImage(image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied))
