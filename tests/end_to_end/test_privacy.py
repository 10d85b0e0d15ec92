"""A patient's id and the name of a slide's file stay in the project file and the manifest."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end import small_slides as make
from tests.end_to_end.small_models import QUICK

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.manifest import read_manifest, scan_folder
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.pipeline.predict import predict_slides
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.session import marks, trial
from napari_lookalike.session.cohort_commands import EditRecord
from napari_lookalike.session.column_colours import column_titles
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.project_view import resolve_project_rows
from napari_lookalike.session.resolve import (
    resolve_cases,
    resolve_map,
    resolve_overlay,
    resolve_prediction,
    resolve_table,
    resolve_teach,
)
from napari_lookalike.session.session import OverlaySettings, Session
from napari_lookalike.ui.slide_layer import slide_layer_data

PATIENT, FILE = "PATIENT-SECRET-7", "SECRETNAME"
MAY_HOLD = ("project.json", "project.json.bak", "manifest.csv")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Six sound slides and two unsound ones, all named after a patient."""
    rows: list[tuple[object, ...]] = [
        (
            make.tissue(tmp_path / f"{FILE}{i}.tif", i),
            f"S{i}",
            PATIENT if i < 3 else f"{PATIENT}{i}",
            "AB"[i % 2],
            "x",
            make.MPP,
        )
        for i in range(1, 7)
    ]
    rows += [
        (make.text_as_slide(tmp_path / f"{FILE}-text.svs"), "S7", PATIENT, "A", "x"),
        (tmp_path / f"{FILE}-gone.svs", "S8", PATIENT, "A", "x"),
        (make.holes(tmp_path / f"{FILE}-holes.tif", 9), "S9", PATIENT, "A", "x", make.MPP),
        (make.glass(tmp_path / f"{FILE}-glass.tif"), "S10", PATIENT, "A", "x", make.MPP),
    ]
    path = make.write_manifest(tmp_path / "manifest.csv", rows)
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    told = [f"{line},{PATIENT} Anna,ward of {PATIENT},{i % 2}" for i, line in enumerate(lines)]
    path.write_text("\n".join([f"{header},surname,ward,grade", *told]), encoding="utf-8")
    return path


def leaks(text: str) -> bool:
    return PATIENT.lower() in text.lower() or FILE.lower() in text.lower()


def holders(root: Path) -> list[str]:
    """Files below a folder that hold one of the secrets in clear, in UTF-8 or UTF-16."""
    needles = [s.encode(code) for s in (PATIENT, FILE) for code in ("utf-8", "utf-16-le")]
    found = []
    for path in root.rglob("*"):
        if path.is_file() and path.name not in MAY_HOLD and not path.name.startswith(FILE):
            data = path.read_bytes()
            if any(n in data for n in needles) or leaks(path.name):
                found.append(str(path.relative_to(root)))
    return found


def test_nothing_of_the_loop_tells_who(
    manifest: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)
    caplog.set_level(logging.DEBUG)
    said: list[Any] = []
    found = read_manifest(manifest)
    said += [str(p) for p in found.problems] + [repr(p) for p in found.problems]
    said += [found.note, repr(found.cohort.columns)]
    assert "surname" in found.note
    scanned = scan_folder(tmp_path)
    said += [str(p) for p in scanned.problems] + [s.slide_id for s in scanned.cohort]
    root = tmp_path / "project"
    project = Project.create(root, found.cohort)
    report = embed_project(root)
    assert sorted(report.failed) == ["S10", "S9"]
    said.append(str(report))

    config = replace(project.settings.train, **QUICK)
    version = train_project(root, config)
    project.set_current_version(version)
    session = Session()
    open_project(session, root)
    marks.set_expert(session, "Dr A")
    marks.mark_pair(session, "S1", "S4", "alike", 0.7)
    said.append(session.history.undo_text)
    session.history.do(EditRecord("S3", patient_id=f"{PATIENT}-8"))
    said += [session.history.undo_text, str(session.notice)]
    tuned = train_project(root, replace(config, loss="expert"), start_from=version)
    results = load_results(project.version_dir(tuned))
    trial.show_new_model(session, results)
    session.projection = map_project(root, tuned, "pca")
    said += [str(predict_slides(root, tuned, ["S1", "S9"])), str(results.card)]
    marks.export_marks(session, tmp_path / "pairs.csv")
    said.append(str(session.notice))
    said += list(views(session, project))
    said += list(layers(project))
    for slide_id in ("S9", "S10"):
        with pytest.raises(LookalikeError) as caught:
            project.load_features(slide_id)
        said += [str(caught.value), repr(caught.value)]
    trial.keep(session)
    said.append(str(session.notice))

    assert not [text for text in said if leaks(text)]
    assert not leaks(caplog.text)
    out = capfd.readouterr()
    assert not leaks(out.out) and not leaks(out.err)
    assert holders(tmp_path) == []
    assert not leaks(dump(project.table_path))
    holds = {p.name for p in tmp_path.rglob("*") if p.name in MAY_HOLD and PATIENT in p.read_text()}
    assert "project.json" in holds  # the search finds what is there


def views(session: Session, project: Project) -> Iterator[str]:
    """All that panels would show, patient ids being hidden unless asked for."""
    assert session.results is not None
    assert column_titles(session.cohort) == {"column:grade": "Grade"}
    for by in ("label", "column:grade", "column:ward", "column:surname"):
        yield repr(resolve_map(session, by, "after"))
    yield repr(resolve_teach(session))
    yield repr(resolve_table(session))
    cohort, results = session.cohort, session.results
    failures = {"S9": "Its pixels cannot be decoded."}
    yield repr(resolve_cases(cohort, results, session.marks, failures=failures))
    yield repr(resolve_project_rows(cohort, session.embedded, failures, show_patients=False))
    for slide_id in ("S1", "S4"):
        yield repr(resolve_prediction(cohort, results, slide_id))
        view = resolve_overlay(project, session.results, slide_id, OverlaySettings())
        assert view is not None
        yield f"{view.title} {view.legend}"


def layers(project: Project) -> Iterator[str]:
    """Names and metadata of slide layers; the open slide itself is not text."""
    for slide_id in ("S1", "S4"):
        with project.open_slide(slide_id) as slide:
            _, kwargs = slide_layer_data(slide, slide_id)
            metadata = {k: v for k, v in kwargs["metadata"].items() if k != "tile_source"}
            yield json.dumps({**kwargs, "metadata": metadata})
            yield repr(slide) + str(slide) + slide.name


def dump(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as table:
        return "\n".join(table.iterdump())


COMMANDS = (
    ("embed", "{manifest}", "--project", "{project}"),
    ("embed", "{project}", "--json"),
    ("train", "{project}", "--folds", "2", "--epochs", "2"),
    ("predict", "{project}"),
    ("predict", "{project}", "--json"),
    ("pairs", "list", "{project}", "--json"),
    ("pairs", "export", "{project}", "{folder}/pairs.csv"),
)


@pytest.mark.processes
@pytest.mark.slow
def test_the_command_line_does_not_tell_who(manifest: Path, tmp_path: Path) -> None:
    places = {"manifest": manifest, "project": tmp_path / "project", "folder": tmp_path}
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    for command in COMMANDS:
        words = [word.format(**places) for word in command]
        done = subprocess.run(
            [sys.executable, "-m", "napari_lookalike", *words],
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
            env=environment,
        )
        assert done.returncode in (0, 1), (command, done.stderr)
        assert done.stdout.strip(), command
        assert not leaks(done.stdout) and not leaks(done.stderr), command
        assert "fault in the program" not in done.stderr, (command, done.stderr)
    assert holders(tmp_path) == []
