"""A run that is killed: complete files or none, and the next run goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end import small_slides as make
from tests.end_to_end.test_bad_input import check_sentence

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import load_features
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.pipeline.embed import embed_project

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")


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


def wait_for(condition, seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Processes below a process, where Linux tells."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            for child in task.read_text().split():
                found += [int(child), *children(int(child))]
    return found


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_half_a_feature_file_is_never_taken(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)
    project = make.sound_project(tmp_path, n=2)
    embed_project(project.root)
    path = project.features_path("S1")
    was = load_features(path).instances
    if damage == "other":
        shutil.copy(project.features_path("S2"), path)
    else:
        sound = path.read_bytes()
        path.write_bytes(sound[: len(sound) // 2] if damage == "cut" else b"")
    with pytest.raises(FeatureError) as caught:
        project.load_features("S1")
    check_sentence(str(caught.value), path)
    report = embed_project(project.root)
    assert report.done == ("S1",) and report.skipped == ("S2",)
    np.testing.assert_allclose(project.load_features("S1").instances, was, rtol=1e-5)
