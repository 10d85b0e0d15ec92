"""The map as a widget: pan, zoom, hover, open, select, by mouse and by keyboard.

Mouse: drag moves the map, the wheel zooms, a click asks to open, Ctrl or Shift and a click
select; Shift and a drag select a rectangle, Ctrl and a drag (or the lasso tool) select freely.
Keyboard: arrows go from point to point, Return opens, Space selects, + and - zoom, F or Home
shows all, Escape selects none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_lookalike.ui.map.finding import enclosed, hit, neighbour
from napari_lookalike.ui.map.geometry import MAX_ZOOM, View, fitted
from napari_lookalike.ui.map.gesture import Gesture, mode_of
from napari_lookalike.ui.map.marks import PictureOf
from napari_lookalike.ui.map.picture import MapPainter
from napari_lookalike.ui.map.scene import Scene, same, same_plane
from napari_lookalike.ui.widgets.hover_card import Card, HoverCard
from napari_lookalike.ui.widgets.palette import theme_of

REACH_PX = 10.0
_ADD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Scatter(QWidget):
    """Points on a plane.

    Parameters
    ----------
    card_of
        Key -> what the card beside the pointer says; ``None`` = no card.
    picture_of
        Key -> thumbnail that takes the place of its dot where few are in view.

    Further keys of its owner are in `keys`.

    Signals
    -------
    opened(str)
        The user asks to open a point.
    selection_requested(tuple)
        The user asks for these keys to be selected, in this order.
    """

    opened = Signal(str)
    selection_requested = Signal(tuple)

    def __init__(
        self,
        card_of: Callable[[str], Card | None] | None = None,
        picture_of: PictureOf | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.scene = Scene()
        self.lasso_tool = False
        self.keys: dict[Qt.Key, Callable[[], object]] = {}
        self.painter = MapPainter(picture_of)
        self._card_of = card_of
        self._card = HoverCard(self)
        self.corner = QLabel(self)
        self.corner.move(6, 4)
        self.corner.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.corner.setStyleSheet("background: transparent;")
        self._view = View(size=(float(self.width()), float(self.height())))
        self._fit = self._view
        self._touched = False
        self._still: QPixmap | None = None
        self._hover: int | None = None
        self._cursor: int | None = None
        self._gesture: Gesture | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 80)
        self.setAccessibleName("Map of slides")
        self.setAccessibleDescription(__doc__ or "")

    # ---- what is shown

    @property
    def view(self) -> View:
        """Which part of the plane is seen."""
        return self._view

    @property
    def zoomed(self) -> float:
        """How much nearer the view is than when all is seen."""
        return self._view.scale / self._fit.scale

    def sizeHint(self) -> QSize:
        return QSize(360, 320)

    def show_scene(self, scene: Scene) -> None:
        """Show a scene; the view moves only if other coordinates are shown."""
        if same(scene, self.scene):
            return
        moved = not same_plane(scene, self.scene)
        key = self.scene.keys[self._cursor] if self._cursor is not None else ""
        self.scene = scene
        self._cursor = scene.index.get(key)
        if moved or self._hover is not None:
            self._set_hover(None)
        if moved:
            self.reset_view()
        self.redraw()

    def show_card_again(self, key: str) -> None:
        """What the card says of a point has changed: show it anew if it is the one hovered."""
        row = self._hover
        if row is not None and self._card.isVisible() and self.scene.keys[row] == key:
            self._show_card(row)

    def set_corner_text(self, text: str) -> None:
        """A note in the upper left corner, above the points."""
        self.corner.setText(text)
        self.corner.adjustSize()

    def reset_view(self) -> None:
        """Show all points."""
        self._touched = False
        self._view = self._fit = fitted(self.scene.extent, (self.width(), self.height()))
        self.redraw()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom in (factor above 1) or out, around a widget pixel or the middle."""
        at = at or QPointF(self.width() / 2, self.height() / 2)
        scale = self._view.scale * factor
        if self._fit.scale / 4 <= scale <= self._fit.scale * MAX_ZOOM:
            self._touched = True
            self._view = self._view.zoomed(factor, at.x(), at.y())
            self.redraw()

    def point_at(self, key: str) -> QPoint:
        """Where a point is drawn, widget pixels."""
        row = self.scene.index[key]
        x, y = self._view.to_screen(self.scene.points[row : row + 1])[0].tolist()
        return QPoint(round(x), round(y))

    def key_at(self, at: QPointF) -> str | None:
        """The point under a widget pixel."""
        row = self._hit(at)
        return None if row is None else self.scene.keys[row]

    # ---- drawing

    def redraw(self) -> None:
        """Paint anew: something that the scene does not say has changed."""
        self._still = None
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.redraw()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._touched:
            self._view = self._view.resized(self.width(), self.height())
            self._fit = fitted(self.scene.extent, (self.width(), self.height()))
            self.redraw()
        else:
            self.reset_view()
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, ratio = theme_of(self), self.devicePixelRatioF()
        if self._still is None:
            self._still = QPixmap(self.size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(theme.background)
            still = QPainter(self._still)
            self.painter.paint(still, self.scene, self._view, self.zoomed, theme, ratio)
            still.end()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.text if self.hasFocus() else theme.faint, 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        for row, style in (
            (self._hover, Qt.PenStyle.SolidLine),
            (self._cursor, Qt.PenStyle.DashLine),
        ):
            if row is not None and (style is Qt.PenStyle.SolidLine or self.hasFocus()):
                painter.setPen(QPen(theme.text, 1.5, style))
                reach = self.painter.radius + 2.5
                painter.drawEllipse(QPointF(self.point_at(self.scene.keys[row])), reach, reach)
        if self._gesture is not None and self._gesture.encloses:
            fill = QColor(theme.text)
            fill.setAlpha(30)
            painter.setPen(QPen(theme.text, 1, Qt.PenStyle.DashLine))
            painter.setBrush(fill)
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in self._gesture.outline]))

    # ---- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._gesture = Gesture(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, gesture = event.position(), self._gesture
        if gesture is None:
            self._set_hover(self._hit(at))
            return
        if not gesture.mode and gesture.is_drag(at):
            gesture.mode = mode_of(event.modifiers(), lasso_tool=self.lasso_tool)
            self._set_hover(None)
        step = gesture.move(at)
        if gesture.mode == "pan":
            self._touched = True
            self._view = self._view.panned(step.x(), step.y())
            self.redraw()
        elif gesture.mode:
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        gesture = self._gesture
        if gesture is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._gesture = None
        if gesture.encloses:
            rows = enclosed(self.scene, self._view, np.array(gesture.outline))
            self.selection_requested.emit(tuple(self.scene.keys[row] for row in rows.tolist()))
        elif not gesture.mode:
            self._click(event.position(), event.modifiers())
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hover(None)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.Hide):
            self._set_hover(None)  # the card is a window, and would stay
        elif event.type() == QEvent.Type.ShortcutOverride and self._act_of(event) is not None:
            event.accept()  # with the focus here, a key is ours even if the window has it too
            return True
        return bool(super().event(event))

    def _act_of(self, event: QEvent) -> Callable[[], object] | None:
        if not isinstance(event, QKeyEvent):
            return None
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return None
        return self.keys.get(Qt.Key(event.key()))

    def _click(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        row = self._hit(at)
        if row is None:
            return
        self._cursor = row
        if modifiers & _ADD:
            self._toggle(self.scene.keys[row])
        else:
            self.opened.emit(self.scene.keys[row])

    def _toggle(self, key: str) -> None:
        """Select a point too, or no longer; a third one takes the place of the second."""
        selected = self.scene.selected
        if key in selected:
            wanted = tuple(k for k in selected if k != key)
        else:
            wanted = (*selected[:1], key) if len(selected) == 2 else (*selected, key)
        self.selection_requested.emit(wanted)

    def _hit(self, at: QPointF) -> int | None:
        reach = max(REACH_PX, self.painter.radius + 3)
        return hit(self.scene, self._view, at.x(), at.y(), reach)

    def _set_hover(self, row: int | None) -> None:
        if row == self._hover and (row is None or self._card.isVisible()):
            return
        self._hover = row
        self._show_card(row)
        self.update()

    def _show_card(self, row: int | None) -> None:
        card = self._card_of(self.scene.keys[row]) if row is not None and self._card_of else None
        if card is None or row is None:
            self._card.hide()
        else:
            at = self.point_at(self.scene.keys[row])
            self._card.show_beside(card, QRect(at - QPoint(8, 8), QSize(16, 16)))

    # ---- keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, act = Qt.Key(event.key()), self._act_of(event)
        if act is not None:
            act()
        elif key in _ARROWS and self.scene.keys:
            self._move_cursor(*_ARROWS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cursor is not None:
            self.opened.emit(self.scene.keys[self._cursor])
        elif key == Qt.Key.Key_Space and self._cursor is not None:
            self._toggle(self.scene.keys[self._cursor])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1 / 1.3 if key == Qt.Key.Key_Minus else 1.3)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_F):
            self.reset_view()
        elif key == Qt.Key.Key_Escape and self.scene.selected:
            self.selection_requested.emit(())
        else:
            super().keyPressEvent(event)

    def _move_cursor(self, dx: int, dy: int) -> None:
        if self._cursor is None:
            self._cursor = self.scene.index.get(self.scene.current or "", 0)
        else:
            self._cursor = neighbour(self.scene, self._view, self._cursor, dx, dy)
        self._set_hover(self._cursor)
