"""Evidence tiles on the canvas: in place, up to date, hidden for good, and told of."""

from __future__ import annotations

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtWidgets import QToolTip

from napari_lookalike.core.hard_negatives import EvidenceTile
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.commands import EditRecord
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.orientation import UPRIGHT
from napari_lookalike.ui.evidence_shapes import LINE_PX
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.viewer_names import camera

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 20_000
MPP = 0.5


@pytest.fixture
def workspace(make_napari_viewer, tiny):
    viewer = make_napari_viewer()
    workspace = workspace_for(viewer)
    yield workspace
    workspace.close()


@pytest.fixture
def viewer(workspace):
    return workspace.canvas.viewer


@pytest.fixture
def session(workspace, tiny):
    """S01 has two tiles of its pair with S05, which has one; S02 has none."""
    session = workspace.session
    open_project(session, tiny.root)
    session.expert = "Dr A"
    mark = marks.mark_pair(session, "S01", "S05").id
    for slide_id, x, y, kind in (
        ("S01", 64, 96, "diagnostic"),
        ("S01", 128, 32, "look-alike"),
        ("S05", 0, 0, "diagnostic"),
    ):
        tile = EvidenceTile(mark=mark, slide_id=slide_id, x=x, y=y, size=32, kind=kind)
        evidence.point_at(session, tile)
    return session


@pytest.fixture
def show(qtbot, workspace, session):
    """Opens a slide and waits until it, its attention and its tiles are there."""

    def show_(slide_id, tiles=True):
        session.slide_id = slide_id
        qtbot.waitUntil(lambda: rests(workspace, tiles), timeout=WAIT_MS)
        return workspace.evidence.layer()

    return show_


def rests(workspace, tiles=True):
    viewer, own = workspace.canvas.viewer, workspace.evidence
    there = bool(our_layers(viewer, "attention")) and (own.layer() is not None) == tiles
    return there and not workspace.canvas.loading and not own._soon.isActive()


def letters(layer):
    return [str(letter) for letter in layer.features["letter"] if letter]


def outline(layer, n=0):
    """The corners of the n-th shape as (left, top, right, bottom), in the world."""
    corners = np.array([layer.data_to_world(point) for point in layer.data[n]])
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    return left, top, right, bottom


# ---- what is drawn


def test_tiles_lie_exactly_over_their_pixels(show, viewer):
    layer = show("S01")
    [slide] = our_layers(viewer, "slide")
    top, left = slide.data_to_world((96 - 0.5, 64 - 0.5))
    bottom, right = slide.data_to_world((96 + 32 - 0.5, 64 + 32 - 0.5))
    assert outline(layer) == pytest.approx((left, top, right, bottom))
    assert letters(layer) == ["D", "S"]
    assert layer.name == "Evidence tiles"
    assert layer.units == slide.units


def test_they_differ_by_shape_and_by_colour(show):
    layer = show("S01")
    kinds, colours = list(layer.shape_type), np.asarray(layer.edge_color)
    assert kinds.count("path") == 2 * 4  # four corners, each on its rim
    assert kinds.count("rectangle") == 2 + 2  # a closed frame on its rim, and two tags
    closed, corner = colours[5], colours[6]
    assert (kinds[5], kinds[6]) == ("rectangle", "path")
    assert not np.allclose(closed[:3], corner[:3], atol=0.3)


def test_they_are_read_only_and_above_attention_which_stays_active(show, viewer):
    layer = show("S01")
    assert not layer.editable
    layer.mode = "select"
    assert layer.mode == "pan_zoom"
    assert viewer.layers[-1] is layer
    assert viewer.layers.selection.active is our_layers(viewer, "attention")[0]


def test_attention_that_comes_later_stays_below(qtbot, show, viewer, session, workspace):
    layer = show("S01")
    for expert in ("Dr A", "Dr B"):  # at the same time, what is said may change
        session.embedded = session.embedded - {"S01"}
        session.embedded = session.embedded | {"S01"}
        viewer.layers.events.inserted.connect(partial(become, session, expert))
        qtbot.waitUntil(lambda: rests(workspace), timeout=WAIT_MS)
        assert viewer.layers[-1] is layer


def become(session, expert, _event):
    session.expert = expert


def test_a_slide_without_tiles_has_no_layer(show, viewer):
    show("S01")
    show("S02", tiles=False)
    assert our_layers(viewer, "evidence") == []
    layer = show("S05")
    assert letters(layer) == ["D"]
    assert outline(layer)[:2] == pytest.approx((-0.5 * MPP, -0.5 * MPP))


def test_a_slide_that_was_ready_has_them_too(qtbot, show, workspace):
    show("S04", tiles=False)
    qtbot.waitUntil(lambda: "S05" in workspace.canvas.warm._ready, timeout=WAIT_MS)
    layer = show("S05")
    assert letters(layer) == ["D"]


def test_a_slide_without_scale_has_them_in_pixels(show, session):
    session.history.do(EditRecord("S01", mpp=None))
    layer = show("S01")
    assert outline(layer) == pytest.approx((63.5, 95.5, 95.5, 127.5))


def test_without_tiles_nothing_is_made(qtbot, workspace, tiny, viewer):
    open_project(workspace.session, tiny.root)
    qtbot.waitUntil(lambda: rests(workspace, tiles=False), timeout=WAIT_MS)
    assert our_layers(viewer, "evidence") == []
    assert workspace.evidence.frames == ()


# ---- what changes


def test_undo_redo_and_retiring_are_followed(qtbot, show, session, workspace):
    show("S01")
    first, second = (t for t in session.evidence if t.slide_id == "S01")

    def shows(*wanted):
        layer = workspace.evidence.layer()
        return (letters(layer) if layer is not None else []) == list(wanted)

    evidence.retire_tile(session, second.id)
    qtbot.waitUntil(lambda: shows("D"), timeout=WAIT_MS)
    session.history.undo()
    qtbot.waitUntil(lambda: shows("D", "S"), timeout=WAIT_MS)
    marks.retire(session, first.mark)
    qtbot.waitUntil(lambda: shows(), timeout=WAIT_MS)
    session.history.undo()
    qtbot.waitUntil(lambda: shows("D", "S"), timeout=WAIT_MS)


def test_a_disputed_tile_turns_grey_and_opens(qtbot, show, session, workspace):
    layer = show("S05")
    before = list(layer.shape_type)
    session.expert = "Dr B"
    evidence.dispute_tile(session, next(t.id for t in session.evidence if t.slide_id == "S05"))
    qtbot.waitUntil(lambda: list(layer.shape_type) != before, timeout=WAIT_MS)
    assert "path" in list(layer.shape_type)
    red, green, blue, _ = np.asarray(layer.edge_color)[-1]
    assert red == green == blue


def test_hidden_they_stay_hidden_on_the_next_slide(show):
    show("S01").visible = False
    layer = show("S05")
    assert not layer.visible
    layer.visible = True
    assert show("S01").visible


def test_lines_have_the_same_width_on_the_screen_at_every_zoom(qtbot, show, viewer):
    layer = show("S01")
    line = list(layer.shape_type).index("rectangle", 1)

    def on_screen():
        return layer.edge_width[line] * MPP * camera(viewer).zoom

    assert on_screen() == pytest.approx(LINE_PX)
    camera(viewer).zoom *= 8
    qtbot.waitUntil(lambda: on_screen() == pytest.approx(LINE_PX), timeout=WAIT_MS)
    assert letters(layer) == ["D", "S"]
    assert not layer.editable


def test_turned_and_mirrored_they_stay_on_their_pixels(show, viewer):
    layer = show("S01")
    before = outline(layer)
    controls = slide_tools_for(viewer).controls
    controls.turn(1)
    controls.mirror("left-right")
    assert controls.orientation != UPRIGHT
    assert outline(layer) == pytest.approx(before)
    assert not layer.editable
    assert workspace_for(viewer).evidence.layer() is layer


def test_a_layer_that_the_user_deleted_does_no_harm(show, viewer):
    viewer.layers.remove(show("S01"))
    camera(viewer).zoom *= 3
    point(viewer, 80, 112)
    assert letters(show("S05")) == ["D"]


# ---- what they say


def point(viewer, x_px0, y_px0):
    """The pointer over a place of the slide."""
    event = SimpleNamespace(position=((y_px0 - 0.5) * MPP, (x_px0 - 0.5) * MPP))
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, event)


@pytest.fixture
def told(monkeypatch):
    said = []
    monkeypatch.setattr(QToolTip, "showText", lambda _place, text, *_: said.append(text))
    return said


def test_pointing_at_a_tile_tells_once_and_leaving_it_ends_that(show, viewer, told):
    camera_zoomed_in(show("S01"), viewer)
    point(viewer, 80, 112)
    point(viewer, 82, 110)
    [text] = told
    assert text.startswith("Diagnostic here (D)<br>Pair: S01 (alpha) and S05 (beta)<br>By you, ")
    point(viewer, 110, 112)
    assert told[1:] == [""]


def test_names_are_no_markup(qtbot, show, viewer, session, told, workspace):
    session.expert = "<b>Dr & B</b>"
    mark = marks.mark_pair(session, "S02", "S05").id
    evidence.point_at(session, EvidenceTile(mark=mark, slide_id="S02", size=32))
    camera_zoomed_in(show("S02"), viewer)
    session.expert = "Dr A"
    point(viewer, 10, 10)
    qtbot.waitUntil(lambda: "you" not in workspace.evidence.frames[0].said, timeout=WAIT_MS)
    point(viewer, 100, 100)
    point(viewer, 10, 10)
    assert "By &lt;b&gt;Dr &amp; B&lt;/b&gt;," in told[-1]


def test_hidden_tiles_tell_nothing(show, viewer, told):
    layer = show("S01")
    layer.visible = False
    point(viewer, 80, 112)
    assert told == []


def camera_zoomed_in(layer, viewer):
    """So near that a tag is smaller than its tile."""
    camera(viewer).zoom = 40.0
    assert layer is not None
