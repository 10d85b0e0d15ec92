"""Dropping things on the window: through napari's own way, with a real drop."""

from __future__ import annotations

import shutil
import sys

import napari
import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from napari_lookalike.ui import dropped
from napari_lookalike.ui.dropped import open_dropped, take_drops
from napari_lookalike.ui.reader import get_reader
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.view_controls import slide_layers
from napari_lookalike.ui.viewer_names import drop_target, scale_bar
from napari_lookalike.ui.workspace import PLACES, workspace_docks

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 30_000


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    take_drops(viewer)
    yield viewer
    workspace_for(viewer).close()
    viewer.layers.clear()


def drop(viewer, path):
    """Drag a file over the window and let it go, as Qt tells of it."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    target = drop_target(viewer)
    QApplication.sendEvent(target, QDragEnterEvent(QPoint(5, 5), copy, mime, left, none))
    QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), copy, mime, left, none))


def answer(monkeypatch, what):
    asked = []
    monkeypatch.setattr(dropped, "ask", lambda _parent, kind: asked.append(kind) or what)
    return asked


def test_a_slide_has_its_keys_and_scale_bar(qtbot, viewer, pyramid_slide):
    drop(viewer, pyramid_slide)
    qtbot.waitUntil(lambda: bool(slide_layers(viewer)), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: scale_bar(viewer).visible, timeout=WAIT_MS)
    assert len(viewer.keymap) > 10


def test_a_damaged_slide_is_told_of_without_its_name(qtbot, viewer, tmp_path):
    path = tmp_path / "Muster_Anna.svs"
    path.write_text("this was a slide once")
    assert dropped._is_ours(path)  # napari would ask for a reader, with the file's name
    drop(viewer, path)
    session = workspace_for(viewer).session
    qtbot.waitUntil(lambda: session.notice is not None, timeout=WAIT_MS)
    assert session.notice.kind == "error"
    assert "Muster" not in session.notice.text
    assert str(tmp_path) not in session.notice.text
    assert not slide_layers(viewer)


def test_a_project_opens_with_its_workspace(qtbot, viewer, tiny):
    drop(viewer, tiny.root)
    session = workspace_for(viewer).session
    qtbot.waitUntil(lambda: session.project is not None, timeout=WAIT_MS)
    assert session.slide_id == "S01"
    assert set(workspace_docks(viewer)) == {place.title for place in PLACES}
    docks = workspace_docks(viewer)
    open_dropped(viewer, "project", tiny.root)
    assert workspace_docks(viewer) is docks  # no panel comes twice
    qtbot.waitUntil(lambda: not workspace_for(viewer).canvas.loading, timeout=WAIT_MS)


def test_a_cohort_becomes_a_project_where_the_user_says(
    qtbot, viewer, tmp_path, pyramid_slide, answers, monkeypatch
):
    source, root = tmp_path / "source", tmp_path / "chosen"
    source.mkdir()
    root.mkdir()
    shutil.copy(pyramid_slide, source / "a.tiff")
    table = source / "cohort.csv"
    table.write_text("slide,slide_id,patient_id,label,site\na.tiff,S7,P,alpha,\n")
    asked = answer(monkeypatch, "project")
    answers(getExistingDirectory=[str(root)])
    drop(viewer, table)
    session = workspace_for(viewer).session
    qtbot.waitUntil(lambda: session.project is not None, timeout=WAIT_MS)
    assert asked == ["manifest"]
    assert session.slide_id == "S7"
    assert session.project.root == root
    assert sorted(p.name for p in source.iterdir()) == ["a.tiff", "cohort.csv"]


def test_nothing_is_made_if_the_user_does_not_want_it(
    qtbot, viewer, tmp_path, pyramid_slide, answers, monkeypatch
):
    shutil.copy(pyramid_slide, tmp_path / "a.tiff")
    asked = answer(monkeypatch, "nothing")
    drop(viewer, tmp_path)
    qtbot.waitUntil(lambda: asked == ["slides"], timeout=WAIT_MS)
    monkeypatch.setattr(dropped, "ask", lambda *_: "project")
    answers(getExistingDirectory=[""])
    open_dropped(viewer, "slides", tmp_path)
    qtbot.wait(50)
    assert workspace_for(viewer).session.project is None
    assert [p.name for p in tmp_path.iterdir() if p.name != "user"] == ["a.tiff"]


def test_slides_of_a_folder_can_just_be_looked_at(
    qtbot, viewer, tmp_path, pyramid_slide, no_mpp_slide, monkeypatch
):
    shutil.copy(pyramid_slide, tmp_path / "a.tiff")
    shutil.copy(no_mpp_slide, tmp_path / "b.tiff")
    (tmp_path / "torn.tif").write_bytes(b"II*\0" + b"\1" * 64)
    answer(monkeypatch, "look")
    drop(viewer, tmp_path)
    qtbot.waitUntil(lambda: len(slide_layers(viewer)) == 2, timeout=WAIT_MS)
    assert [layer.visible for layer in slide_layers(viewer)] == [True, False]
    said = workspace_for(viewer).session.notice.text
    assert "2 slides opened" in said
    assert "torn" not in said
    assert str(tmp_path) not in said


def test_what_is_not_ours_is_left_to_others(tmp_path):
    (tmp_path / "points.csv").write_text("index,axis-0,axis-1\n0,1,2\n")
    (tmp_path / "stack").mkdir()
    tifffile.imwrite(tmp_path / "stack" / "0.tif", np.zeros((8, 8), np.uint8))
    assert get_reader(str(tmp_path / "points.csv")) is None
    assert get_reader(str(tmp_path / "stack")) is None
    assert not dropped._is_ours(tmp_path / "points.csv")
    assert not dropped._is_ours(tmp_path / "gone.svs")


def test_naparis_own_table_of_points_opens_as_before(make_napari_viewer, tmp_path):
    (tmp_path / "points.csv").write_text("index,axis-0,axis-1\n0,1,2\n")
    viewer = make_napari_viewer()
    [layer] = viewer.open(tmp_path / "points.csv")
    assert isinstance(layer, napari.layers.Points)


def test_other_files_dropped_on_our_window_are_naparis(viewer, tmp_path, monkeypatch):
    (tmp_path / "points.csv").write_text("index,axis-0,axis-1\n0,1,2\n")
    seen = []
    monkeypatch.setattr(type(drop_target(viewer)), "dropEvent", lambda *_: seen.append(1))
    drop(viewer, tmp_path / "points.csv")
    assert seen == [1]


def test_a_damaged_project_is_a_sentence(qtbot, viewer, tmp_path):
    (tmp_path / "project.json").write_text("{")
    drop(viewer, tmp_path)
    session = workspace_for(viewer).session
    qtbot.waitUntil(lambda: session.notice is not None, timeout=WAIT_MS)
    assert "damaged" in session.notice.text
    assert session.project is None
