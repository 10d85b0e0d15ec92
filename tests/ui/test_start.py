"""Our own window, single slides, and the menu's entry for JPEG and PNG."""

from __future__ import annotations

import os
import subprocess
import sys

import napari
import npe2
import numpy as np
import pytest
from PIL import Image
from tests.slide_fixtures import texture

from napari_lookalike.core.errors import UnreadableSlide
from napari_lookalike.session.opening import open_project
from napari_lookalike.ui import start
from napari_lookalike.ui.commands import open_raster
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.start import open_window, show_slide
from napari_lookalike.ui.viewer_names import scale_bar

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 30_000


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "PAT-7 secret.png"
    Image.fromarray(texture(700, 500)).save(path)
    return path


@pytest.fixture
def window(make_napari_viewer, monkeypatch, tiny):
    monkeypatch.setattr(napari, "Viewer", lambda title: make_napari_viewer(title=title, show=True))
    window = open_window(tiny.root, size=(1200, 800))
    yield window
    window.workspace.close()


def test_it_opens_on_a_project(qtbot, window):
    session = window.workspace.session
    qtbot.waitUntil(lambda: not window.workspace.canvas.loading, timeout=WAIT_MS)
    assert session.slide_id == "S01"
    assert "research use only" in window.viewer.title
    assert scale_bar(window.viewer).visible
    main = window.docks["Cases"].window()
    assert (main.width(), main.height()) == (1200, 800)
    assert str(session.project.root) not in window.viewer.title


def test_it_opens_on_single_slides(make_napari_viewer, monkeypatch, png, pyramid_slide):
    monkeypatch.setattr(napari, "Viewer", lambda title: make_napari_viewer(title=title))
    window = open_window(slides=[png, pyramid_slide], mpp=0.25, size=(1000, 700))
    names = [layer.name for layer in window.viewer.layers]
    assert len(names) == 2
    assert all(len(name) == 8 for name in names)
    assert all(tuple(layer.scale) == (0.25, 0.25) for layer in window.viewer.layers)
    assert our_layers(window.viewer) == []
    window.workspace.close()


def test_a_wrong_file_is_a_sentence(make_napari_viewer, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    with pytest.raises(UnreadableSlide):
        show_slide(make_napari_viewer(), tmp_path / "a.png")


def test_no_screen_no_guess(monkeypatch, qapp):
    monkeypatch.setattr(start.QApplication, "primaryScreen", lambda: None)
    assert start._most_of_the_screen() == (1366, 768)


# ---- the menu's entry


def shown(viewer):
    return len(viewer.layers) == 1


def test_a_png_is_opened_as_a_slide_from_the_menu(qtbot, make_napari_viewer, answers, png):
    viewer = make_napari_viewer()
    answers(getOpenFileName=[(str(png), "")], getText=[("0,25", True)])
    manifest = npe2.PluginManager.instance().get_manifest("napari-lookalike")
    items = manifest.contributions.menus["napari/file/io_utilities"]
    [item] = [i for i in items if i.command.endswith("open_raster")]
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(item.command).result()
    qtbot.waitUntil(lambda: shown(viewer), timeout=WAIT_MS)
    [layer] = viewer.layers
    assert tuple(layer.scale) == (0.25, 0.25)
    assert layer.metadata["napari-lookalike"]["mpp_source"] == "user"
    assert layer.name == layer.metadata["tile_source"].slide.fingerprint[:8]
    assert "secret" not in str(layer.metadata["napari-lookalike"])
    expected = np.asarray(Image.open(png))
    assert np.array_equal(np.asarray(layer.data[0][:500, :700]), expected)


def test_without_a_scale_it_is_shown_in_pixels(qtbot, make_napari_viewer, answers, png):
    viewer = make_napari_viewer()
    answers(getOpenFileName=[(str(png), "")], getText=[("", True)])
    open_raster(viewer)
    qtbot.waitUntil(lambda: shown(viewer), timeout=WAIT_MS)
    assert [str(u) for u in viewer.layers[0].units] == ["pixel", "pixel"]


def test_what_goes_wrong_is_told(qtbot, make_napari_viewer, answers, png, tmp_path):
    viewer = make_napari_viewer()
    session = workspace_for(viewer).session
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 40)
    answers(
        getOpenFileName=[("", "")] + [(str(png), "")] * 3 + [(str(tmp_path / "torn.jpg"), "")],
        getText=[("", False), ("wide", True), ("900", True), ("", True)],
    )
    open_raster(viewer)
    open_raster(viewer)
    assert session.notice is None
    open_raster(viewer)
    assert "is not a number" in session.notice.text
    session.notice = None
    open_raster(viewer)
    qtbot.waitUntil(lambda: session.notice is not None, timeout=WAIT_MS)
    assert "900" in session.notice.text
    session.notice = None
    open_raster(viewer)
    qtbot.waitUntil(lambda: session.notice is not None, timeout=WAIT_MS)
    assert session.notice.kind == "error"
    assert len(viewer.layers) == 0


def test_a_single_slide_stays_when_the_projects_slide_changes(qtbot, make_napari_viewer, tiny, png):
    viewer = make_napari_viewer()
    workspace = workspace_for(viewer)
    show_slide(viewer, png)
    [alone] = viewer.layers
    open_project(workspace.session, tiny.root)
    workspace.session.slide_id = "S09"
    qtbot.waitUntil(
        lambda: bool(our_layers(viewer, "attention")) and not workspace.canvas.loading,
        timeout=WAIT_MS,
    )
    assert alone in viewer.layers
    assert alone not in our_layers(viewer)
    workspace.close()


CLOSED_WHILE_BUSY = """
import os
import subprocess
import sys
from pathlib import Path
from qtpy.QtCore import QTimer
from napari_lookalike.ui.start import open_window, run
from busy_job import until_killed

window = open_window(Path(sys.argv[1]), size=(1000, 700))
window.workspace.runner.run(until_killed, title="Endless")
QTimer.singleShot(1500, window.docks["Cases"].window().close)
run()
print("ended")
"""

BUSY_JOB = """
import os, sys, time
def until_killed(job):
    while True:
        job.step(0, 0, "Going on")
        time.sleep(0.02)
"""


@pytest.mark.slow
def test_a_window_that_is_closed_while_busy_ends_the_program_in_peace(tiny, tmp_path):
    (tmp_path / "busy_job.py").write_text(BUSY_JOB)
    done = subprocess.run(
        [sys.executable, "-c", CLOSED_WHILE_BUSY, str(tiny.root)],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "NAPARI_CONFIG": ""},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ended" in done.stdout
    for words in ("QThread", "Traceback", "RuntimeError"):
        assert words not in done.stderr, done.stderr[-3000:]
