"""Bookmarks: on the disk first, undone, kept apart for slides of no project."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_lookalike.core.bookmarks import Bookmark, bookmarks_path, read_bookmarks
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.session.commands import AddBookmark, DeleteBookmark, EditBookmark
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session


def mark(slide_id="S01", **changes):
    return replace(Bookmark(slide_id, "f1", 10.0, 20.0, 2.0), **changes)


def kept(session):
    return read_bookmarks(session.project.root)


def test_add_edit_delete_and_back(opened):
    first, second = mark(), mark("S05")
    opened.history.do(AddBookmark(first))
    opened.history.do(AddBookmark(second))
    opened.history.do(EditBookmark(first, "  look\nagain "))
    assert opened.bookmarks == kept(opened) == (replace(first, note="look again"), second)
    assert not opened.history.do(EditBookmark(opened.bookmarks[0], "look again"))
    opened.history.do(DeleteBookmark(opened.bookmarks[0]))
    assert opened.bookmarks == kept(opened) == (second,)
    assert opened.history.undo_text == "Delete a bookmark on S01"
    opened.history.undo()
    assert opened.bookmarks == kept(opened) == (replace(first, note="look again"), second)
    opened.history.undo()
    assert opened.bookmarks[0].note == ""
    opened.history.undo()
    opened.history.undo()
    assert opened.bookmarks == kept(opened) == ()
    for _ in range(4):
        opened.history.redo()
    assert opened.bookmarks == kept(opened) == (second,)


def test_they_are_there_when_the_project_is_opened_again(opened, tiny):
    opened.history.do(AddBookmark(mark(note="here")))
    session = Session()
    open_project(session, tiny.root)
    assert session.bookmarks == opened.bookmarks


def test_notes_stay_out_of_the_texts_of_edits(opened):
    for command in (
        AddBookmark(mark(note="Anna")),
        EditBookmark(mark(), "Anna"),
        DeleteBookmark(mark(note="Anna")),
    ):
        assert "Anna" not in command.text


def test_another_windows_bookmarks_are_not_lost(opened, tiny):
    other = Session()
    open_project(other, tiny.root)
    other.history.do(AddBookmark(mark("S09")))
    opened.history.do(AddBookmark(mark("S01")))
    assert [b.slide_id for b in kept(opened)] == ["S09", "S01"]
    opened.history.undo()
    assert [b.slide_id for b in kept(opened)] == ["S09"]


def test_a_read_only_project_refuses_in_a_sentence(opened):
    opened.project.read_only = True
    with pytest.raises(ProjectError, match="read-only"):
        opened.history.do(AddBookmark(mark()))
    assert opened.bookmarks == ()
    assert not bookmarks_path(opened.project.root).exists()
    assert not opened.history.can_undo


def test_a_damaged_file_is_not_written_over(opened, tiny):
    bookmarks_path(tiny.root).write_bytes(b"damaged")
    with pytest.raises(ProjectError, match="damaged"):
        opened.history.do(AddBookmark(mark()))
    assert bookmarks_path(tiny.root).read_bytes() == b"damaged"
    session = Session()
    open_project(session, tiny.root)
    assert "The bookmarks cannot be shown" in session.notice.text
    assert len(session.cohort) == 24


def test_a_slide_of_no_project_keeps_its_bookmarks_in_the_session(opened, tiny):
    alone = mark("", fingerprint="alone")
    opened.history.do(AddBookmark(alone))
    opened.history.do(AddBookmark(mark("S01")))
    assert [b.slide_id for b in kept(opened)] == ["S01"]
    close_project(opened)
    assert opened.bookmarks == (alone,)
    open_project(opened, tiny.root)
    assert {b.slide_id for b in opened.bookmarks} == {"", "S01"}
    session = Session()
    session.history.do(AddBookmark(alone))  # no project is needed for it
    session.history.do(EditBookmark(alone, "x"))
    assert session.bookmarks[0].note == "x"
    session.history.undo()
    session.history.undo()
    assert session.bookmarks == ()
