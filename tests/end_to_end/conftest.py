"""Projects on real tissue, made once a run; each test works on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.lc25000_cohort import ComposedCohort, compose_cohort

from napari_lookalike.core.manifest import read_manifest
from napari_lookalike.core.pipeline.embed import EmbedReport, embed_project
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.session import expert


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expert's name goes into the test's folder, not the user's."""
    monkeypatch.setattr(expert, "user_file", lambda: tmp_path / "user" / "user.json")


@dataclass(frozen=True)
class Trained:
    """A composed cohort, embedded and trained with cross-entropy."""

    composed: ComposedCohort
    root: Path
    report: EmbedReport
    version: str


@pytest.fixture(scope="session")
def trained(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """24 slides of four classes; about half a minute. Do not change the project: see `copied`."""
    folder = tmp_path_factory.mktemp("lc25000")
    composed = compose_cohort(shared, folder / "slides", per_class=6)
    found = read_manifest(composed.manifest)
    assert not found.problems and len(found.cohort) == len(composed.slides)
    project = Project.create(folder / "project", found.cohort)
    report = embed_project(project.root)
    assert not report.failed, report.failed
    version = train_project(project.root, project.settings.train)
    project.set_current_version(version)
    return Trained(composed, project.root, report, version)


@pytest.fixture
def copied(trained: Trained) -> Iterator[Path]:
    """A copy of the trained project, beside it so that it finds the slides."""
    copy = trained.root.parent / "copy"
    shutil.copytree(trained.root, copy)
    yield copy
    shutil.rmtree(copy)
