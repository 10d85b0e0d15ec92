"""A press of the mouse on the map: a click, a pan, or a line round points."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import QPointF, Qt

from napari_lookalike.ui.map.geometry import rectangle

DRAG_PX = 4
Mode = Literal["", "pan", "rectangle", "lasso"]
"""What a press has become; "": a click, so far."""


def mode_of(modifiers: Qt.KeyboardModifier, *, lasso_tool: bool) -> Mode:
    """What a drag does."""
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return "rectangle"
    if lasso_tool or modifiers & Qt.KeyboardModifier.ControlModifier:
        return "lasso"
    return "pan"


class Gesture:
    """A press, in widget pixels.

    Parameters
    ----------
    at
        Where it began.
    """

    def __init__(self, at: QPointF) -> None:
        self.mode: Mode = ""
        self._start = self._last = at
        self._trail = [(at.x(), at.y())]

    @property
    def encloses(self) -> bool:
        """Whether it is a line round points."""
        return self.mode in ("rectangle", "lasso")

    @property
    def outline(self) -> list[tuple[float, float]]:
        """The corners of that line."""
        if self.mode == "rectangle":
            corners = rectangle(*self._trail[0], *self._trail[-1])
            return [(x, y) for x, y in corners.tolist()]
        return self._trail

    def is_drag(self, at: QPointF) -> bool:
        """Whether the pointer has gone too far for a click."""
        return (at - self._start).manhattanLength() >= DRAG_PX

    def move(self, at: QPointF) -> QPointF:
        """The pointer goes on; gives how far it went since the last time."""
        step, self._last = at - self._last, at
        if self.encloses:
            self._trail.append((at.x(), at.y()))
        return step
