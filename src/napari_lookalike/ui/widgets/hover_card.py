"""The card beside the pointer: a thumbnail and a few facts."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from napari_lookalike.ui.widgets.palette import theme_of


@dataclass(frozen=True)
class Card:
    """What a card says.

    Parameters
    ----------
    title
        In bold.
    lines
        Facts, one per line.
    picture
        A thumbnail, or ``None``.
    """

    title: str
    lines: tuple[str, ...] = ()
    picture: QPixmap | None = None


class HoverCard(QFrame):
    """A frame that lies inside its parent, beside a point, and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._owner = parent
        self.setObjectName("LookalikeHoverCard")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture, self._text = QLabel(), QLabel()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 6, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._text, 1, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_beside(self, card: Card, around: QRect) -> None:
        """Show a card beside a rectangle of the parent, inside the parent."""
        theme = theme_of(self._owner)
        ground = theme.background.darker(135) if theme.dark else theme.background.lighter(103)
        self.setStyleSheet(
            f"#LookalikeHoverCard {{ background: {ground.name()}; border: 1px solid"
            f" {theme.faint.name()}; border-radius: 4px; }}"
            "#LookalikeHoverCard QLabel { background: transparent; }"
        )
        self._picture.setVisible(card.picture is not None)
        if card.picture is not None:
            self._picture.setPixmap(card.picture)
        facts = "".join(f"<br>{escape(line)}" for line in card.lines)
        self._text.setText(f"<b>{escape(card.title)}</b>{facts}")
        self._text.setWordWrap(False)
        room = self._owner.rect().adjusted(3, 3, -3, -3)
        wanted = self.sizeHint()
        if wanted.width() > room.width():
            self._text.setWordWrap(True)
            self.setMaximumWidth(room.width())
            self.setFixedHeight(max(wanted.height(), self.heightForWidth(room.width())))
            self.resize(room.width(), self.height())
        else:
            self.setMinimumSize(0, 0)
            self.setMaximumSize(16777215, 16777215)
            self.resize(wanted)
        self._place(around, room)
        self.show()
        self.raise_()

    def _place(self, around: QRect, room: QRect) -> None:
        """Right of the point, else left, else above or below it, never outside the parent."""
        width, height = self.width(), self.height()
        top = min(max(around.center().y() - height // 2, room.top()), room.bottom() - height)
        if around.right() + width <= room.right():
            self.move(around.right(), top)
        elif around.left() - width >= room.left():
            self.move(around.left() - width, top)
        else:
            above = around.top() - height
            y = above if above >= room.top() else min(around.bottom(), room.bottom() - height)
            x = min(max(around.center().x() - width // 2, room.left()), room.right() - width)
            self.move(max(x, room.left()), max(y, room.top()))
