"""How a row of the list of cases is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QStyle, QStyleOptionViewItem, QWidget

from napari_lookalike.session.case_filter import REVIEWED
from napari_lookalike.session.case_rows import CaseGroup, CaseRow
from napari_lookalike.ui.widgets.case_list import (
    ITEM,
    LETTER,
    OPEN,
    CaseModel,
    MeasuredDelegate,
    percent,
    state_words,
)
from napari_lookalike.ui.widgets.palette import Theme, theme_of
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures

PAD = 4
BAR = 4
PICTURE_PX = 40
TROUBLE = ("failed", "file missing", "not embedded")
NOT_LABELLED = "not labelled"


@dataclass(frozen=True)
class _Pen:
    """What a row is drawn with."""

    painter: QPainter
    theme: Theme
    fonts: tuple[QFont, QFont, QFont]

    @property
    def faint(self) -> QColor:
        """Text that stands back but can still be read."""
        colour = QColor(self.theme.text)
        colour.setAlphaF(0.72)
        return colour

    def text(
        self, room: QRect, text: str, font: QFont, colour: QColor, *, right: bool = False
    ) -> int:
        """Draw a line, elided in the middle where it does not fit; its width."""
        metrics = QFontMetrics(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(room.width(), 0))
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        self.painter.setFont(font)
        self.painter.setPen(colour)
        self.painter.drawText(room, int(side | Qt.AlignmentFlag.AlignVCenter), shown)
        return metrics.horizontalAdvance(shown)


class CaseDelegate(MeasuredDelegate):
    """Draws patients as headings, and slides with thumbnail, label, prediction and state.

    Right and wrong are a tick and a cross besides their colour.

    Parameters
    ----------
    pictures
        The thumbnails.
    model
        What is listed.
    parent
        The list.
    """

    def __init__(self, pictures: SlidePictures, model: CaseModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._owner, self._model = parent, model
        self.measure()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return self._sizes[self._model.is_heading(index.row())]

    def measure(self) -> None:
        """Work out how high a slide and a heading are. `sizeHint` is asked for every row."""
        normal, _bold, small = _fonts(self._owner.font())
        line = QFontMetrics(normal).height()
        heading = QSize(50, QFontMetrics(small).height() + 2 * PAD)
        self._sizes = QSize(50, 3 * line + 2 * PAD), heading

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        item, room = index.data(ITEM), QRect(option.rect)
        painter.save()
        painter.setClipRect(room)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = _Pen(painter, theme_of(self._owner), _fonts(self._owner.font()))
        if isinstance(item, CaseGroup):
            _paint_group(pen, room, item)
        elif isinstance(item, CaseRow):
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            _paint_ground(pen, room, opened=bool(index.data(OPEN)), selected=selected)
            side = min(room.height() - 2 * PAD, PICTURE_PX)
            top = room.top() + (room.height() - side) // 2
            place = QRect(room.left() + BAR + PAD - 1, top, side, side)
            self._paint_picture(pen, place, item.slide_id, index.data(LETTER))
            text = room.adjusted(BAR + side + 2 * PAD + 1, PAD, -PAD - 2, -PAD)
            _paint_row(pen, text, item, patient=not self._model.by_patient)
        painter.restore()

    def _paint_picture(self, pen: _Pen, place: QRect, slide_id: str, letter: str) -> None:
        painter = pen.painter
        picture = self._pictures.get(slide_id, place.width(), self._owner.devicePixelRatioF())
        if picture is None:
            painter.setPen(QPen(pen.theme.faint, 1.0, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(0, 0, -1, -1))
        else:
            size = picture.deviceIndependentSize()
            left = place.left() + (place.width() - size.width()) / 2
            top = place.top() + (place.height() - size.height()) / 2
            painter.drawPixmap(QPointF(left, top), picture)
        if letter:
            badge = QRect(place.left(), place.top(), 15, 15)
            painter.fillRect(badge, pen.theme.text)
            painter.setPen(pen.theme.background)
            painter.setFont(pen.fonts[1])
            painter.drawText(badge, int(Qt.AlignmentFlag.AlignCenter), letter)


def _fonts(base: QFont) -> tuple[QFont, QFont, QFont]:
    """Normal, bold and small, after the widget's own font."""
    normal, bold, small = QFont(base), QFont(base), QFont(base)
    bold.setBold(True)
    if base.pointSizeF() > 0:
        small.setPointSizeF(base.pointSizeF() * 0.9)
    else:
        small.setPixelSize(max(round(base.pixelSize() * 0.9), 9))
    return normal, bold, small


def _paint_group(pen: _Pen, room: QRect, group: CaseGroup) -> None:
    small = QFont(pen.fonts[2])
    small.setBold(True)
    inner = room.adjusted(PAD, 0, -PAD - 2, 0)
    width = pen.text(inner, group.title, small, pen.theme.text)
    if group.probability is not None and len(group.rows) > 1:
        case = f"case: {group.prediction} {percent(group.probability)}"
        rest = inner.adjusted(width + 3 * PAD, 0, 0, 0)
        pen.text(rest, case, pen.fonts[2], pen.faint, right=True)
    pen.painter.setPen(pen.theme.faint)
    pen.painter.drawLine(room.bottomLeft(), room.bottomRight())


def _paint_ground(pen: _Pen, room: QRect, *, opened: bool, selected: bool) -> None:
    accent = QColor("#56B4E9") if pen.theme.dark else QColor("#0072B2")
    if opened:
        ground = QColor(accent)
        ground.setAlphaF(0.22)
        pen.painter.fillRect(room, ground)
        pen.painter.fillRect(QRect(room.left(), room.top(), BAR, room.height()), accent)
    if selected:
        pen.painter.setPen(QPen(accent, 1.5))
        pen.painter.setBrush(Qt.BrushStyle.NoBrush)
        pen.painter.drawRect(QRectF(room).adjusted(1, 1, -1, -1))


def _paint_row(pen: _Pen, room: QRect, row: CaseRow, *, patient: bool) -> None:
    normal, bold, small = pen.fonts
    third = room.height() // 3
    lines = [QRect(room.left(), room.top() + i * third, room.width(), third) for i in range(3)]
    state = state_words(row)
    trouble = row.state.startswith(TROUBLE)
    colour = pen.theme.warning if trouble else pen.faint
    # The slide_id yields to the state, but never below half of the row.
    half = lines[0].adjusted(room.width() // 2, 0, 0, 0)
    taken = pen.text(half, state, small, colour, right=True)
    if row.review == REVIEWED:
        taken += _tick(pen, QPointF(half.right() - taken - 7, half.center().y()), pen.faint)
    pen.text(lines[0].adjusted(0, 0, -taken - 2 * PAD, 0), row.slide_id, bold, pen.theme.text)
    label_colour = pen.theme.text if row.label else pen.faint
    extra = [row.patient] if patient else []
    if row.marks:
        extra.append("1 pair" if row.marks == 1 else f"{row.marks} pairs")
    taken = pen.text(half.translated(0, third), " · ".join(extra), small, pen.faint, right=True)
    label = lines[1].adjusted(0, 0, -taken - 2 * PAD if extra else 0, 0)
    pen.text(label, row.label or NOT_LABELLED, normal, label_colour)
    _paint_prediction(pen, lines[2], row)


def _paint_prediction(pen: _Pen, room: QRect, row: CaseRow) -> None:
    normal = pen.fonts[0]
    if row.probability is None:
        pen.text(room, "no prediction", normal, pen.faint)
        return
    sign = QPointF(room.left() + 5, room.center().y() + 0.5)
    colour = pen.theme.text
    if row.verdict == "correct":
        _tick(pen, sign, pen.theme.good)
    elif row.verdict == "wrong":
        colour = pen.theme.warning
        _cross(pen, sign, colour)
    else:
        pen.text(QRect(room.left(), room.top(), 12, room.height()), "→", normal, pen.faint)
    number = percent(row.probability) + (" · unlike" if row.unlike else "")
    taken = QFontMetrics(normal).horizontalAdvance(number)
    pen.text(room, number, normal, colour, right=True)
    rest = room.adjusted(15, 0, -taken - 2 * PAD, 0)
    # A long name is drawn smaller before it is elided.
    fits = QFontMetrics(normal).horizontalAdvance(row.prediction) <= rest.width()
    pen.text(rest, row.prediction, normal if fits else pen.fonts[2], colour)


def _tick(pen: _Pen, centre: QPointF, colour: QColor) -> int:
    pen.painter.setPen(QPen(colour, 2.0, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
    points = (QPointF(-4, 0), QPointF(-1, 3.5), QPointF(4.5, -4))
    pen.painter.drawPolyline(QPolygonF([centre + p for p in points]))
    return 14


def _cross(pen: _Pen, centre: QPointF, colour: QColor) -> None:
    pen.painter.setPen(QPen(colour, 2.0, c=Qt.PenCapStyle.RoundCap))
    for y in (3.5, -3.5):
        pen.painter.drawLine(centre + QPointF(-3.5, -y), centre + QPointF(3.5, y))
