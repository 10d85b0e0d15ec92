"""Real events of mouse and wheel, posted to the canvas as Qt would."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication, QWidget

_MOVES = 6
_FRAME_S = 1 / 60
_NOTCH = 120  # Qt: eighths of a degree, 15 degrees a notch
_NOTHING = Qt.MouseButton.NoButton
_LEFT = Qt.MouseButton.LeftButton
_NO_KEY = Qt.KeyboardModifier.NoModifier


def canvas_widget(viewer: Any) -> QWidget:
    """The widget that the canvas draws into and hears the mouse with."""
    widgets: list[QWidget] = viewer.window._qt_window.findChildren(QWidget)
    return next(w for w in widgets if "CanvasBackend" in type(w).__name__)


def drag(canvas: QWidget, by: tuple[int, int], serve: Callable[[], None]) -> None:
    """Pull the slide by ``by`` (x, y) screen pixels, in moves a sixtieth of a second apart.

    Parameters
    ----------
    canvas
        See `canvas_widget`.
    by
        How far.
    serve
        Handles pending events; called all the while.
    """
    start = _centre(canvas) - QPointF(*by) / 2
    _mouse(canvas, QEvent.Type.MouseButtonPress, start, _LEFT, _LEFT)
    for i in range(1, _MOVES + 1):
        _mouse(canvas, QEvent.Type.MouseMove, start + QPointF(*by) * i / _MOVES, _NOTHING, _LEFT)
        _wait(serve)
    _mouse(canvas, QEvent.Type.MouseButtonRelease, start + QPointF(*by), _LEFT, _NOTHING)
    serve()


def turn_wheel(
    canvas: QWidget, at: tuple[int, int], notches: int, serve: Callable[[], None]
) -> None:
    """Turn the wheel notch by notch, the pointer ``at`` (x, y) pixels from the centre."""
    place = _centre(canvas) + QPointF(*at)
    for _ in range(abs(notches)):
        turn = QPoint(0, _NOTCH if notches > 0 else -_NOTCH)
        event = QWheelEvent(
            place,
            QPointF(canvas.mapToGlobal(place.toPoint())),
            QPoint(0, 0),
            turn,
            _NOTHING,
            _NO_KEY,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.postEvent(canvas, event)
        _wait(serve)


def _centre(canvas: QWidget) -> QPointF:
    return QPointF(canvas.width() / 2, canvas.height() / 2)


def _mouse(canvas: QWidget, kind: Any, place: QPointF, button: Any, buttons: Any) -> None:
    there = QPointF(canvas.mapToGlobal(place.toPoint()))
    QApplication.postEvent(canvas, QMouseEvent(kind, place, there, button, buttons, _NO_KEY))


def _wait(serve: Callable[[], None]) -> None:
    until = time.perf_counter() + _FRAME_S
    while time.perf_counter() < until:
        serve()
        time.sleep(0.001)
