"""What an expert's hands do in a twin review."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.hard_negatives.table import HardNegativeTable

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
WAIT = 30_000


def press(review, key, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(review, key, modifiers)


def used(session):
    tiles = HardNegativeTable(session.project.table_path).evidence()
    return [t for t in tiles if t.status == "active"]


def centre_of(region):
    return region.x + region.width / 2, region.y + region.height / 2


def hover(review, i, region):
    """Bring the pointer over a tile that is in sight."""
    pane = review.panes.panes[i]
    at = pane.point_of(*centre_of(region)).toPoint()
    assert pane.rect().contains(at)
    move(pane, at)
    assert review.panes.current == (i, region)


def move(widget, at, held=Qt.MouseButton.NoButton):
    """The pointer moves there. QTest moves the real one, whose own events come late or never."""
    at, button = QPointF(at), Qt.MouseButton.NoButton
    none = Qt.KeyboardModifier.NoModifier
    there = QPointF(widget.mapToGlobal(at))
    event = QMouseEvent(QEvent.Type.MouseMove, at, there, button, held, none)
    QApplication.sendEvent(widget, event)


def wheel(pane, notches, at=None):
    at = QPointF(pane.rect().center()) if at is None else at
    event = QWheelEvent(
        at,
        QPointF(pane.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)
