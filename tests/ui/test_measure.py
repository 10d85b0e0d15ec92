"""Distances in a real viewer: clicks, drags, keys, and what becomes of the layer."""

from __future__ import annotations

import sys
import time
from itertools import product

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from tests.ui.conftest import at_rest

from napari_lookalike.core.slides import open_slide
from napari_lookalike.session.orientation import Orientation
from napari_lookalike.ui.layer_choice import unasked
from napari_lookalike.ui.measure_layer import measure_layers
from napari_lookalike.ui.slide_layer import add_slide
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.view_controls import slide_layers
from napari_lookalike.ui.viewer_names import camera

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def shown(qtbot, make_napari_viewer, pyramid_slide):
    """A viewer with a slide, mpp 0.5, at 10x: a screen pixel is 1 µm."""
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1000, 760)
    with open_slide(pyramid_slide) as slide:
        tools = slide_tools_for(viewer)
        add_slide(viewer, slide, slide.name)
        at_rest(qtbot, viewer, (1000, 760))
        tools.power(10)
        yield viewer, tools
        viewer.layers.clear()


def native(viewer):
    return viewer.window._qt_viewer.canvas.native


def at(viewer, x, y):
    return native(viewer).rect().center() + QPoint(x, y)


def send(viewer, kind, x, y, *, down):
    """A mouse event as Qt sends it: QTest moves the real pointer, whose own events come late."""
    place = at(viewer, x, y)
    if kind == QEvent.Type.MouseMove:
        time.sleep(0.03)  # vispy passes over moves that come in quick succession
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
    buttons = LEFT if down else Qt.MouseButton.NoButton
    spot = QPointF(native(viewer).mapToGlobal(place))
    event = QMouseEvent(kind, QPointF(place), spot, button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(native(viewer), event)
    QTest.qWait(10)  # napari answers to moves, and moves the camera, a little later


def hover(viewer, x, y):
    send(viewer, QEvent.Type.MouseMove, x, y, down=False)


def drag(viewer, *points):
    hover(viewer, *points[0])
    send(viewer, QEvent.Type.MouseButtonPress, *points[0], down=True)
    for point in points[1:]:
        send(viewer, QEvent.Type.MouseMove, *point, down=True)
    send(viewer, QEvent.Type.MouseButtonRelease, *points[-1], down=False)


def click(viewer, x, y):
    drag(viewer, (x, y))


def texts(viewer):
    [layer] = measure_layers(viewer)
    return [t for t in layer.features["length"] if t]


def test_two_clicks_or_a_drag_are_a_distance(qtbot, shown):
    viewer, tools = shown
    centre = tools.controls.field().centre_px0
    QTest.keyClick(native(viewer), Qt.Key.Key_M, SHIFT)
    assert tools.measure.active
    click(viewer, -60, 0)
    assert tools.measure.lengths == ()
    click(viewer, 60, 0)
    drag(viewer, (0, 0), (10, 20), (30, 40))
    assert tools.measure.lengths == ("120 µm", "50.0 µm")
    assert texts(viewer) == ["120 µm", "50.0 µm"]
    assert tools.controls.field().centre_px0 == pytest.approx(centre)  # a drag did not move it
    QTest.keyClick(native(viewer), Qt.Key.Key_Escape)
    assert not tools.measure.active
    drag(viewer, (0, 0), (30, 40), (60, 40))
    assert tools.measure.lengths == ("120 µm", "50.0 µm")
    qtbot.waitUntil(lambda: tools.controls.field().centre_px0 != pytest.approx(centre))  # now yes
    assert viewer.layers.selection.active in slide_layers(viewer)
    tools.measure.clear()
    assert measure_layers(viewer) == []


def test_escape_gives_up_a_distance_that_was_begun(shown):
    viewer, tools = shown
    tools.toggle_measure()
    click(viewer, 0, 0)
    hover(viewer, 40, 0)
    assert texts(viewer) == ["40.0 µm"]  # the length follows the pointer
    QTest.keyClick(native(viewer), Qt.Key.Key_Escape)
    assert texts(viewer) == []
    tools.toggle_measure()
    click(viewer, 5, 5)
    click(viewer, 15, 5)
    assert tools.measure.lengths == ("10.0 µm",)


def test_a_flick_that_nobody_saw_moving_is_a_drag(shown):
    viewer, tools = shown
    tools.toggle_measure()
    send(viewer, QEvent.Type.MouseButtonPress, -40, 0, down=True)
    send(viewer, QEvent.Type.MouseButtonRelease, 40, 0, down=False)
    assert tools.measure.lengths == ("80.0 µm",)


@pytest.mark.parametrize(
    "orientation", [Orientation(*flags) for flags in product((False, True), repeat=3)]
)
def test_lengths_are_right_however_the_slide_lies(shown, orientation):
    viewer, tools = shown
    tools.controls.set_orientation(orientation)
    tools.toggle_measure()
    drag(viewer, (-30, 0), (0, 20), (30, 80))
    assert tools.measure.lengths == ("100 µm",)
    [layer] = measure_layers(viewer)
    plate = np.ptp(layer.data[-1], axis=0)
    wide, high = plate[::-1] if not orientation.transposed else plate
    assert wide > high  # the plate lies level with its text


def test_lines_are_as_thin_on_the_screen_at_every_zoom(shown):
    viewer, tools = shown
    tools.toggle_measure()
    drag(viewer, (-30, 0), (0, 0), (30, 0))
    [layer] = measure_layers(viewer)
    before = layer.edge_width[1] * camera(viewer).zoom
    tools.power(40)
    assert layer.edge_width[1] * camera(viewer).zoom == pytest.approx(before)
    assert tools.measure.lengths == ("60.0 µm",)


def test_without_mpp_it_is_pixels_and_says_so(make_napari_viewer, no_mpp_slide):
    viewer = make_napari_viewer()
    tools = slide_tools_for(viewer)
    with open_slide(no_mpp_slide) as slide:
        add_slide(viewer, slide, slide.name)
        tools.native()
        tools.toggle_measure()
        click(viewer, -20, 0)
        click(viewer, 20, 0)
        assert tools.measure.lengths == ("40 px (mpp unknown)",)
        viewer.layers.clear()


def test_distances_go_with_their_slide(shown):
    viewer, tools = shown
    tools.toggle_measure()
    drag(viewer, (-30, 0), (0, 0), (30, 0))
    viewer.layers.remove(slide_layers(viewer)[0])
    assert measure_layers(viewer) == []
    assert tools.measure.lengths == ()
    assert not tools.measure.active
    assert tools.measure._on_press not in viewer.mouse_drag_callbacks


def test_a_layer_that_was_renamed_is_found_and_one_that_was_deleted_is_let_go(shown):
    viewer, tools = shown
    tools.toggle_measure()
    drag(viewer, (-30, 0), (0, 0), (30, 0))
    [layer] = measure_layers(viewer)
    layer.name = "mine"
    drag(viewer, (-30, 20), (0, 20), (30, 20))
    assert len(tools.measure.lengths) == 2
    viewer.layers.remove(layer)
    assert tools.measure.lengths == ()
    assert not tools.measure.active
    tools.toggle_measure()
    assert len(measure_layers(viewer)) == 1


def test_choosing_another_layer_ends_it(shown):
    viewer, tools = shown
    tools.toggle_measure()
    assert tools.measure._on_hover in viewer.mouse_move_callbacks
    viewer.layers.selection.active = slide_layers(viewer)[0]
    assert not tools.measure.active
    assert tools.measure._on_hover not in viewer.mouse_move_callbacks


def named(viewer):
    return [layer.name for layer in viewer.layers]


def draw_map(viewer):
    """A new model speaks: its attention map comes, and is made active."""
    about = {"napari-lookalike": {"kind": "attention"}}
    with unasked(viewer):
        viewer.add_image(np.zeros((4, 4)), name="map", metadata=about)


def test_distances_stay_over_what_the_program_draws_and_go_on(qtbot, shown):
    viewer, tools = shown
    tools.toggle_measure()
    drag(viewer, (-30, 0), (0, 0), (30, 0))
    draw_map(viewer)
    [layer] = measure_layers(viewer)
    qtbot.waitUntil(lambda: viewer.layers[-1] is layer, timeout=20_000)
    assert tools.measure.active
    assert viewer.layers.selection.active is layer
    drag(viewer, (-30, 20), (0, 20), (30, 20))
    assert len(tools.measure.lengths) == 2
    tools.measure.end()
    draw_map(viewer)
    qtbot.waitUntil(lambda: viewer.layers[-1] is layer, timeout=20_000)
    assert not tools.measure.active


def test_what_the_user_brings_may_lie_over_distances(qtbot, shown, pyramid_slide):
    viewer, tools = shown
    tools.toggle_measure()
    drag(viewer, (-30, 0), (0, 0), (30, 0))
    viewer.add_points(np.zeros((1, 2)), name="mine")
    with open_slide(pyramid_slide) as other:
        add_slide(viewer, other, "other")  # the distances are none of its
        qtbot.waitUntil(lambda: not tools.measure._soon.isActive(), timeout=20_000)
        assert named(viewer)[1:] == ["Distances", "mine", "other"]
        assert not tools.measure.active
        viewer.layers.remove("other")
