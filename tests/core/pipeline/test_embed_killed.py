"""Killed at any moment, and two at once: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.core.pipeline.cohort_on_disk import make_project

from napari_lookalike.core.embed.claim import claim_file
from napari_lookalike.core.embed.partial import coverage
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.features import damage, load_features
from napari_lookalike.core.project import Project

ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's"),
]


def begin(project: Project, nap: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.core.pipeline.cohort_on_disk", str(project.root)]
    return subprocess.Popen([*words, str(nap)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ready(project: Project, nap: float) -> subprocess.Popen[str]:
    """A process that has started and waits for `go`: starting takes seconds, or many."""
    words = [sys.executable, "-m", "tests.core.pipeline.cohort_on_disk", str(project.root)]
    run = subprocess.Popen(
        [*words, str(nap), "wait"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None and run.stdout.readline() == "ready\n"
    return run


def go(*runs: subprocess.Popen[str]) -> None:
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()


def said(run: subprocess.Popen[str]) -> dict[str, set[str]]:
    text, _ = run.communicate(timeout=900)
    assert run.returncode == 0
    return {words[0]: set(words[1:]) for words in map(str.split, text.splitlines())}


def files(project: Project) -> list[Path]:
    folder = project.root / "features"
    return sorted(folder.glob("*/features_mean-colour-1/*.h5"))


def path_of(project: Project, slide_id: str) -> Path:
    return project.root / f"features/20x_32px_0px_overlap/features_mean-colour-1/{slide_id}.h5"


def test_killed_again_and_again_it_ends_as_an_unbroken_run(tmp_path: Path) -> None:
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    whole, broken = make_project(tmp_path / "whole", 2), make_project(tmp_path / "broken", 2)
    assert said(begin(whole, 0.0))["done"] == {"S1", "S2"}

    rng, seen, kills = np.random.default_rng(1), 0.0, 0
    for _ in range(30):
        run = begin(broken, 0.2)
        before = seen
        while run.poll() is None and seen < before + rng.uniform(0.05, 0.4):
            seen = sum(coverage(path_of(broken, s)) for s in ("S1", "S2"))
            time.sleep(0.01)
        if run.poll() is not None:
            run.communicate()
            break
        time.sleep(rng.uniform(0, 0.1))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        kills += 1
        now = sum(coverage(path_of(broken, s)) for s in ("S1", "S2"))
        assert now >= seen  # nothing that was there is lost
        seen = now
    assert kills >= 3
    assert said(begin(broken, 0.0))["done"] <= {"S1", "S2"}
    for slide_id in ("S1", "S2"):
        a, b = (load_features(path_of(p, slide_id), slide_id) for p in (whole, broken))
        np.testing.assert_array_equal(a.instances, b.instances)
        np.testing.assert_array_equal(a.grid.cells, b.grid.cells)
        assert damage(path_of(broken, slide_id)) == "" and b.coverage == 1
        assert not parts_folder(path_of(broken, slide_id)).exists()
        assert not claim_file(path_of(broken, slide_id)).exists()


def test_two_processes_do_not_do_a_slide_twice(tmp_path: Path) -> None:
    project = make_project(tmp_path, 5)
    runs = [ready(project, 0.05) for _ in range(2)]
    go(*runs)
    first, second = map(said, runs)
    every = {f"S{i}" for i in range(1, 6)}
    assert first["done"] | second["done"] == every
    assert not first["done"] & second["done"] and first["done"] and second["done"]
    assert first["skipped"] | first["done"] == every == second["skipped"] | second["done"]
    assert len(files(project)) == 5 and not [f for f in files(project) if damage(f)]


def test_what_a_killed_process_held_is_taken_over_by_the_other(tmp_path: Path) -> None:
    project = make_project(tmp_path, 2)
    doomed, other = ready(project, 1.0), ready(project, 0.0)
    go(doomed)
    while not 0 < coverage(path_of(project, "S1")) < 1:
        time.sleep(0.01)
        assert doomed.poll() is None
    go(other)
    until = time.monotonic() + 300
    while not path_of(project, "S2").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert other.poll() is None  # it waits for S1
    doomed.send_signal(signal.SIGKILL)
    doomed.communicate()
    assert said(other)["done"] == {"S1", "S2"}
