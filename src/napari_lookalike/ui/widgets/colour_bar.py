"""The colours of a layer from low to high, with the values at both ends."""

from __future__ import annotations

import math

import numpy as np
from napari.utils.colormaps import ensure_colormap
from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lookalike.core.signed import with_minus
from napari_lookalike.ui.widgets.palette import theme_of
from napari_lookalike.ui.widgets.slide_pictures import to_pixmap

BAR_PX = 10
NOT_ANALYSED = "not analysed"


class ColourBar(QWidget):
    """A strip of colours, "low" and "high" with their values, and what transparent means.

    Parameters
    ----------
    colormap
        Name of a napari colormap.
    """

    def __init__(self, colormap: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strip = _strip(colormap)
        self._low = self._high = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colours of the attention map")

    def show_limits(self, low: float, high: float) -> None:
        """Show the values of the two ends."""
        self._low, self._high = f"low {short(low)}", f"high {short(high)}"
        self.setAccessibleDescription(f"{self._low}, {self._high}; {NOT_ANALYSED}: transparent")
        self.update()

    @property
    def texts(self) -> tuple[str, str]:
        """What stands at the two ends."""
        return self._low, self._high

    def sizeHint(self) -> QSize:
        return QSize(240, BAR_PX + 2 + QFontMetrics(self.font()).height())

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def _fitting_font(self) -> QFont:
        """The panel's, smaller where large text would lie on one another in a narrow panel."""
        font = QFont(self.font())
        texts = f"{NOT_ANALYSED}  {self._low}  {self._high}"
        needed = QFontMetrics(font).horizontalAdvance(texts) + 10
        if needed > self.width():
            font.setPointSizeF(font.pointSizeF() * self.width() / needed)
        return font

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = theme_of(self)
        painter.setFont(self._fitting_font())
        metrics = QFontMetrics(painter.font())
        left = metrics.horizontalAdvance(NOT_ANALYSED) + 10
        strip = QRect(left, 0, self.width() - left, BAR_PX)
        painter.drawPixmap(strip, self._strip)
        # Transparent is drawn as an empty box beside the strip: unlike "low" at a glance.
        painter.setPen(QPen(theme.text, 1.0, Qt.PenStyle.DashLine))
        painter.drawRect(QRect(0, 0, left - 11, BAR_PX - 1))
        painter.setPen(theme.text)
        align = Qt.AlignmentFlag
        line = QRect(0, BAR_PX + 2, self.width(), metrics.height())
        painter.drawText(line, int(align.AlignLeft), NOT_ANALYSED)
        painter.drawText(line.adjusted(left, 0, 0, 0), int(align.AlignLeft), self._low)
        painter.drawText(line, int(align.AlignRight), self._high)
        painter.end()


def short(value: float) -> str:
    """A number in two digits: 0.00012, 0.031, 4.2, −1.3."""
    if 1e-7 <= abs(value) < 1e-4:  # 0.000064 reads easier than 6.4e-05
        digits = 1 - math.floor(math.log10(abs(value)))
        return with_minus(f"{value:.{digits}f}")
    text = f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    return with_minus(text)


def _strip(colormap: str) -> QPixmap:
    colours = ensure_colormap(colormap).map(np.linspace(0, 1, 256, dtype=np.float32))
    return to_pixmap(np.round(colours[None, :, :3] * 255).astype(np.uint8))
