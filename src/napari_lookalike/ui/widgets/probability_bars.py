"""A bar for each subtype, most probable first, with its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_lookalike.core.signed import probability
from napari_lookalike.ui.widgets.palette import Theme, theme_of

BAR_PX = 6
GAP_PX = 4
TEXT_GAP_PX = 1
LABEL_TAG = "label"


@dataclass(frozen=True)
class Bar:
    """One subtype.

    Parameters
    ----------
    name
        The subtype.
    probability
        0 to 1.
    number
        The probability as text.
    colour
        "#RRGGBB", the same as on the map.
    is_label
        Whether it is the slide's label.
    before
        What the model before the fine-tuning said, 0 to 1; ``None`` = nothing to compare.
    """

    name: str
    probability: float
    number: str
    colour: str
    is_label: bool = False
    before: float | None = None

    @property
    def sentence(self) -> str:
        """The bar in words."""
        label = ", the label of this slide" if self.is_label else ""
        before = (
            "" if self.before is None else f", {probability(self.before)} before the fine-tuning"
        )
        return f"{self.name} {self.number}{before}{label}"


class ProbabilityBars(QWidget):
    """Horizontal bars over the full width; a name is elided if it must be, a number never."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[Bar, ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self.setAccessibleName("Probabilities of the subtypes")

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What is shown."""
        return self._bars

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show these, in this order."""
        bars = tuple(bars)
        if bars != self._bars:
            self._bars = bars
            self.setAccessibleDescription("; ".join(bar.sentence for bar in bars))
            self.updateGeometry()
            self.update()

    @property
    def row_px(self) -> int:
        """Height of one row."""
        return QFontMetrics(self.font()).height() + TEXT_GAP_PX + BAR_PX + GAP_PX

    def sizeHint(self) -> QSize:
        return QSize(240, len(self._bars) * self.row_px)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, len(self._bars) * self.row_px)

    def bar_at(self, y: int) -> Bar | None:
        """The bar at this height of the widget."""
        row = y // self.row_px
        return self._bars[row] if 0 <= row < len(self._bars) else None

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            bar = self.bar_at(event.pos().y())
            QToolTip.showText(event.globalPos(), bar.sentence if bar is not None else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = theme_of(self)
        for i, bar in enumerate(self._bars):
            room = QRect(0, i * self.row_px, self.width(), self.row_px - GAP_PX)
            self._paint_text(painter, theme, room, bar, bold=i == 0)
            self._paint_bar(painter, theme, room, bar)
        painter.end()

    def _paint_text(
        self, painter: QPainter, theme: Theme, room: QRect, bar: Bar, *, bold: bool
    ) -> None:
        font = self.font()
        font.setBold(bold)
        metrics = QFontMetrics(font)
        line = QRect(room.left(), room.top(), room.width(), metrics.height())
        painter.setFont(font)
        painter.setPen(theme.text)
        align = Qt.AlignmentFlag
        painter.drawText(line, int(align.AlignRight | align.AlignVCenter), bar.number)
        line.adjust(0, 0, -metrics.horizontalAdvance(bar.number) - 8, 0)
        tag = metrics.horizontalAdvance(LABEL_TAG) + 10 if bar.is_label else 0
        name = metrics.elidedText(
            bar.name, Qt.TextElideMode.ElideRight, line.width() - (tag + 6 if tag else 0)
        )
        painter.drawText(line, int(align.AlignLeft | align.AlignVCenter), name)
        if tag:
            left = line.left() + metrics.horizontalAdvance(name) + 6
            frame = QRect(left, line.top() + 1, tag, line.height() - 2)
            painter.setPen(QPen(theme.text, 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(frame).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
            painter.drawText(frame, int(align.AlignCenter), LABEL_TAG)

    @staticmethod
    def _paint_bar(painter: QPainter, theme: Theme, room: QRect, bar: Bar) -> None:
        track = QRectF(room.left(), room.bottom() + 1 - BAR_PX, room.width(), BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.faint)
        painter.drawRoundedRect(track, 2, 2)
        filled = QRectF(track)
        filled.setWidth(max(track.width() * bar.probability, 1.0))
        painter.setBrush(QColor(bar.colour))
        painter.drawRoundedRect(filled, 2, 2)
        if bar.before is not None:
            x = track.left() + track.width() * bar.before
            painter.setPen(QPen(theme.text, 2.0))
            painter.drawLine(int(x), int(track.top()), int(x), int(track.bottom()) + 1)
