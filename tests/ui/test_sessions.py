"""One workspace a viewer; it ends with the window and leaves nothing behind."""

from __future__ import annotations

import gc
import sys
import time
import weakref

import pytest
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QCoreApplication, QEvent
from tests.ui.python_processes import python_children

from napari_lookalike.core.progress import Job
from napari_lookalike.session.opening import open_project
from napari_lookalike.ui.sessions import session_for, unwrap, workspace_for
from napari_lookalike.ui.workspace import build_workspace

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 30_000


def until_killed(job: Job) -> None:
    while True:
        job.step(0, 0, "Going on")
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def child_finds_this_module(monkeypatch, request):
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


def delete_later() -> None:
    """What Qt does when control is back in the event loop."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()


def wait_for_overlay(qtbot, canvas) -> None:
    qtbot.waitUntil(lambda: canvas.overlay is not None and not canvas.loading, timeout=WAIT_MS)


def test_the_panels_of_a_viewer_share_a_session(make_napari_viewer):
    viewer, other = make_napari_viewer(), make_napari_viewer()
    workspace = workspace_for(viewer)
    assert workspace_for(PublicOnlyProxy(viewer)) is workspace
    assert session_for(PublicOnlyProxy(viewer)) is workspace.session
    assert unwrap(PublicOnlyProxy(viewer)) is viewer
    assert workspace_for(other) is not workspace
    assert session_for(other) is not workspace.session


def test_a_notice_is_shown_by_napari(make_napari_viewer):
    from napari.utils.notifications import notification_manager

    seen = []
    notification_manager.notification_ready.connect(seen.append)
    session_for(make_napari_viewer()).say("Here.", "warning")
    notification_manager.notification_ready.disconnect(seen.append)
    assert [n.message for n in seen] == ["Here."]


def test_closing_the_window_ends_the_jobs_and_their_processes(qtbot, make_napari_viewer, tiny):
    before = python_children()
    viewer = make_napari_viewer()
    build_workspace(viewer)
    workspace = workspace_for(viewer)
    qtbot.wait(50)
    open_project(workspace.session, tiny.root)
    workspace.runner.run(until_killed, title="Endless", on_result=lambda _: pytest.fail("late"))
    qtbot.waitUntil(
        lambda: any(s.what == "Going on" for s in workspace.session.jobs), timeout=WAIT_MS
    )
    assert python_children() - before
    viewer.close()
    delete_later()
    assert workspace.session.jobs == ()
    assert workspace.canvas.slide is None
    qtbot.waitUntil(lambda: python_children() - before == set(), timeout=WAIT_MS)


@pytest.mark.parametrize("panels", [False, True], ids=["no panels", "all panels"])
def test_nothing_is_kept_of_a_closed_window(qtbot, make_napari_viewer, tiny, panels):
    viewer = make_napari_viewer()
    if panels:
        build_workspace(viewer)
    workspace = workspace_for(viewer)
    open_project(workspace.session, tiny.root)
    canvas = workspace.canvas
    wait_for_overlay(qtbot, canvas)
    kept = {
        name: weakref.ref(thing)
        for name, thing in {
            "viewer": viewer,
            "workspace": workspace,
            "session": workspace.session,
            "slide": canvas.slide,
        }.items()
    }
    viewer.close()
    delete_later()
    workspace.close()
    del viewer, workspace, canvas

    def gone():  # threads that still read hold what they read for
        gc.collect()
        assert [name for name, ref in kept.items() if ref() is not None] == []

    qtbot.waitUntil(gone)


def test_a_declined_close_keeps_everything(qtbot, make_napari_viewer, tiny, monkeypatch):
    viewer = make_napari_viewer(show=True)
    docks = build_workspace(viewer)
    workspace = workspace_for(viewer)
    qtbot.wait(50)
    open_project(workspace.session, tiny.root)
    main = docks["Cases"].window()
    monkeypatch.setattr(type(main), "closeEvent", lambda _self, event: event.ignore())
    main.close()
    qtbot.wait(100)
    assert main.isVisible()
    qtbot.waitUntil(lambda: workspace.canvas.slide is not None, timeout=WAIT_MS)
    monkeypatch.undo()
    workspace.close()
