"""Files of MIL sets: what is read, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.bench.mil.sets import PAPER, find_sets, load_set
from napari_lookalike.core.errors import LookalikeError


def content(bags: int = 6, folds: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    bag = np.repeat(np.arange(bags), 2) * 10 + 7  # numbers of bags need not start at 0
    order = rng.permutation(len(bag))
    held = np.arange(bags) % folds
    train = np.stack([np.stack([np.roll(held, r) != f for f in range(folds)]) for r in range(2)])
    x = np.arange(len(bag) * 3, dtype=np.float64).reshape(-1, 3)
    return {"X": x[order], "bag": bag[order], "y": np.arange(bags) % 2 * 5, "folds_train": train}


def saved(folder: Path, name: str = "Made.npz", **changed: np.ndarray) -> Path:
    file = folder / name
    np.savez(file, **{**content(), **changed})
    return file


def test_instances_are_sorted_into_their_bags(tmp_path: Path) -> None:
    data = load_set(saved(tmp_path), "Made")
    assert [len(b) for b in data.bags] == [2] * 6
    for i, bag in enumerate(data.bags):
        assert bag.dtype == np.float32
        assert sorted(bag[:, 0].tolist()) == [6 * i, 6 * i + 3]
    assert data.y.tolist() == [0, 1] * 3
    assert data.train.shape == (2, 3, 6)


@pytest.mark.parametrize(
    "changed",
    [
        {"bag": np.arange(3)},
        {"y": np.zeros(5)},
        {"y": np.zeros(6)},
        {"folds_train": np.ones((2, 3, 5), bool)},
        {"folds_train": np.ones((2, 3, 6), bool)},
        {"folds_train": np.ones((2, 3, 6), int)},
        {"X": np.full((12, 3), np.nan)},
        {"X": np.array([{}] * 12)},
    ],
)
def test_other_files_are_refused(tmp_path: Path, changed: dict[str, np.ndarray]) -> None:
    with pytest.raises(LookalikeError, match="not a MIL set"):
        load_set(saved(tmp_path, **changed), "Made")


def test_a_file_without_folds_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare.npz"
    np.savez(bare, X=np.zeros((2, 2)))
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    for file in (bare, text):
        with pytest.raises(LookalikeError, match="not a MIL set"):
            load_set(file, "Made")


def test_sets_are_found_by_file_folder_and_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "data" / "mil" / "npz"
    below.mkdir(parents=True)
    fox = saved(below, "Fox.npz")
    made = saved(below)
    assert find_sets(made) == {"Made": made}
    assert find_sets(tmp_path) == {"Fox": fox}
    assert find_sets(below) == {"Fox": fox}
    monkeypatch.setenv("LOOKALIKE_SHARED", str(tmp_path))
    assert find_sets(None) == {"Fox": fox}
    monkeypatch.delenv("LOOKALIKE_SHARED")
    assert find_sets(None) == {}


@pytest.mark.shared
def test_the_shared_sets_are_such_files(shared: Path) -> None:
    files = find_sets(shared)
    if not files:
        pytest.skip("no MIL set is in the shared data")
    assert set(files) <= set(PAPER)
    for name, file in files.items():
        assert load_set(file, name).train.shape[:2] == (5, 10)
