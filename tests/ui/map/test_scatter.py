"""The scatter as a user meets it: click, Ctrl-click, drag, wheel, keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_lookalike.ui.map.geometry import (
    View,
    fitted,
    inside_polygon,
    nearest,
    next_in_direction,
)
from napari_lookalike.ui.map.scatter import Scatter
from napari_lookalike.ui.map.scene import Dots, PairLine, Places, Scene
from napari_lookalike.ui.widgets.hover_card import Card

KEYS = ("a", "b", "c", "d")
POINTS = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
PLACES = Places(KEYS, POINTS)
RED, BLUE = "#ff0000", "#0000ff"
LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def scene(**more) -> Scene:
    only = more.pop("only", None)
    dots = Dots(PLACES, np.array([0, 0, 1, 1]), (RED, BLUE), np.arange(4), only)
    return Scene(dots, **more)


@pytest.fixture
def scatter(qtbot):
    widget = Scatter(lambda key: Card(f"slide {key}", ("a fact",)))
    qtbot.addWidget(widget)
    widget.resize(300, 300)
    widget.show_scene(scene())
    widget.show()
    return widget


def drag(qtbot, widget, start, end, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mousePress(widget, LEFT, modifier, start)
    for step in (0.2, 0.6, 1.0):
        at = QPointF(start) + (QPointF(end) - QPointF(start)) * step
        event_at(widget, at, modifier)
    qtbot.mouseRelease(widget, LEFT, modifier, end)


def event_at(widget, at, modifier):
    event = QMouseEvent(QEvent.Type.MouseMove, at, widget.mapToGlobal(at), LEFT, LEFT, modifier)
    QApplication.sendEvent(widget, event)


def move(widget, at):
    """The pointer passes over a place; the real one stays where it is."""
    none, plain = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    at = QPointF(at)
    event = QMouseEvent(QEvent.Type.MouseMove, at, widget.mapToGlobal(at), none, none, plain)
    QApplication.sendEvent(widget, event)


def colour_near(image, at, radius=4):
    """The colours within some pixels of a place."""
    spots = range(-radius, radius + 1)
    return {image.pixelColor(at.x() + i, at.y() + j).name() for i in spots for j in spots}


def test_points_are_drawn_where_they_are_said_to_be(scatter):
    image = scatter.grab().toImage()
    assert RED in colour_near(image, scatter.point_at("a"))
    assert BLUE in colour_near(image, scatter.point_at("c"))
    assert BLUE not in colour_near(image, scatter.point_at("b"), 8)


def test_up_is_up(scatter):
    assert scatter.point_at("d").y() < scatter.point_at("a").y()
    assert scatter.point_at("b").x() > scatter.point_at("a").x()


def test_many_points_are_drawn_too(qtbot):
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.resize(200, 200)
    n = 5000
    points = np.random.default_rng(0).normal(size=(n, 2))
    widget.show_scene(
        Scene(Dots(Places(tuple(map(str, range(n))), points), np.arange(n) % 2, (RED, BLUE)))
    )
    image = widget.grab().toImage()
    red = [image.pixelColor(x, y) for x in range(60, 140, 4) for y in range(60, 140, 4)]
    assert any(c.red() > 150 > c.blue() for c in red)


def test_click_opens(qtbot, scatter):
    with qtbot.waitSignal(scatter.opened) as opened:
        qtbot.mouseClick(scatter, LEFT, pos=scatter.point_at("c"))
    assert opened.args == ["c"]


def test_click_beside_opens_nothing(qtbot, scatter):
    with qtbot.assertNotEmitted(scatter.opened):
        qtbot.mouseClick(scatter, LEFT, pos=QPoint(150, 150))


@pytest.mark.parametrize("modifier", [CTRL, SHIFT])
def test_modified_clicks_select_two(qtbot, scatter, modifier):
    scatter.selection_requested.connect(lambda keys: scatter.show_scene(scene(selected=keys)))
    for key in ("a", "c", "d", "a"):
        qtbot.mouseClick(scatter, LEFT, modifier, scatter.point_at(key))
    # c was replaced by d, and a was taken away again
    assert scatter.scene.selected == ("d",)


def test_drag_moves_the_map_and_selects_nothing(qtbot, scatter):
    before = scatter.point_at("a")
    with qtbot.assertNotEmitted(scatter.opened):
        drag(qtbot, scatter, QPoint(150, 150), QPoint(180, 140))
    moved = scatter.point_at("a") - before
    assert (moved.x(), moved.y()) == (30, -10)
    scatter.reset_view()
    assert scatter.point_at("a") == before


def test_shift_drag_selects_a_rectangle(qtbot, scatter):
    a, b = scatter.point_at("a"), scatter.point_at("b")
    with qtbot.waitSignal(scatter.selection_requested) as asked:
        drag(qtbot, scatter, a - QPoint(10, 10), b + QPoint(10, 10), SHIFT)
    assert asked.args == [("a", "b")]


def test_the_lasso_tool_selects_what_it_encloses(qtbot, scatter):
    scatter.lasso_tool = True
    a, b, c = (QPointF(scatter.point_at(k)) for k in "abc")
    path = [a + QPointF(-12, 12), b + QPointF(12, 12), c + QPointF(12, -12)]
    qtbot.mousePress(scatter, LEFT, pos=path[0].toPoint())
    for at in path:
        event_at(scatter, at, Qt.KeyboardModifier.NoModifier)
    with qtbot.waitSignal(scatter.selection_requested) as asked:
        qtbot.mouseRelease(scatter, LEFT, pos=path[-1].toPoint())
    assert set(asked.args[0]) == {"a", "b", "c"}


def test_the_wheel_zooms_around_the_pointer(scatter):
    at = scatter.point_at("c")
    far = scatter.point_at("a")
    event = QWheelEvent(
        QPointF(at),
        QPointF(scatter.mapToGlobal(at)),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(scatter, event)
    assert (scatter.point_at("c") - at).manhattanLength() <= 2
    assert (scatter.point_at("a") - at).manhattanLength() > (far - at).manhattanLength()


def test_zoom_has_an_end(scatter):
    for _ in range(200):
        scatter.zoom(1.5)
    assert np.isfinite(scatter.view.scale)
    assert scatter.view.scale < 1e6


def test_hover_shows_the_card_beside_the_point(qtbot, scatter):
    move(scatter, scatter.point_at("b"))
    card = scatter._card
    assert card.isVisible()
    assert "slide b" in card._text.text()
    assert scatter.screen().geometry().contains(card.geometry())
    assert not card.geometry().contains(scatter.mapToGlobal(scatter.point_at("b")))
    scatter._set_hover(None)
    assert not card.isVisible()


def test_the_card_of_a_narrow_map_is_read_in_full(qtbot):
    widget = Scatter(lambda key: Card("slide with a long name", ("fact " * 12,) * 3))
    qtbot.addWidget(widget)
    widget.resize(200, 200)
    widget.show_scene(scene())
    widget.show()
    widget._set_hover(2)
    card = widget._card
    assert card.height() >= card._text.heightForWidth(card._text.width())
    widget.hide()
    assert not card.isVisible()


def test_keys_walk_open_and_select(qtbot, scatter):
    asked, opened = [], []
    scatter.selection_requested.connect(asked.append)
    scatter.opened.connect(opened.append)
    qtbot.keyClick(scatter, Qt.Key.Key_Right)  # starts at the first point
    qtbot.keyClick(scatter, Qt.Key.Key_Right)
    qtbot.keyClick(scatter, Qt.Key.Key_Return)
    qtbot.keyClick(scatter, Qt.Key.Key_Up)
    qtbot.keyClick(scatter, Qt.Key.Key_Space)
    assert opened == ["b"]
    assert asked == [("c",)]


def test_escape_clears_the_selection(qtbot, scatter):
    scatter.show_scene(scene(selected=("a",)))
    with qtbot.waitSignal(scatter.selection_requested) as asked:
        qtbot.keyClick(scatter, Qt.Key.Key_Escape)
    assert asked.args == [()]


def test_a_new_selection_does_not_move_the_view(scatter):
    scatter.zoom(2.0)
    before = scatter.view
    scatter.show_scene(scene(selected=("a", "b"), lines=(PairLine("a", "b"),)))
    assert scatter.view == before


def test_lines_join_marked_points(scatter):
    middle = (scatter.point_at("a") + scatter.point_at("b")) / 2
    plain = colour_near(scatter.grab().toImage(), middle, 2)
    scatter.show_scene(scene(lines=(PairLine("a", "b"),)))
    assert colour_near(scatter.grab().toImage(), middle, 2) != plain


def test_arrows_from_before_are_drawn_and_unknown_places_are_not(scatter):
    before = POINTS + 4.0
    before[3] = np.nan
    scatter.show_scene(scene(before=before))
    assert np.isfinite(scatter.view.scale)
    screen = scatter.view.to_screen(before[:1])[0]
    ghost = QPoint(round(screen[0]), round(screen[1]))
    assert len(colour_near(scatter.grab().toImage(), ghost, 4)) > 1


def test_a_line_to_a_point_that_is_not_there_is_passed_over(scatter):
    scatter.show_scene(scene(lines=(PairLine("a", "gone"),), selected=("gone", "a")))
    assert not scatter.grab().isNull()


def test_no_points_at_all(qtbot):
    widget = Scatter()
    qtbot.addWidget(widget)
    widget.show_scene(Scene())
    qtbot.mouseClick(widget, LEFT, pos=QPoint(50, 50))
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    assert not widget.grab().isNull()


# ---- the arithmetic, without a window

FINITE = st.floats(-1e3, 1e3, allow_nan=False)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20))
def test_a_fitted_view_holds_every_point(points):
    size = (300.0, 200.0)
    screen = fitted(np.array(points), size).to_screen(np.array(points))
    assert (screen >= -1e-6).all()
    assert (screen <= np.array(size) + 1e-6).all()


@settings(max_examples=50, deadline=None)
@given(FINITE, FINITE, st.floats(0.2, 5.0), st.floats(0, 300), st.floats(0, 200))
def test_to_data_undoes_to_screen_and_zoom_keeps_its_centre(x, y, factor, px, py):
    view = View((x, y), 3.0, (300.0, 200.0))
    data = view.to_data(px, py)
    assert np.allclose(view.to_screen(np.array([data]))[0], (px, py), atol=1e-6)
    assert np.allclose(view.zoomed(factor, px, py).to_data(px, py), data, atol=1e-6)


def test_next_in_direction_prefers_what_lies_straight_ahead():
    screen = np.array([[0.0, 0.0], [10.0, 9.0], [14.0, 0.0], [-5.0, 0.0]])
    assert next_in_direction(screen, 0, 1, 0) == 2
    assert next_in_direction(screen, 0, -1, 0) == 3
    assert next_in_direction(screen, 3, -1, 0) == 3


def test_nearest_passes_over_points_that_are_nowhere():
    screen = np.array([[np.nan, np.nan], [5.0, 5.0]])
    assert nearest(screen, 4, 5, 10) == 1
    assert nearest(screen, 50, 50, 10) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_inside_polygon_agrees_with_the_angle_sum(seed):
    """Reference: a point is inside a star-shaped polygon if the angles to its corners sum to 2π."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    polygon = np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.5, 2, (9, 1))
    points = rng.uniform(-2, 2, (40, 2))
    inside = inside_polygon(points, polygon)
    for point, said in zip(points, inside, strict=True):
        a = np.arctan2(*(polygon - point).T[::-1])
        turns = (np.diff(np.append(a, a[0])) + np.pi) % (2 * np.pi) - np.pi
        assert said == (abs(turns.sum()) > np.pi)
