"""Bookmarks survive the disk, and a damaged file is a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from napari_lookalike.core import project_file
from napari_lookalike.core.bookmarks import (
    FILE_NAME,
    Bookmark,
    bookmarks_path,
    read_bookmarks,
    write_bookmarks,
)
from napari_lookalike.core.errors import ProjectError

ONE = Bookmark("S1", "f" * 32, 100.5, 20.0, 2.0, 0.25, "Mitose, µm?", "Dr Ä")


def test_what_is_written_is_read_again(tmp_path):
    assert read_bookmarks(tmp_path) == ()
    kept = (ONE, replace(ONE, key="k2", mpp=None, note=""))
    write_bookmarks(tmp_path, kept)
    assert read_bookmarks(tmp_path) == kept
    assert ONE.key != Bookmark("S1", "f", 1, 1, 1).key
    assert ONE.time.endswith("+00:00")


def test_a_bookmark_has_no_path_and_no_patient(tmp_path):
    write_bookmarks(tmp_path, [ONE])
    row = json.loads(bookmarks_path(tmp_path).read_text("utf-8"))["bookmarks"][0]
    assert set(row) == {
        *("slide_id", "fingerprint", "x_px0", "y_px0", "downsample", "mpp"),
        *("note", "expert", "time", "key"),
    }


def test_a_crash_while_writing_leaves_the_former_file(tmp_path, monkeypatch):
    write_bookmarks(tmp_path, [ONE])
    before = bookmarks_path(tmp_path).read_bytes()

    def crash(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project_file.Path, "replace", crash)
    with pytest.raises(ProjectError, match="No space left"):
        write_bookmarks(tmp_path, [ONE, replace(ONE, key="k2")])
    assert bookmarks_path(tmp_path).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    "change",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b'{"format": "other"}',
        b'{"format": "napari-lookalike bookmarks", "bookmarks": [{}]}',
        b'{"format": "napari-lookalike bookmarks", "bookmarks": 3}',
        b'{"format": "napari-lookalike bookmarks", "bookmarks": [{"slide_id": "S", '
        b'"fingerprint": "f", "x_px0": NaN, "y_px0": 1, "downsample": 1}]}',
        b'{"format": "napari-lookalike bookmarks", "bookmarks": [{"slide_id": "S", '
        b'"fingerprint": "f", "x_px0": 1, "y_px0": 1, "downsample": 0}]}',
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path, change):
    bookmarks_path(tmp_path).write_bytes(change)
    with pytest.raises(ProjectError, match="damaged") as caught:
        read_bookmarks(tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_a_file_of_a_newer_version_is_not_read(tmp_path):
    data = {"format": "napari-lookalike bookmarks", "schema": 99, "bookmarks": []}
    bookmarks_path(tmp_path).write_text(json.dumps(data))
    with pytest.raises(ProjectError, match="newer version"):
        read_bookmarks(tmp_path)


def test_columns_that_we_do_not_know_yet_are_passed_over(tmp_path):
    write_bookmarks(tmp_path, [ONE])
    data = json.loads(bookmarks_path(tmp_path).read_text("utf-8"))
    data["bookmarks"][0]["colour"] = "red"
    bookmarks_path(tmp_path).write_text(json.dumps(data), "utf-8")
    assert read_bookmarks(tmp_path) == (ONE,)
