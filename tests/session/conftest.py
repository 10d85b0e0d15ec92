"""What tests of the session layer share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.project import Project
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session


@pytest.fixture(autouse=True)
def own_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own settings are never read or written by a test."""
    path = tmp_path / "user" / "user.json"
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: path)
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    """A project with 24 slides and two model versions."""
    return tiny_project(tmp_path)


@pytest.fixture
def opened(tiny: Project) -> Session:
    """A session with that project open, and an expert."""
    session = Session()
    open_project(session, tiny.root)
    session.expert = "Dr A"
    return session
