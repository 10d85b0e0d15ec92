"""Frames over a slide: what the experts said of tiles, the rows, and the tile in question.

Told apart by shape as well as by colour: a full line is diagnostic, a broken one looks alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen

from napari_lookalike.core.geometry import Region
from napari_lookalike.session.power import power_of, power_text
from napari_lookalike.session.twin_field import Field

Look = Literal["diagnostic", "look-alike", "disputed", "row", "chosen-row", "current"]

COLOURS: dict[Look, str] = {
    "diagnostic": "#0072B2",
    "look-alike": "#E69F00",
    "disputed": "#8A8A8A",
    "row": "#FFFFFF",
    "chosen-row": "#FFFFFF",
    "current": "#00FFD0",
}
"""Safe for colour-blind readers, and none of them a colour of an H&E stain."""

BROKEN = ("look-alike", "disputed")
OUTSIDE_PX = 5.0
"""The frame of the tile that the keys speak of lies so far outside it, screen pixels."""

BAR_PX = 140
"""The scale bar is at most so long, screen pixels."""


@dataclass(frozen=True)
class Frame:
    """A tile that is framed.

    Parameters
    ----------
    region
        The tile, level-0 pixels.
    look
        How.
    text
        A few letters in its corner; may be empty.
    """

    region: Region
    look: Look
    text: str = ""


def paint_frames(
    painter: QPainter, frames: tuple[Frame, ...], point_of: Callable[[float, float], QPointF]
) -> None:
    """Draw frames; each stands out on dark and on light tissue."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for frame in frames:
        region = frame.region
        corner = point_of(region.x, region.y)
        far = point_of(region.x + region.width, region.y + region.height)
        rect = QRectF(corner, far).normalized()  # a turned slide's corners change places
        if frame.look == "current":  # about what was said of it, and not over it
            rect = rect.adjusted(-OUTSIDE_PX, -OUTSIDE_PX, OUTSIDE_PX, OUTSIDE_PX)
        thin = frame.look in ("row", "current")
        for colour, width in ((QColor(0, 0, 0, 170), 4 if thin else 6), (_colour(frame), 2)):
            pen = QPen(colour, width if thin or width == 6 else 3)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            if frame.look in BROKEN and colour.alpha() == 255:
                pen.setDashPattern([3, 2])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
        if frame.text:
            _paint_text(painter, frame, rect)


def _colour(frame: Frame) -> QColor:
    return QColor(COLOURS[frame.look])


def _paint_text(painter: QPainter, frame: Frame, rect: QRectF) -> None:
    """A tag at the frame's upper left corner, inside it."""
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(frame.text) + 8, metrics.height() + 2
    tag = QRectF(rect.left(), rect.top(), width, height)
    ground = _colour(frame)
    painter.fillRect(tag, ground)
    painter.setPen(QColor("black" if ground.lightness() > 110 else "white"))
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, frame.text)


def paint_legend(painter: QPainter, field: Field, room: QRect) -> None:
    """A scale bar, the magnification, and how the slide lies if not as scanned; lower left."""
    length, text = scale_bar(field)[0], legend_text(field)
    metrics = QFontMetricsF(painter.font())
    width = max(length, metrics.horizontalAdvance(text)) + 16
    box = QRectF(8, room.height() - 8 - metrics.height() - 12, width, metrics.height() + 12)
    painter.fillRect(box, QColor(0, 0, 0, 150))
    painter.setPen(QColor("white"))
    painter.drawText(box.adjusted(8, 1, -4, -6), Qt.AlignmentFlag.AlignLeft, text)
    painter.fillRect(QRectF(box.left() + 8, box.bottom() - 6, length, 3), QColor("white"))


def legend_text(field: Field) -> str:
    """What stands over the scale bar ("200 µm · 10x · turned 90° right")."""
    known, lies = field.mpp is not None, field.orientation.words
    text = scale_bar(field)[1]
    text += f" · {power_text(power_of(field.pixel))}" if known else ", µm not known"
    return f"{text} · {lies[:1].lower()}{lies[1:]}" if lies else text


def scale_bar(field: Field) -> tuple[float, str]:
    """(length in screen pixels, its text): the longest round length that fits."""
    most = field.pixel * BAR_PX
    power = 10.0 ** len(str(int(most))) / 10 if most >= 1 else 0.1
    nice = max(step * power for step in (1, 2, 5) if step * power <= most or step == 1)
    unit = "px" if field.mpp is None else "µm"
    if unit == "µm" and nice >= 1000:
        return nice / field.pixel, f"{nice / 1000:g} mm"
    return nice / field.pixel, f"{nice:g} {unit}"
