"""What tests of the window share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.project import Project


@pytest.fixture(autouse=True)
def own_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own settings are never read or written by a test."""
    path = tmp_path / "user" / "user.json"
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: path)
    return path


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
