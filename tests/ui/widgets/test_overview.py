"""The overview's geometry, and what a click on it asks for."""

from __future__ import annotations

from itertools import product

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QPixmap
from qtpy.QtTest import QTest

from napari_lookalike.core.geometry import Region
from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.ui.widgets.overview import (
    FAILED,
    LINE,
    NOTHING,
    SMALLEST,
    WAITING,
    Overview,
)

EVERY = [Orientation(*flags) for flags in product((False, True), repeat=3)]


@pytest.fixture
def overview(qtbot):
    widget = Overview()
    qtbot.addWidget(widget)
    widget.resize(300, 200)
    widget.show_slide((3000, 1000))
    return widget


@pytest.mark.parametrize("orientation", EVERY)
def test_places_go_there_and_back(overview, orientation):
    overview.show_field(Region(0, 0, 300, 100), orientation)
    for place in ((0, 0), (3000, 1000), (700, 900)):
        at = overview.to_widget(*place)
        assert overview.to_slide(at) == pytest.approx(place)
        assert overview.rect().adjusted(-1, -1, 1, 1).contains(at.toPoint())


def test_the_frame_lies_where_the_field_lies(overview):
    overview.show_field(Region(1500, 500, 750, 250), UPRIGHT)
    frame = overview.field_rect()
    assert (frame.x(), frame.y(), frame.width(), frame.height()) == (150, 100, 75, 25)
    overview.show_field(Region(1500, 500, 750, 250), UPRIGHT.turned(2))
    frame = overview.field_rect()
    assert (frame.right(), frame.bottom()) == (150, 100)


def test_a_tiny_field_can_still_be_seen(overview):
    overview.show_field(Region(1500, 500, 2, 2), UPRIGHT)
    frame = overview.field_rect()
    assert frame.width() >= SMALLEST
    assert frame.center().x() == pytest.approx(150.1)


@pytest.mark.parametrize("orientation", EVERY)
def test_the_picture_is_laid_as_the_slide_is(overview, orientation):
    picture = QPixmap(300, 100)
    picture.fill(QColor("white"))
    corner = QPixmap(30, 20)
    corner.fill(QColor("red"))
    from qtpy.QtGui import QPainter

    painter = QPainter(picture)
    painter.drawPixmap(0, 0, corner)
    painter.end()
    overview.show_picture(picture)
    overview.show_field(None, orientation)
    image = overview.grab().toImage()
    at = overview.to_widget(100, 60).toPoint()
    assert QColor(image.pixel(at)).name() == "#ff0000"
    at = overview.to_widget(2900, 940).toPoint()
    assert QColor(image.pixel(at)).name() == "#ffffff"


def test_the_frame_is_drawn(overview):
    picture = QPixmap(300, 100)
    picture.fill(QColor("white"))
    overview.show_picture(picture)
    overview.show_field(Region(1000, 250, 1000, 500), UPRIGHT)
    image = overview.grab().toImage()
    edge = overview.field_rect().topLeft().toPoint() + QPoint(20, 0)
    assert QColor(image.pixel(edge)).name() == LINE.name()


def test_a_click_and_a_drag_ask_for_places(qtbot, overview):
    asked = []
    overview.move_requested.connect(lambda x, y: asked.append((x, y)))
    left = Qt.MouseButton.LeftButton
    QTest.mouseClick(overview, left, pos=QPoint(150, 100))
    assert asked == [pytest.approx((1500, 500))]
    QTest.mouseClick(overview, Qt.MouseButton.RightButton, pos=QPoint(15, 100))
    assert len(asked) == 1
    assert overview.to_slide(QPointF(-50, 900)) == pytest.approx((0, 1000))  # kept within
    overview.show_slide((0, 0))
    QTest.mouseClick(overview, left, pos=QPoint(150, 100))
    assert len(asked) == 1
    assert overview.field_rect() is None
    overview.grab()  # draws without a slide too


def test_it_says_that_there_is_no_picture_and_moves_the_view_all_the_same(qtbot, overview):
    assert overview.words == WAITING
    overview.show_failure()
    assert overview.words == FAILED
    overview.show_field(Region(1500, 500, 750, 250), UPRIGHT)
    assert QColor(overview.grab().toImage().pixel(150, 112)).name() == LINE.name()
    with qtbot.waitSignal(overview.move_requested):
        QTest.mouseClick(overview, Qt.MouseButton.LeftButton, pos=QPoint(30, 120))
    overview.show_slide((100, 100))
    assert overview.words == WAITING
    overview.show_slide((0, 0))
    assert overview.words == NOTHING
