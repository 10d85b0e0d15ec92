"""A project folder that cannot be written: all is shown, nothing is lost, tries are told so."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.end_to_end.small_models import models_project
from tests.end_to_end.test_bad_input import check_sentence

from napari_lookalike.session import marks
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session

pytestmark = pytest.mark.processes

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


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
        timeout=1800,
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
