"""The camera in a real viewer: powers, places, and all eight orientations."""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.ui.conftest import at_rest

from napari_lookalike.core.slides import open_slide
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.session.session import Focus
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.readout import AFTER_MS
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.slide_layer import add_slide, layer_complete
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.view_controls import slide_layers
from napari_lookalike.ui.viewer_names import camera, scale_bar, text_overlay

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 30_000
EVERY = [Orientation(*flags) for flags in product((False, True), repeat=3)]


@pytest.fixture
def shown(qtbot, make_napari_viewer, pyramid_slide):
    """A viewer with a slide of 1501 x 1203 px, mpp 0.5."""
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1000, 760)
    with open_slide(pyramid_slide) as slide:
        tools = slide_tools_for(viewer)
        layer = add_slide(viewer, slide, slide.name)
        qtbot.waitUntil(lambda: layer_complete(layer), timeout=WAIT_MS)
        at_rest(qtbot, viewer, (1000, 760))
        yield viewer, tools
        viewer.layers.clear()


def native(viewer):
    return viewer.window._qt_viewer.canvas.native


def press(viewer, key, modifier=Qt.KeyboardModifier.ControlModifier):
    QTest.keyClick(native(viewer), key, modifier)


@pytest.mark.parametrize(
    ("key", "um"), [("1", 10), ("2", 5), ("3", 2), ("4", 1), ("5", 0.5), ("6", 0.25)]
)
def test_keys_zoom_to_a_power_about_the_centre(shown, key, um):
    viewer, tools = shown
    tools.controls.look_at(600, 500)
    press(viewer, getattr(Qt.Key, f"Key_{key}"))
    field = tools.controls.field()
    assert field.downsample * 0.5 == pytest.approx(um)
    assert field.centre_px0 == pytest.approx((600, 500))
    assert 1 / camera(viewer).zoom == pytest.approx(um)


def test_native_and_the_whole_slide(shown):
    viewer, tools = shown
    press(viewer, Qt.Key.Key_7)
    assert tools.controls.field().downsample == pytest.approx(1.0)
    press(viewer, Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier)
    region = tools.controls.field().region
    assert region.x < 0 or region.y < 0
    assert region.width > 1501
    assert region.height > 1203


def test_the_readout_and_the_scale_bar_are_on_the_canvas(qtbot, shown):
    viewer, tools = shown
    assert scale_bar(viewer).visible
    assert scale_bar(viewer).box
    tools.power(20)
    said = "20x · 0.50 µm per screen pixel"
    qtbot.waitUntil(lambda: said in text_overlay(viewer).text)
    tools.controls.turn(1)
    qtbot.waitUntil(lambda: text_overlay(viewer).text.startswith("Turned 90° right"))
    viewer.layers.clear()
    assert tools.controls.orientation == UPRIGHT
    assert scale_bar(viewer).visible


def test_a_text_of_somebody_else_is_left_alone(qtbot, shown):
    viewer, tools = shown
    text_overlay(viewer).text = "mine"
    tools.power(10)
    qtbot.wait(2 * AFTER_MS)
    assert text_overlay(viewer).text == "mine"


def test_without_mpp_powers_say_why(qtbot, make_napari_viewer, no_mpp_slide):
    viewer = make_napari_viewer()
    tools = slide_tools_for(viewer)
    with open_slide(no_mpp_slide) as slide:
        add_slide(viewer, slide, slide.name)
        before = camera(viewer).zoom
        press(viewer, Qt.Key.Key_5)
        assert camera(viewer).zoom == before
        assert "mpp" in tools.session.notice.text
        assert tools.session.notice.kind == "warning"
        tools.native()
        assert tools.controls.field().downsample == pytest.approx(1.0)
        said = "slide pixels per screen pixel"
        qtbot.waitUntil(lambda: said in text_overlay(viewer).text)
        viewer.layers.clear()


def test_pixels_of_another_shape_keep_their_places(make_napari_viewer, pyramid_slide):
    viewer = make_napari_viewer()
    controls = slide_tools_for(viewer).controls
    with open_slide(pyramid_slide, mpp=(0.25, 0.5)) as slide:
        add_slide(viewer, slide, slide.name)
        for orientation in EVERY:
            controls.set_orientation(orientation)
            controls.look_at(300, 900, 2.0)
            field = controls.field()
            assert field.centre_px0 == pytest.approx((300, 900))
            assert field.downsample == pytest.approx(2.0)
        assert camera(viewer).zoom == pytest.approx(1 / 0.75)
        viewer.layers.clear()


def settled(qtbot, viewer, layer):
    """What the canvas shows, without the texts in its corners, when it changes no more."""

    def shot():
        return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)

    def complete():
        shot()  # what is painted asks for its tiles
        return layer_complete(layer)

    qtbot.waitUntil(complete, timeout=WAIT_MS)
    pixels = shot()
    height, width = pixels.shape[:2]
    side = min(height, width) // 2 * 2 - 160  # without the texts in the corners
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def test_all_eight_show_slide_and_overlay_where_they_belong(qtbot, shown):
    viewer, tools = shown
    [layer] = slide_layers(viewer)
    over = np.zeros((10, 12), np.float32)
    over[3:5, 4:9] = 1
    viewer.add_image(over, scale=(60, 60), colormap="green", blending="additive", units=layer.units)
    tools.controls.look_at(750, 600, 1.5)
    upright = settled(qtbot, viewer, layer)
    assert upright.std() > 20
    for wanted in EVERY[1:]:
        tools.controls.set_orientation(wanted)
        field = tools.controls.field()
        assert field.centre_px0 == pytest.approx((750, 600))
        assert field.downsample == pytest.approx(1.5)
        expected = upright.swapaxes(0, 1) if wanted.transposed else upright
        expected = expected[:, ::-1] if wanted.left else expected
        expected = expected[::-1] if wanted.up else expected
        got = settled(qtbot, viewer, layer)
        shifts = product((-1, 0, 1), repeat=2)  # an even canvas has no middle pixel
        apart = min(np.abs(np.roll(got, s, (0, 1)) - expected)[4:-4, 4:-4].mean() for s in shifts)
        assert apart < 1.0, wanted
    press(viewer, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert tools.controls.orientation == UPRIGHT
    assert np.abs(settled(qtbot, viewer, layer) - upright).mean() < 1.0


@pytest.mark.parametrize("orientation", EVERY)
def test_what_is_under_the_pointer_is_where_the_field_says(shown, orientation):
    viewer, tools = shown
    tools.controls.set_orientation(orientation)
    tools.controls.look_at(700, 500, 1.0)
    canvas = viewer.window._qt_viewer.canvas
    height, width = viewer.canvas.size
    row, column = canvas._map_canvas2world((width / 2 + 100, height / 2 + 40), canvas.view)
    x, y = orientation.to_slide(100, 40)
    assert (column / 0.5 + 0.5, row / 0.5 + 0.5) == pytest.approx((700 + x, 500 + y), abs=0.01)


def test_keys_turn_and_mirror(shown):
    viewer, tools = shown
    press(viewer, Qt.Key.Key_Right)
    assert tools.controls.orientation == UPRIGHT.turned(1)
    press(viewer, Qt.Key.Key_Left)
    press(viewer, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert tools.controls.orientation == UPRIGHT.mirrored("left-right")
    press(viewer, Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier)
    assert tools.controls.orientation == UPRIGHT.turned(2)


def test_a_place_of_the_project_is_found_however_it_lies(qtbot, make_napari_viewer, tiny):
    viewer = make_napari_viewer()
    workspace, tools = workspace_for(viewer), slide_tools_for(viewer)
    open_project(workspace.session, tiny.root)
    qtbot.waitUntil(lambda: bool(our_layers(viewer, "attention")), timeout=WAIT_MS)
    assert tools.controls.facts.name == "S01"
    assert tools.controls.facts.of_project
    for orientation in EVERY:
        tools.controls.set_orientation(orientation)
        workspace.session.focus = None
        workspace.session.focus = Focus("S01", 200.0, 40.0, 64.0)
        assert tools.controls.field().centre_px0 == pytest.approx((200, 40))
    workspace.session.slide_id = "S02"
    qtbot.waitUntil(lambda: bool(our_layers(viewer, "slide")), timeout=WAIT_MS)
    assert tools.controls.orientation == UPRIGHT  # the next slide lies as it was scanned
    workspace.close()
