"""How much of what the model confuses was looked at: a bar with a part for each pair."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_lookalike.session.suggestions_view import PairRow
from napari_lookalike.ui.widgets.palette import theme_of

COVERED = QColor("#00A88F")
HEIGHT_PX = 14


class CoverageBar(QWidget):
    """Covered pairs filled, open ones hatched; each as wide as its share of the confusions.

    Signals
    -------
    chosen(str, str)
        The user clicked the part of this pair of subtypes.
    """

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[PairRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        return QSize(120, HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, HEIGHT_PX)

    def show_pairs(self, rows: tuple[PairRow, ...], said: str) -> None:
        """Covered pairs first, as a bar is read."""
        self._rows = tuple(sorted(rows, key=lambda r: (r.open, -r.share)))
        self.setAccessibleName(f"Coverage: {said}")
        self.setToolTip(said)
        self.setVisible(bool(rows))
        self.update()

    def parts(self) -> list[tuple[QRectF, PairRow]]:
        """Where each pair's part lies, in widget pixels."""
        found, x = [], 0.0
        for row in self._rows:
            width = row.share * self.width()
            found.append((QRectF(x, 0.0, width, float(self.height())), row))
            x += width
        return found

    def _at(self, x: float) -> PairRow | None:
        return next((row for area, row in self.parts() if area.left() <= x < area.right()), None)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = theme_of(self)
        for area, row in self.parts():
            inside = area.adjusted(0, 1, -1, -1)
            if row.open:
                painter.fillRect(inside, theme.faint)
                painter.fillRect(inside, QBrush(theme.text, Qt.BrushStyle.BDiagPattern))
            else:
                painter.fillRect(inside, COVERED)
        painter.setPen(QPen(theme.text, 1))
        painter.drawRect(QRectF(0.5, 0.5, self.width() - 1.0, self.height() - 1.0))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._at(event.position().x())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(row.a, row.b)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = self._at(QPointF(event.pos()).x())
            if row is not None:
                said = f"{row.a} and {row.b}: {row.confused} slides confused, {row.standing}."
                QToolTip.showText(event.globalPos(), said, self)
                return True
        return super().event(event)
