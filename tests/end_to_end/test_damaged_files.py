"""Damaged models, results, tables and project files: a sentence, and the rest goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end.small_models import QUICK, models_project
from tests.end_to_end.test_bad_input import check_sentence

from napari_lookalike.core.errors import LookalikeError, ModelError
from napari_lookalike.core.pipeline.predict import predict_slides
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.session import marks
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 200)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("sound")
    project, version = models_project(folder / "project")
    session = Session()
    open_project(session, project.root)
    session.expert = "Dr A"
    marks.mark_pair(session, "A1", "B1", "in the table")
    return project.root, version


@pytest.fixture
def copy(sound: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    root = tmp_path / "copied-here"
    shutil.copytree(sound[0], root)
    return root, sound[1]


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
@pytest.mark.parametrize("damage", [cut, flip, garbage, Path.unlink])
def test_a_damaged_model_is_refused_and_what_it_said_is_still_shown(
    copy: tuple[Path, str], name: str, damage
) -> None:
    root, version = copy
    damage(Project.open(root).version_dir(version) / name)
    session = Session()
    project = open_project(session, root)
    assert session.results is not None and len(session.results.slides) == 18
    config = replace(project.settings.train, loss="supcon", **QUICK)
    for act in (
        lambda: predict_slides(root, version, ["A0"]),
        lambda: train_project(root, config, start_from=version),
    ):
        with pytest.raises(ModelError) as caught:
            act()
        check_sentence(str(caught.value), root)
    assert train_project(root, config) not in (version, None)  # from scratch it can be taught


@pytest.mark.parametrize("name", ["results.h5", "metrics.json"])
@pytest.mark.parametrize("damage", [cut, garbage, Path.unlink])
def test_damaged_results_are_said_and_the_project_opens(
    copy: tuple[Path, str], name: str, damage
) -> None:
    root, version = copy
    damage(Project.open(root).version_dir(version) / name)
    session = Session()
    project = open_project(session, root)
    assert session.results is None and session.notice is not None
    assert version in session.notice.text
    check_sentence(session.notice.text, root)
    assert len(session.marks) == 1 and len(session.embedded) == 18
    new = train_project(root, replace(project.settings.train, **QUICK))
    project.set_current_version(new)
    open_project(session, root)
    assert session.results is not None and session.notice is not None


def test_a_flipped_bit_in_the_results_is_noticed(copy: tuple[Path, str]) -> None:
    root, version = copy
    folder = Project.open(root).version_dir(version)
    before = load_results(folder)
    data = (folder / "results.h5").read_bytes()
    needle = np.ascontiguousarray(before.slides["A0"].probabilities, "<f4").tobytes()
    place = data.index(needle)
    changed = bytearray(data)
    changed[place + 1] ^= 0x10
    (folder / "results.h5").write_bytes(bytes(changed))
    with pytest.raises(ModelError, match="damaged"):
        load_results(folder)


@pytest.mark.parametrize("damage", [cut, garbage])
def test_a_damaged_table_is_said_kept_and_does_not_stop_the_rest(
    copy: tuple[Path, str], damage
) -> None:
    root, _ = copy
    table = Project.open(root).table_path
    damage(table)
    left = table.read_bytes()
    session = Session()
    open_project(session, root)
    assert session.results is not None and session.marks == ()
    assert session.notice is not None and "look-alikes cannot be shown" in session.notice.text
    check_sentence(session.notice.text, root)
    session.expert = "Dr A"
    with pytest.raises(LookalikeError) as caught:
        marks.mark_pair(session, "A0", "B0")
    check_sentence(str(caught.value), root)
    assert table.read_bytes() == left  # for whoever can save it


@pytest.mark.parametrize("damage", [cut, garbage, Path.unlink])
def test_a_damaged_project_file_is_read_from_its_backup(copy: tuple[Path, str], damage) -> None:
    root, version = copy
    project = Project.open(root)
    project.save(cohort=project.cohort.with_record(replace(project.cohort["A0"], label="C")))
    damage(root / "project.json")
    session = Session()
    opened = open_project(session, root)
    assert session.notice is not None and "backup" in session.notice.text
    assert len(session.cohort) == 18 and opened.current_version == version
    opened.save(cohort=session.cohort.with_record(replace(session.cohort["A0"], label="B")))
    session = Session()
    open_project(session, root)
    assert session.cohort["A0"].label == "B"
