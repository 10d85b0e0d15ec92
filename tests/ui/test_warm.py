"""The neighbours of the open slide are ready before they are asked for."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace

import pytest
from tests.ui.test_canvas import layer, session, settled, show, viewer, workspace

from napari_lookalike.session.commands import EditRecord
from napari_lookalike.session.slide_view import neighbour_slides
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.slide_layer import source_of

__all__ = ["session", "show", "viewer", "workspace"]

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 20_000


@pytest.fixture
def ready(qtbot, workspace, session):
    """Waits until the neighbours of the open slide are ready, and names them."""

    def _ready():
        wanted = {s for s in neighbour_slides(session) if s is not None}
        qtbot.waitUntil(lambda: set(workspace.canvas.warm._ready) == wanted, timeout=WAIT_MS)
        return wanted

    return _ready


def test_the_next_slide_is_there_at_once(qtbot, workspace, session, show, ready, viewer):
    show("S05")
    assert len(ready()) == 2
    _, after = neighbour_slides(session)
    source = workspace.canvas.warm._ready[after].source
    session.slide_id = after
    assert source_of(layer(viewer, "slide")) is source  # in the same moment
    assert source.idle
    assert layer(viewer, "attention").name.endswith(after)  # in the same moment too
    settled(qtbot, workspace, lambda: not source._closed)
    ready()


def test_those_no_longer_near_are_closed(qtbot, workspace, session, show, ready):
    show("S05")
    ready()
    sources = [ready.source for ready in workspace.canvas.warm._ready.values()]
    show("S20")
    ready()
    assert all(source.slide._closed for source in sources)
    kept = [ready.source for ready in workspace.canvas.warm._ready.values()]
    workspace.close()
    assert all(source.slide._closed for source in kept)


def test_a_slide_whose_scale_was_changed_is_opened_anew(workspace, session, show, ready, viewer):
    show("S05")
    ready()
    _, after = neighbour_slides(session)
    old = workspace.canvas.warm._ready[after].source
    session.history.do(EditRecord(after, mpp=0.25))
    show(after)
    assert old.slide._closed
    assert source_of(layer(viewer, "slide")).slide.scale.mpp == 0.25


def test_one_that_cannot_be_opened_is_told_of_when_it_is_wanted(
    qtbot, workspace, session, show, viewer
):
    warm = workspace.canvas.warm
    qtbot.waitUntil(lambda: not workspace.missing.busy)  # else it is told of already
    session.project.cohort["S06"].path.unlink()
    show("S05")
    assert neighbour_slides(session) == ("S04", "S06")
    before = session.notice
    qtbot.waitUntil(lambda: set(warm._ready) == {"S04"} and not warm._background.busy)
    assert session.notice is before
    session.slide_id = "S06"
    qtbot.waitUntil(lambda: session.notice is not before, timeout=WAIT_MS)
    assert session.notice.kind == "error"


def test_an_overlay_of_other_settings_is_made_anew(qtbot, workspace, session, show, ready, viewer):
    show("S05")
    ready()
    _, after = neighbour_slides(session)
    session.overlay = replace(session.overlay, values="logits")
    show(after)
    settled(qtbot, workspace, lambda: "logits" in layer(viewer, "attention").name)


def test_removing_a_layer_does_not_stop_the_window(workspace, session, show, viewer, monkeypatch):
    show("S05")
    collected = []
    gc.collect()  # the next one is not due before the layers are removed
    gc.callbacks.append(lambda phase, info: collected.append(len(gc.get_objects())))
    try:
        workspace.canvas._remove()
    finally:
        gc.callbacks.pop()
    assert all(n < 20_000 for n in collected)  # of some hundred thousand
    assert len(gc.get_objects()) > 100_000
    assert not our_layers(viewer)
