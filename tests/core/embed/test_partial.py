"""Looking at unfinished features while they are written."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from tests.core.embed.some_plan import some_plan, vectors_of

from napari_lookalike.core.embed import parts as module
from napari_lookalike.core.embed.partial import coverage, partial_features
from napari_lookalike.core.embed.parts import PartStore, parts_folder


def test_from_nothing_to_all(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    assert partial_features(path) is None and coverage(path) == 0
    store = PartStore(parts_folder(path), some_plan())
    assert partial_features(path) is None and coverage(path) == 0
    some = store.missing()[:6]
    store.add(some, vectors_of(some))
    early = partial_features(path)
    assert early is not None and early.coverage == pytest.approx(0.2) == coverage(path)
    np.testing.assert_array_equal(early.instances, vectors_of(np.sort(some)))
    np.testing.assert_array_equal(early.grid.cells, store.plan.grid.cells[np.sort(some)])
    assert (early.slide_id, early.encoder, early.fingerprint) == ("S01", "enc-1", "abcd")
    rest = store.missing()
    store.add(rest, vectors_of(rest))
    assert coverage(path) == 1
    store.finish(path)
    whole = partial_features(path)
    assert whole is not None and len(whole) == 30 and coverage(path) == 1


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    store = PartStore(parts_folder(path), some_plan())
    store.add(np.arange(4), vectors_of(np.arange(4)))
    torn = parts_folder(path) / f"{store.plan.digest}-00.npz"
    torn.write_bytes(b"torn")
    early = partial_features(path)
    assert early is not None and len(early) == 4
    assert torn.exists()


def test_stopped_early_then_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    store = PartStore(parts_folder(path), some_plan())
    store.add(np.arange(15), vectors_of(np.arange(15)))
    store.finish(path, partial=True)
    assert coverage(path) == 0.5
    again = PartStore(parts_folder(path), some_plan())  # nothing in it yet
    assert coverage(path) == 0.5
    again.add(np.arange(20), vectors_of(np.arange(20)))
    assert coverage(path) == pytest.approx(2 / 3)
    early = partial_features(path)
    assert early is not None and len(early) == 20


def test_what_a_kill_left_beside_a_finished_file_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    store = PartStore(parts_folder(path), some_plan())
    store.add(np.arange(30), vectors_of(np.arange(30)))
    store.finish(path)
    left = PartStore(parts_folder(path), some_plan())  # as if it had not been removed
    left.add(np.arange(3), vectors_of(np.arange(3)))
    assert coverage(path) == 1
    # but parts of another plan are what is being made now
    newer = PartStore(parts_folder(path), some_plan(tissue="new"))
    newer.add(np.arange(3), vectors_of(np.arange(3)))
    assert coverage(path) == pytest.approx(0.1)


@pytest.mark.processes
def test_reading_while_parts_are_written_and_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MERGE_AT", 3)
    path, plan = tmp_path / "S01.h5", some_plan(20, 20)
    store = PartStore(parts_folder(path), plan)

    def write() -> None:
        for some in np.array_split(store.missing(), 100):
            store.add(some, vectors_of(some))

    thread = threading.Thread(target=write)
    thread.start()
    seen = []
    while thread.is_alive() or not seen:
        early = partial_features(path)
        if early is not None:
            cells = {tuple(c): i for i, c in enumerate(plan.grid.cells.tolist())}
            indices = np.array([cells[tuple(c)] for c in early.grid.cells.tolist()])
            np.testing.assert_array_equal(early.instances, vectors_of(indices))
            seen.append(len(early))
    thread.join()
    assert seen[-1] <= 400 and len(partial_features(path) or ()) == 400
