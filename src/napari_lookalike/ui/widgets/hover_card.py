"""The card beside the pointer: a thumbnail and a few facts."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from napari_lookalike.core.signed import unbroken
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


MOST_WIDTH_PX = 420
GAP_PX = 8


class HoverCard(QFrame):
    """A frame beside a point that lets the mouse through.

    It is a window of its own, so that it may reach beyond a small parent.

    Parameters
    ----------
    parent
        Whose points; its style is used.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self._owner = parent
        self.setObjectName("LookalikeHoverCard")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
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
        """Show a card beside a rectangle of the parent, inside the screen."""
        theme = theme_of(self._owner)
        ground = theme.background.darker(135) if theme.dark else theme.background.lighter(103)
        self.setStyleSheet(
            f"#LookalikeHoverCard {{ background: {ground.name()}; border: 1px solid"
            f" {theme.faint.name()}; }}"
            "#LookalikeHoverCard QLabel { background: transparent; }"
        )
        self._picture.setVisible(card.picture is not None)
        if card.picture is not None:
            self._picture.setPixmap(card.picture)
        facts = "".join(f"<br>{escape(unbroken(line))}" for line in card.lines)
        self._text.setText(f"<b>{escape(card.title)}</b>{facts}")
        self._text.setWordWrap(False)
        self.setMinimumSize(0, 0)
        self.setMaximumSize(16777215, 16777215)
        wanted = self.sizeHint()
        if wanted.width() > MOST_WIDTH_PX:
            self._text.setWordWrap(True)
            height = max(wanted.height(), self.heightForWidth(MOST_WIDTH_PX))
            self.setFixedSize(MOST_WIDTH_PX, height)
        else:
            self.setFixedSize(wanted)
        screen = self._owner.screen()
        room = screen.availableGeometry() if screen is not None else around
        corner = self._owner.mapToGlobal(around.topLeft())
        self._place(QRect(corner, around.size()), room)
        self.show()
        self.raise_()

    def _place(self, around: QRect, room: QRect) -> None:
        """Right of the point if there is room on the screen, else left of it."""
        width, height = self.width(), self.height()
        x = around.right() + GAP_PX
        if x + width > room.right():
            x = around.left() - GAP_PX - width
        y = around.center().y() - height // 2
        self.move(
            min(max(x, room.left()), max(room.left(), room.right() - width)),
            min(max(y, room.top()), max(room.top(), room.bottom() - height)),
        )
