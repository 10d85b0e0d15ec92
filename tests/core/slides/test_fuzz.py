"""Damaged files of every kind: no crash, no hang, no gigabytes, and only our own errors.

The numbers of the mutations are fixed, so that a failure is seen again by anybody: the
message names the slide and the number for ``python -m tests.core.slides.fuzz_worker``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.core.slides import fuzz_worker
from tests.core.slides.fuzz_bases import write_bases
from tests.core.slides.fuzz_worker import exercise
from tests.core.slides.mutations import OTHER_KINDS, TIFF_KINDS, damage, mutate
from tests.core.slides.tiff_map import read_map
from tests.slide_fixtures import texture, write_pyramid

pytestmark = pytest.mark.processes

MUTATIONS = 2400
WORKERS = 2
LIMIT_S = 3600

posix = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and limits of memory")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "sound"
    root = Path(os.environ.get("LOOKALIKE_SHARED", Path(__file__).parents[4] / "shared"))
    write_bases(folder, root / "data" if (root / "data").is_dir() else None)
    return folder


@posix
@pytest.mark.slow
def test_every_mutation_is_opened_or_refused(bases: Path) -> None:
    failures, done = [], 0
    for line in _run(bases):
        found = json.loads(line)
        done += found.get("done", 0)
        if "problem" in found:
            failures.append(f"{found['name']} {found['number']}: {found['problem']}")
    assert failures == []
    assert done == MUTATIONS


def _run(bases: Path) -> list[str]:
    """What all workers say. Each takes every second mutation."""
    # A thread's arena is reserved, not used, but counts as if it were.
    own = {**os.environ, "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-m", "tests.core.slides.fuzz_worker", str(bases)]
    running = [
        subprocess.Popen(
            [*words, str(first), str(WORKERS), str(MUTATIONS)],
            cwd=Path(__file__).parents[3],
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for first in range(WORKERS)
    ]
    try:
        return [line for p in running for line in p.communicate(timeout=LIMIT_S)[0].splitlines()]
    finally:
        for process in running:
            process.kill()


def test_sound_slides_are_what_they_should_be(bases: Path) -> None:
    """Else the fuzz would only ever see refusals."""
    for path in sorted(bases.iterdir()):
        assert exercise(path) == "opened", path.name


def test_a_number_says_how(bases: Path, tmp_path: Path) -> None:
    data = (bases / "jpeg.tif").read_bytes()
    assert mutate(data, 5) == mutate(data, 5)
    made = [mutate(data, number) for number in range(300)]
    assert len({m.data for m in made}) > 250
    assert all(m.data != data for m in made[:5])
    for kind in TIFF_KINDS:
        assert any(kind.__name__.strip("_") in m.what for m in made), kind.__name__
    photograph = [mutate((bases / "photo.jpg").read_bytes(), n).what for n in range(200)]
    for kind in OTHER_KINDS:
        assert any(kind.__name__.strip("_") in what for what in photograph), kind.__name__
    damage(bases / "new.ome.zarr", tmp_path / "copy", 3)
    assert (tmp_path / "copy").is_dir()


@pytest.mark.parametrize("name", ["jpeg.tif", "zlib.tif", "plain.tif", "subifds.ome.tif"])
def test_the_map_finds_directories_and_tiles(bases: Path, name: str) -> None:
    data = (bases / name).read_bytes()
    found = read_map(data)
    assert found is not None
    assert len(found.pages) >= 2
    assert len(found.segments(data)) >= 8
    widths = [int(next(e.values(data))) for e in found.entries if e.tag == 256]
    assert max(widths) == 300


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (lambda path: os.kill(os.getpid(), signal.SIGSEGV), "ended by signal 11"),
        (lambda path: signal.pause(), "not done after 0 s"),
        (lambda path: np.ones(1 << 28), "MemoryError"),  # 2 GiB
        (lambda path: 1 / 0, "ZeroDivisionError"),
    ],
    ids=["crash", "hang", "memory", "foreign error"],
)
def test_the_worker_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed, expected: str
) -> None:
    sound = write_pyramid(tmp_path / "sound.tif", [texture(100, 80)])
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(fuzz_worker, "LIMIT_S", 0.4 if "not done" in expected else 300.0)
    monkeypatch.setattr(fuzz_worker, "exercise", deed)
    found = fuzz_worker.one(sound, 7, tmp_path / "work")
    assert found is not None
    assert expected in str(found["problem"])
    assert (found["name"], found["number"]) == ("sound.tif", 7)
    monkeypatch.setattr(fuzz_worker, "LIMIT_S", 300.0)
    monkeypatch.setattr(fuzz_worker, "exercise", lambda path: "opened")
    assert fuzz_worker.one(sound, 7, tmp_path / "work") is None
