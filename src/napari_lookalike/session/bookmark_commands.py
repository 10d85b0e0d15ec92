"""Edits of the bookmarks that can be undone. A project's are written before they are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from napari_lookalike.core.bookmarks import (
    LONGEST_NOTE,
    Bookmark,
    read_bookmarks,
    write_bookmarks,
)
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session

Bookmarks = tuple[Bookmark, ...]


class _BookmarkEdit(ABC):
    """An edit of one bookmark; knows the way back."""

    text: str
    of_project: bool

    @abstractmethod
    def forward(self, bookmarks: Bookmarks) -> Bookmarks:
        """The bookmarks after the edit."""

    @abstractmethod
    def backward(self, bookmarks: Bookmarks) -> Bookmarks:
        """The bookmarks with the edit taken back, and nothing else."""

    def apply(self, session: Session) -> bool:
        """Do it; whether anything changed."""
        if not self.of_project:
            after = self.forward(session.bookmarks)
            changed = after != session.bookmarks
            session.bookmarks = after
            return changed
        return self._put(session, forward=True)

    def undo(self, session: Session) -> None:
        """Take it back."""
        if self.of_project:
            self._put(session, forward=False)
        else:
            session.bookmarks = self.backward(session.bookmarks)

    def _put(self, session: Session, *, forward: bool) -> bool:
        # Read first: another window may have written bookmarks meanwhile.
        root = writable_project_of(session).root
        before = read_bookmarks(root)
        after = self.forward(before) if forward else self.backward(before)
        if after != before:
            write_bookmarks(root, after)
        session.bookmarks = (*after, *(b for b in session.bookmarks if not b.of_project))
        return after != before


class AddBookmark(_BookmarkEdit):
    """Keep a place.

    Parameters
    ----------
    bookmark
        With a slide_id it is written into the project; without, it lasts as long as the
        window.
    """

    def __init__(self, bookmark: Bookmark) -> None:
        self.bookmark = bookmark
        self.of_project = bookmark.of_project
        self.text = f"Add a bookmark on {_named(bookmark)}"

    def forward(self, bookmarks: Bookmarks) -> Bookmarks:
        """With the bookmark."""
        return (*bookmarks, self.bookmark)

    def backward(self, bookmarks: Bookmarks) -> Bookmarks:
        """Without it; a note given meanwhile comes back with a redo."""
        self.bookmark = next((b for b in bookmarks if b.key == self.bookmark.key), self.bookmark)
        return tuple(b for b in bookmarks if b.key != self.bookmark.key)


class EditBookmark(_BookmarkEdit):
    """Change the note of a bookmark.

    Parameters
    ----------
    bookmark
        As it is now.
    note
        What its note shall be.
    """

    def __init__(self, bookmark: Bookmark, note: str) -> None:
        self.bookmark = bookmark
        self.of_project = bookmark.of_project
        self.text = f"Change a note on {_named(bookmark)}"
        self._note = " ".join(note.split())[:LONGEST_NOTE]

    def forward(self, bookmarks: Bookmarks) -> Bookmarks:
        """With the new note."""
        return self._with(bookmarks, self._note)

    def backward(self, bookmarks: Bookmarks) -> Bookmarks:
        """With the former note."""
        return self._with(bookmarks, self.bookmark.note)

    def _with(self, bookmarks: Bookmarks, note: str) -> Bookmarks:
        return tuple(replace(b, note=note) if b.key == self.bookmark.key else b for b in bookmarks)


class DeleteBookmark(_BookmarkEdit):
    """Delete a bookmark.

    Parameters
    ----------
    bookmark
        As it is now.
    """

    def __init__(self, bookmark: Bookmark) -> None:
        self.bookmark = bookmark
        self.of_project = bookmark.of_project
        self.text = f"Delete a bookmark on {_named(bookmark)}"
        self._place = 0

    def forward(self, bookmarks: Bookmarks) -> Bookmarks:
        """Without it."""
        keys = [b.key for b in bookmarks]
        if self.bookmark.key in keys:
            self._place = keys.index(self.bookmark.key)
            self.bookmark = bookmarks[self._place]
        return tuple(b for b in bookmarks if b.key != self.bookmark.key)

    def backward(self, bookmarks: Bookmarks) -> Bookmarks:
        """With it where it was."""
        return (*bookmarks[: self._place], self.bookmark, *bookmarks[self._place :])


def _named(bookmark: Bookmark) -> str:
    return bookmark.slide_id or bookmark.fingerprint[:8]
