"""What tests of the window share."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from qtpy.QtCore import QCoreApplication, QEvent
from tests.project_fixtures import tiny_project

from napari_lookalike.core.preload import before_window
from napari_lookalike.core.project import Project
from napari_lookalike.ui import garbage
from napari_lookalike.ui.sessions import workspace_for

PATIENT_MS = 120_000
"""What must come is waited for so long, whatever a test says: CI may be ten times slower."""


@pytest.fixture
def qtbot(qtbot: Any) -> Any:
    """pytest-qt's own, with patience: its waits end when what they wait for has come."""
    for name in ("waitUntil", "waitSignal", "waitExposed", "waitActive"):
        setattr(qtbot, name, patient(getattr(qtbot, name)))
    return qtbot


def patient(wait: Callable[..., Any]) -> Callable[..., Any]:
    """The same way of waiting, for longer, unless it is for what must not come."""

    @wraps(wait)
    def longer(*args: object, timeout: int = 0, **options: object) -> Any:
        must_come = options.get("raising") is not False
        return wait(*args, timeout=max(timeout, PATIENT_MS * must_come), **options)

    return longer


@pytest.fixture(autouse=True, scope="session")
def triton_first() -> None:
    """Importing it after the first canvas of this process would kill it (see core.preload)."""
    before_window()


@pytest.fixture(autouse=True)
def own_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own settings are never read or written by a test."""
    path = tmp_path / "user" / "user.json"
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: path)
    return path


@pytest.fixture
def make_napari_viewer(make_napari_viewer: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """napari's own fixture, whose check for leaks comes before Qt has deleted docked panels."""
    from napari._qt.qt_viewer import QtViewer

    made: list[weakref.ref[Any]] = []

    def make(*args: object, **kwargs: object) -> Any:
        viewer = make_napari_viewer(*args, **kwargs)
        made.append(weakref.ref(viewer))
        return viewer

    yield make
    for reference in made:
        close_for_good(reference())
    garbage._later().stop()  # what it puts off is done here, and not in the next test
    delete_now()
    end = time.monotonic() + 30  # not for ever: what a failed test says of itself holds it too
    while len(QtViewer._instances) and time.monotonic() < end:
        time.sleep(0.05)  # a thread that still reads holds what it reads for
        delete_now()


def close_for_good(viewer: Any) -> None:
    """Stop a viewer's jobs and close it, without a word about it in the user's settings."""
    if viewer is None:
        return
    workspace_for(viewer).close()
    window = getattr(viewer.window, "_qt_window", None)
    if window is not None:
        # napari would collect garbage at each layer, which is most of the time that this takes.
        with patch.object(window, "_save_current_window_settings"), garbage.collected_later():
            viewer.close()


def delete_now() -> None:
    """What Qt and Python do some time after a window was closed."""
    for _ in range(2):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()
        gc.collect()


def at_rest(qtbot: Any, viewer: Any, size: tuple[int, int]) -> None:
    """Wait until a viewer's window has this size, and its canvas the place that it keeps."""
    window, native = viewer.window._qt_window, viewer.window._qt_viewer.canvas.native
    seen: list[object] = []

    def same() -> bool:
        seen.append((window.size(), native.size(), tuple(viewer.canvas.size)))
        return (window.width(), window.height()) == size and seen[-3:] == 3 * seen[-1:]

    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(same)


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    """A project with 24 slides, features and two model versions."""
    return tiny_project(tmp_path, features=True)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``answers(getExistingDirectory=[a, b])``: what dialogs return, one call after another."""
    from qtpy.QtWidgets import QFileDialog, QInputDialog

    def give(**what: list[object]) -> None:
        for name, values in what.items():
            owner = QFileDialog if hasattr(QFileDialog, name) else QInputDialog
            left = list(values)
            monkeypatch.setattr(owner, name, lambda *_a, _left=left, **_k: _left.pop(0))

    return give
