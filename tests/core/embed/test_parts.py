"""The store of unfinished features: nothing torn, nothing twice, nothing of another plan."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.core.embed.some_plan import some_plan, vectors_of

from napari_lookalike.core.embed import parts as module
from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.parts import PartStore, parts_folder, read_plan
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import damage, load_features, read_header

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[3]


def test_what_is_added_is_there_for_the_next(tmp_path: Path) -> None:
    plan, folder = some_plan(), parts_folder(tmp_path / "f" / "S01.h5")
    assert folder == tmp_path / "f" / ".S01.parts"
    store = PartStore(folder, plan)
    np.testing.assert_array_equal(store.missing(), coarse_to_fine(plan.grid))
    first = store.missing()[:7]
    store.add(first, vectors_of(first))
    again = PartStore(folder, plan)
    assert again.done == 7 and again.coverage == pytest.approx(7 / 30)
    assert set(again.missing()) == set(range(30)) - set(first)
    indices, vectors = again.load()
    np.testing.assert_array_equal(indices, np.sort(first))
    np.testing.assert_array_equal(vectors, vectors_of(np.sort(first)))


def test_the_finished_file_is_whole_and_the_folder_gone(tmp_path: Path) -> None:
    plan, path = some_plan(), tmp_path / "S01.h5"
    store = PartStore(parts_folder(path), plan)
    for some in np.array_split(store.missing(), 4):
        store.add(some, vectors_of(some))
    store.finish(path)
    assert not parts_folder(path).exists() and sorted(os.listdir(tmp_path)) == ["S01.h5"]
    features = load_features(path, "S01", "enc-1")
    np.testing.assert_array_equal(features.instances, vectors_of(np.arange(30)))
    np.testing.assert_array_equal(features.grid.cells, plan.grid.cells)
    assert (features.fingerprint, features.tissue) == (plan.fingerprint, plan.tissue)
    assert features.coverage == 1 and features.slide_mpp == plan.slide_mpp
    assert damage(path) == ""


def test_a_plan_comes_back_and_every_change_counts(tmp_path: Path) -> None:
    plan = some_plan(stain='{"method": "macenko"}')
    PartStore(tmp_path, plan)
    read = read_plan(tmp_path)
    assert read is not None and read.digest == plan.digest and read.stain == plan.stain
    cells = plan.grid.cells[:-1]
    others = [
        dataclasses.replace(plan, **change)
        for change in (
            {"slide_id": "S02"}, {"fingerprint": "x"}, {"encoder": "e"}, {"dim": 5},
            {"slide_mpp": None}, {"tissue": ""}, {"stain": ""},
            {"grid": dataclasses.replace(plan.grid, cells=cells)},
            {"grid": dataclasses.replace(plan.grid, mpp=None)},
        )
    ]  # fmt: skip
    assert len({p.digest for p in [plan, *others]}) == 10


def test_parts_of_another_plan_are_thrown_away(tmp_path: Path) -> None:
    old = PartStore(tmp_path, some_plan(tissue="old"))
    old.add(np.arange(9), vectors_of(np.arange(9)))
    new = PartStore(tmp_path, some_plan())
    assert new.done == 0
    # a late worker of the old plan does not mix its numbers in
    module.write_part(tmp_path, old.plan.digest, np.arange(30), vectors_of(np.arange(30)))
    assert len(new.missing()) == 30 and len(PartStore(tmp_path, some_plan()).missing()) == 30
    assert not list(tmp_path.glob(f"{old.plan.digest}*"))


def test_a_damaged_plan_starts_anew(tmp_path: Path) -> None:
    store = PartStore(tmp_path, some_plan())
    store.add(np.arange(5), vectors_of(np.arange(5)))
    plan = tmp_path / "plan.hdf5"
    plan.write_bytes(plan.read_bytes()[:900])
    assert read_plan(tmp_path) is None
    assert PartStore(tmp_path, some_plan()).done == 5  # they say themselves what they are of


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "text", "other shape", "far away"])
def test_damaged_parts_are_ignored_and_removed(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "parts"
    store = PartStore(folder, some_plan())
    store.add(np.arange(12), vectors_of(np.arange(12)))
    store.add(np.arange(12, 20), vectors_of(np.arange(12, 20)))
    path = sorted(folder.glob("*.npz"))[0]
    lost = module.read_part(path, 30, 4)[0]
    data = bytearray(path.read_bytes())
    if how == "flipped":
        place = data.find(vectors_of(lost).tobytes())
        assert place > 0
        data[place + 5] ^= 1
    path.write_bytes(
        {"cut": bytes(data[:-100]), "empty": b"", "text": b"what?"}.get(how, bytes(data))
    )
    if how == "other shape":
        np.savez(path, indices=np.arange(3), vectors=np.zeros((3, 9), np.float32))
    if how == "far away":
        np.savez(path, indices=np.array([99]), vectors=np.zeros((1, 4), np.float32))
    again = PartStore(folder, some_plan())
    assert again.done == 20 - len(lost) and set(lost) <= set(again.missing())
    assert not path.exists()
    again.add(lost, vectors_of(lost))
    again.add(np.arange(20, 30), vectors_of(np.arange(20, 30)))
    again.finish(tmp_path / "S01.h5")
    assert damage(tmp_path / "S01.h5") == ""


def test_what_a_killed_process_left_half_written_is_nothing(tmp_path: Path) -> None:
    store = PartStore(tmp_path, some_plan())
    old, fresh = tmp_path / f"{store.plan.digest}-0a.tmp", tmp_path / "1b.tmp"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    assert PartStore(tmp_path, some_plan()).done == 0
    assert not old.exists() and fresh.exists()  # it may be another process's


def test_a_tile_that_comes_twice_counts_once(tmp_path: Path) -> None:
    first, second = (PartStore(tmp_path / "parts", some_plan()) for _ in "ab")
    first.add(np.arange(20), vectors_of(np.arange(20)))
    second.add(np.arange(10, 30), vectors_of(np.arange(10, 30)))
    assert not len(first.missing()) and first.done == 30
    first.finish(tmp_path / "S01.h5")
    features = load_features(tmp_path / "S01.h5")
    np.testing.assert_array_equal(features.instances, vectors_of(np.arange(30)))


def test_many_small_parts_become_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MERGE_AT", 4)
    store = PartStore(tmp_path, some_plan())
    for i in range(30):
        store.add(np.array([i]), vectors_of(np.array([i])))
    assert len(list(tmp_path.glob("*.npz"))) < 12
    np.testing.assert_array_equal(store.load()[1], vectors_of(np.arange(30)))
    assert PartStore(tmp_path, some_plan()).done == 30


def test_wrong_numbers_are_refused(tmp_path: Path) -> None:
    store = PartStore(tmp_path, some_plan())
    for indices, vectors, words in (
        (np.arange(2), np.zeros((3, 4)), "do not fit"),
        (np.arange(2), np.zeros((2, 5)), "do not fit"),
        (np.array([30]), np.zeros((1, 4)), "do not fit"),
        (np.array([-1]), np.zeros((1, 4)), "do not fit"),
        (np.array([1]), np.full((1, 4), np.nan), "not finite"),
    ):
        with pytest.raises(FeatureError, match=words) as error:
            store.add(indices, vectors)
        assert error.value.slide == "S01"
    assert store.done == 0 and not list(tmp_path.glob("*.npz"))


def test_too_early_to_finish_and_stopping_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "S01.h5"
    store = PartStore(parts_folder(path), some_plan())
    with pytest.raises(FeatureError, match="30 of 30"):
        store.finish(path, partial=True)
    some = store.missing()[:12]
    store.add(some, vectors_of(some))
    with pytest.raises(FeatureError, match="18 of 30"):
        store.finish(path)
    monkeypatch.setattr(module, "_FINISH_BYTES", 5 * 16)  # five rows at a time
    store.finish(path, partial=True)
    features, header = load_features(path), read_header(path)
    assert features.coverage == pytest.approx(0.4) and header is not None
    assert header.coverage == features.coverage and len(features) == 12
    np.testing.assert_array_equal(features.instances, vectors_of(np.sort(some)))
    np.testing.assert_array_equal(features.grid.cells, store.plan.grid.cells[np.sort(some)])


def test_a_folder_that_vanished_is_told_in_a_sentence(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts", some_plan())
    module.discard(tmp_path / "parts")
    with pytest.raises(FeatureError, match="gone") as error:
        store.add(np.arange(3), vectors_of(np.arange(3)))
    assert str(tmp_path) not in str(error.value)


WRITER = """
import sys
from pathlib import Path
import numpy as np
from tests.core.embed.some_plan import some_plan, vectors_of
from napari_lookalike.core.embed.parts import PartStore
store = PartStore(Path(sys.argv[1]), some_plan(100, 100))
print("ready", flush=True)
for some in np.array_split(store.missing(), 2500):
    store.add(some, vectors_of(some))
    print("added", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_torn(tmp_path: Path) -> None:
    """Writers that do nothing but write and merge, killed again and again."""
    rng, before = np.random.default_rng(0), 0
    for _ in range(8):
        run = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert run.stdout is not None
        for _ in range(1 + rng.integers(5, 100)):
            run.stdout.readline()
        time.sleep(rng.uniform(0, 0.02))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        store = PartStore(tmp_path, some_plan(100, 100))
        assert store.done >= before
        indices, vectors = store.load()
        np.testing.assert_array_equal(vectors, vectors_of(indices))
        assert len(indices) == store.done
        before = store.done
    assert before > 50
