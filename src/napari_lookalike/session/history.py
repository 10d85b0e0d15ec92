"""Undo and redo: commands that were done, and what takes them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from napari_lookalike.session.session import Session

LIMIT = 200
"""Commands that can be undone; older ones are forgotten."""


class Command(Protocol):
    """An edit that can be taken back. Where it fails, everything is as it was."""

    @property
    def text(self) -> str:
        """What it does, for "Undo: ..." ("Relabel S012"). Never names a patient."""

    def apply(self, session: Session) -> bool:
        """Do it, also again after `undo`; whether anything changed."""

    def undo(self, session: Session) -> None:
        """Take it back."""


class History:
    """What was done in a session, and what was undone.

    After each change ``session.history_changed`` is another number, so that views can
    follow (``session.events.history_changed``).

    Parameters
    ----------
    session
        The session that commands act on.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done: list[Command] = []
        self._undone: list[Command] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to do again."""
        return bool(self._undone)

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty if nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would do again; empty if nothing."""
        return self._undone[-1].text if self._undone else ""

    def do(self, command: Command) -> bool:
        """Do a command; whether it changed anything (else there is nothing to undo).

        Raises
        ------
        LookalikeError
            If the command cannot be done; everything is then as it was.
        """
        if not command.apply(self._session):
            return False
        self._done = [*self._done, command][-LIMIT:]
        self._undone = []
        self._changed()
        return True

    def undo(self) -> None:
        """Take the last command back; does nothing if there is none.

        Raises
        ------
        LookalikeError
            If that is not possible now; it can be tried again.
        """
        if self._done:
            self._done[-1].undo(self._session)
            self._undone.append(self._done.pop())
            self._changed()

    def redo(self) -> None:
        """Do the last undone command again; does nothing if there is none.

        Raises
        ------
        LookalikeError
            If that is not possible now; it can be tried again.
        """
        if self._undone:
            self._undone[-1].apply(self._session)
            self._done.append(self._undone.pop())
            self._changed()

    def clear(self) -> None:
        """Forget everything (another project was opened)."""
        self._done, self._undone = [], []
        self._changed()

    def forget(self, *kinds: type) -> None:
        """Forget commands of these kinds, which can no longer be taken back."""
        self._done = [c for c in self._done if not isinstance(c, kinds)]
        self._undone = [c for c in self._undone if not isinstance(c, kinds)]
        self._changed()

    def _changed(self) -> None:
        self._session.history_changed += 1
