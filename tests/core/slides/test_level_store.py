from __future__ import annotations

import os
import stat
import sys

import numpy as np
import pytest

from napari_lookalike.core.slides import level_store
from napari_lookalike.core.slides.level_store import load_levels, save_levels

LEVELS = [np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3), np.ones((15, 20, 3), np.uint8)]
SHAPES = [(30, 40), (15, 20)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(level_store, "store_folder", lambda: tmp_path / "levels")
    return tmp_path / "levels"


def same(found):
    return found is not None and all(
        np.array_equal(a, b) for a, b in zip(found, LEVELS, strict=True)
    )


def test_there_and_back(folder):
    assert load_levels("abc", SHAPES) is None
    assert same(save_levels("abc", LEVELS))
    assert same(load_levels("abc", SHAPES))
    assert load_levels("other", SHAPES) is None
    assert [file.name for file in folder.iterdir()] == ["abc.v1"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_the_owner_may_read_them(folder):
    save_levels("abc", LEVELS)
    assert stat.S_IMODE((folder / "abc.v1").stat().st_mode) == 0o600


def test_they_cannot_be_changed():
    save_levels("abc", LEVELS)
    with pytest.raises(ValueError, match="read-only"):
        load_levels("abc", SHAPES)[0][0, 0] = 1


@pytest.mark.parametrize("spoil", ["cut", "longer", "magic", "empty"])
def test_a_damaged_file_is_as_none(folder, spoil):
    save_levels("abc", LEVELS)
    path = folder / "abc.v1"
    data = path.read_bytes()
    changed = {"cut": data[:-1], "longer": data + b"x", "magic": b"x" + data[1:], "empty": b""}
    path.unlink()
    path.write_bytes(changed[spoil])
    assert load_levels("abc", SHAPES) is None
    assert load_levels("abc", SHAPES[:1]) is None
    assert same(save_levels("abc", LEVELS))
    assert same(load_levels("abc", SHAPES))


def test_what_was_not_used_for_longest_goes(folder, monkeypatch):
    one = sum(level.nbytes for level in LEVELS) + 16
    monkeypatch.setattr(level_store, "LIMIT_BYTES", 3 * one)
    for i, name in enumerate("abc"):
        save_levels(name, LEVELS)
        os.utime(folder / f"{name}.v1", (i, i))
    (folder / "left.123.part").write_bytes(b"x" * one)
    os.utime(folder / "left.123.part", (0, 0))
    assert load_levels("a", SHAPES) is not None  # used just now
    save_levels("d", LEVELS)
    assert sorted(file.name for file in folder.iterdir()) == ["a.v1", "c.v1", "d.v1"]


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert save_levels("abc", LEVELS) is None
    assert load_levels("abc", SHAPES) is None
