"""A scroll area without a frame, for what may be higher than its panel."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget


def scrolled(
    content: QWidget, *, along: Qt.Orientation | None = Qt.Orientation.Vertical
) -> QScrollArea:
    """Give a scroll area without a frame that holds `content` and follows its size.

    Parameters
    ----------
    content
        What it holds.
    along
        The direction in which it scrolls: the other bar never shows. None: either may.
    """
    area = QScrollArea()
    without_frame(area, along=along)
    area.setWidget(content)
    return area


def without_frame(
    area: QScrollArea, *, along: Qt.Orientation | None = Qt.Orientation.Vertical
) -> None:
    """Set up a scroll area of a kind of its own as `scrolled` does."""
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
    if along == Qt.Orientation.Vertical:
        area.setHorizontalScrollBarPolicy(off)
    elif along == Qt.Orientation.Horizontal:
        area.setVerticalScrollBarPolicy(off)
