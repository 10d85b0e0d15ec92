"""How large text is: napari's own setting, in steps, and small text that follows it."""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from napari.settings import get_settings
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QWidget

NORMAL, LEAST, MOST = 9, 7, 20
"""Points; the first is napari's default, and it takes no more than the last."""


def text_points() -> int:
    """Size of text now, in points."""
    return int(get_settings().appearance.font_size)


def scaled(points: float) -> float:
    """Points of text that is of this size where text is of normal size."""
    return points * text_points() / NORMAL


def change_text(by: int) -> int:
    """Make text larger or smaller in all panels, and keep it so; 0 = as at first.

    Returns
    -------
    int
        The size now, in points.
    """
    points = min(max(text_points() + by, LEAST), MOST) if by else NORMAL
    get_settings().appearance.font_size = points
    return points


def small_text(widget: QWidget, points: float, rest: str = "") -> None:
    """Give a widget text of this size where text is of normal size, and in proportion else.

    Parameters
    ----------
    widget
        Its own style sheet is replaced.
    points
        Size where `text_points` is `NORMAL`.
    rest
        What else its style sheet says, without the size.
    """
    _small[widget] = points, rest
    _follow()
    _apply(widget, points, rest)


def follow_text(panel: QWidget) -> None:
    """Give all of a panel the size of text that napari gives its labels and buttons only.

    Tables, fields, and what we draw ourselves, take the panel's font.
    """
    _panels.add(panel)
    _follow()
    _fit(panel)


def _fit(panel: QWidget) -> None:
    font = QFont()
    font.setPointSize(text_points())
    panel.setFont(font)  # of it only the size counts, since nothing else was chosen


_panels: weakref.WeakSet[QWidget] = weakref.WeakSet()
_small: weakref.WeakKeyDictionary[QWidget, tuple[float, str]] = weakref.WeakKeyDictionary()
_following: list[bool] = []


def _follow() -> None:
    if not _following:
        _following.append(True)
        get_settings().appearance.events.font_size.connect(_changed)


def _changed(_event: Any = None) -> None:
    for widget, (points, rest) in list(_small.items()):
        with contextlib.suppress(RuntimeError):  # deleted by Qt
            _apply(widget, points, rest)
    for panel in list(_panels):
        with contextlib.suppress(RuntimeError):
            _fit(panel)


def _apply(widget: QWidget, points: float, rest: str) -> None:
    widget.setStyleSheet(f"font-size: {scaled(points):.1f}pt; {rest}")
