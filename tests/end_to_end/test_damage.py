"""Read-only folders, killed runs and damaged files: a sentence, and nothing half is used."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.core.pipeline.small_project import small_project
from tests.end_to_end import small_slides as make
from tests.end_to_end.test_bad_input import QUICK, check_sentence

from napari_lookalike.core.errors import FeatureError, LookalikeError, ModelError
from napari_lookalike.core.features import load_features
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.predict import predict_slides
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.session import marks
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 and permissions are POSIX's")


def models_project(root: Path) -> tuple[Project, str]:
    """Made-up features, and a model trained on them that is in use."""
    project = small_project(root)
    version = train_project(root, replace(project.settings.train, **QUICK))
    project.set_current_version(version)
    return project, version


# -- a project folder that cannot be written --------------------------------------

READ_ONLY = """
import json, sys
from dataclasses import replace
from pathlib import Path
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.hard_negatives.csv_io import export_csv
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.pipeline.predict import predict_slides
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.session import expert, marks
from napari_lookalike.session.cohort_commands import EditRecord, RemoveSlides
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.resolve import resolve_overlay
from napari_lookalike.session.session import OverlaySettings, Session

root, version = Path(sys.argv[1]), sys.argv[2]
expert.user_file = lambda: root / "user.json"
session = Session()
project = open_project(session, root)
session.expert = "Dr A"
session.marks  # read already
slide_id = next(iter(session.results.slides))
overlay = resolve_overlay(project, session.results, slide_id, OverlaySettings())
looked = {
    "read_only": project.read_only,
    "notice": session.notice.text,
    "overlay": overlay.overlay.image.size,
    "map": len(map_project(root, version, "pca").slide_ids),
}
tries = {
    "embed": lambda: embed_project(root),
    "train": lambda: train_project(root, project.settings.train),
    "predict": lambda: predict_slides(root, version, [slide_id]),
    "relabel": lambda: session.history.do(EditRecord("A0", label="C")),
    "remove": lambda: session.history.do(RemoveSlides("A0")),
    "mark": lambda: marks.mark_pair(session, "A0", "B0"),
    "subtypes": lambda: marks.mark_subtypes(session, "A", "B"),
    "retire": lambda: marks.retire(session, 1),
    "use": lambda: project.set_current_version(None),
    "settings": lambda: project.save(settings=replace(project.settings, other_stains=True)),
    "create": lambda: Project.create(root / "new", project.cohort),
    "export": lambda: export_csv(session.marks, root / "pairs.csv", session.cohort),
}
said = {}
for name, act in tries.items():
    try:
        said[name] = f"no error: {act()}"
    except LookalikeError as error:
        said[name] = str(error)
print(json.dumps({"looked": looked, "said": said, "undo": session.history.can_undo,
                  "label": session.cohort["A0"].label, "marks": len(session.marks)}))
"""


@posix
@pytest.mark.slow
def test_a_read_only_project_is_shown_and_nothing_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "locked"
    project, version = models_project(root)
    session = Session()
    open_project(session, root)
    marks.set_expert(session, "Dr A")
    marks.mark_pair(session, "A1", "B1", "before the lock")
    before = contents(root)
    set_permissions(root, 0o555, 0o444)
    try:
        answer = bound_by_permissions(READ_ONLY, str(root), version)
    finally:
        set_permissions(root, 0o755, 0o644)
    looked, said = answer["looked"], answer["said"]
    assert looked["read_only"] is True and "read-only" in looked["notice"]
    assert looked["overlay"] == 12 and looked["map"] == 18
    for name, sentence in said.items():
        assert not sentence.startswith("no error"), name
        check_sentence(sentence, root)
        assert "write" in sentence or "written" in sentence, (name, sentence)
    assert answer["label"] == "A" and answer["marks"] == 1 and answer["undo"] is False
    assert contents(root) == before and project.versions() == (version,)


def set_permissions(root: Path, folders: int, files: int) -> None:
    for path in [root, *root.rglob("*")]:
        path.chmod(folders if path.is_dir() else files)


def bound_by_permissions(code: str, *arguments: str) -> dict:
    """Run Python as a user whom permissions bind: root gives up its right to pass them over."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=obey_permissions if os.geteuid() == 0 else None,
    )
    if done.returncode == NO_WAY:
        pytest.skip("root cannot give up its rights here")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


NO_WAY = 77


def obey_permissions() -> None:
    """Drop CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH from what the next program may have."""
    pr_capbset_drop = 24
    for capability in (1, 2):
        if ctypes.CDLL(None).prctl(pr_capbset_drop, capability, 0, 0, 0):
            os._exit(NO_WAY)


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


# -- killed while embedding -------------------------------------------------------

EMBED = """
import sys
from pathlib import Path
from napari_lookalike.core.pipeline.embed import embed_project
if __name__ == "__main__":
    embed_project(Path(sys.argv[1]))
"""


@posix
@pytest.mark.slow
def test_a_killed_embedding_goes_on_where_it_was(tmp_path: Path) -> None:
    project = make.sound_project(tmp_path, n=8)
    script = tmp_path / "embed.py"
    script.write_text(EMBED, encoding="utf-8")
    run = subprocess.Popen([sys.executable, str(script), str(project.root)], cwd=ROOT)
    try:
        wait_for(lambda: list(project.root.rglob("*.h5")) or run.poll() is not None)
        helpers = children(run.pid)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert run.returncode == -signal.SIGKILL, "it was done before it could be killed"
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in helpers))

    whole = {path.stem for path in project.root.rglob("*.h5")}
    assert 1 <= len(whole) < 8
    for slide_id in whole:  # complete or absent
        assert len(project.load_features(slide_id)) > 5
    again = embed_project(project.root)
    assert not again.failed
    assert set(again.skipped) == whole
    assert set(again.done) | whole == {f"S{i}" for i in range(1, 9)}
    once_more = embed_project(project.root, only_missing=False)
    assert len(once_more.done) == 8 and len(list(project.root.rglob("*.h5"))) == 8


def wait_for(condition, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Processes below a process, where Linux tells."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "flipped"])
def test_half_a_feature_file_is_never_taken(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)
    project = make.sound_project(tmp_path, n=2)
    embed_project(project.root)
    path = project.features_path("S1")
    sound = path.read_bytes()
    was = load_features(path).instances
    if damage == "other":
        shutil.copy(project.features_path("S2"), path)
    elif damage == "flipped":
        with h5py.File(path, "r") as file:
            offset = file["features"].id.get_offset() or 0
        data = bytearray(sound)
        data[offset or len(data) // 2] ^= 0xFF
        path.write_bytes(bytes(data))
        if np.array_equal(load_or_none(path), was):
            pytest.skip("the flipped byte holds nothing")
    else:
        path.write_bytes(sound[: len(sound) // 2] if damage == "cut" else b"")
    if damage != "flipped":
        with pytest.raises(FeatureError) as caught:
            project.load_features("S1")
        check_sentence(str(caught.value), path)
        report = embed_project(project.root)
        assert report.done == ("S1",) and report.skipped == ("S2",)
        np.testing.assert_allclose(project.load_features("S1").instances, was, rtol=1e-5)


def load_or_none(path: Path):
    try:
        return load_features(path).instances
    except FeatureError:
        return None


# -- damaged models, results and tables -------------------------------------------


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
