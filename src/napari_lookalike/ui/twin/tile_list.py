"""The evidence tiles of a pair, as a list."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_lookalike.session.twin_view import TileView
from napari_lookalike.ui.twin.marks_paint import COLOURS, Look

SWATCH_PX = 16
LETTERS: dict[Look, str] = {"diagnostic": "D", "look-alike": "S", "disputed": "✗"}


def look_of(view: TileView) -> Look:
    """How a tile is framed."""
    if view.tile.second_says == "disputed":
        return "disputed"
    return view.tile.kind


def swatch(look: Look) -> QPixmap:
    """A small picture of a frame's tag."""
    picture = QPixmap(SWATCH_PX, SWATCH_PX)
    ground = QColor(COLOURS[look])
    picture.fill(ground)
    painter = QPainter(picture)
    painter.setPen(QColor("black" if ground.lightness() > 110 else "white"))
    painter.drawText(picture.rect(), Qt.AlignmentFlag.AlignCenter, LETTERS[look])
    painter.end()
    return picture


class TileList(QWidget):
    """What was said of tiles; a click goes there.

    Signals
    -------
    chosen(object)
        The user wants to see this `TileView`.
    take_back(object)
        The user takes it back.
    """

    chosen = Signal(object)
    take_back = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self.rows: tuple[QWidget, ...] = ()
        self._shown: tuple[TileView, ...] | None = None

    def show_tiles(self, tiles: tuple[TileView, ...]) -> None:
        """Show these; nothing is made anew if they are the same."""
        if tiles == self._shown:
            return
        self._shown = tiles
        while (item := self._layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.rows = tuple(self._row(tile) for tile in tiles)
        for row in self.rows:
            self._layout.addWidget(row)

    def _row(self, view: TileView) -> QWidget:
        row = QWidget()
        picture = QLabel()
        picture.setPixmap(swatch(look_of(view)))
        text = QToolButton()
        text.setText(f"{view.letter}: {view.what}")
        text.setToolTip(f"Said by {view.who}. Click to go there.")
        text.setAutoRaise(True)
        text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        text.clicked.connect(partial(self.chosen.emit, view))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(picture)
        layout.addWidget(text)
        layout.addStretch()
        if view.own:
            back = QToolButton()
            back.setText("✕")
            back.setToolTip("Take it back (X, while it is framed).")
            back.setAccessibleName(f"Take back: {view.letter}, {view.what}")
            back.setAutoRaise(True)
            back.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            back.clicked.connect(partial(self.take_back.emit, view))
            layout.addWidget(back)
        return row
