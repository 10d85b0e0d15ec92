"""What one computer knows of a shared table, and what it has yet to send there.

A mark must be on a disk before the window goes on, and a server may be slow, or gone. So the
window works on a SQLite table of its own; its log is the list of what is to be sent, and a
thread sends it. The file lies in the user's own folder and not in the project: a project may
lie on a network drive and be open on several computers, which SQLite does not bear.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.answer_store import put_missing
from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.database import without_password
from napari_lookalike.core.hard_negatives.outbox_file import (
    BLOCK,
    STATE,
    Unsent,
    count_waiting,
    fill,
    read_state,
    read_unsent,
    reserve,
    set_state,
    take_number,
)
from napari_lookalike.core.hard_negatives.schema import EVIDENCE, PAIRS, lacks
from napari_lookalike.core.hard_negatives.sending import Sent, send
from napari_lookalike.core.hard_negatives.table import HardNegativeTable, Held
from napari_lookalike.core.project import Project

_LOCK_S = 5.0
"""Seconds to wait while somebody else writes to the server."""


@dataclass(frozen=True)
class Synced:
    """What an exchange with the server gave.

    Parameters
    ----------
    held
        Marks, evidence tiles, and the number of the server's last change; -1 where the
        rows are not yet those of the server, since more was done here meanwhile.
    sent
        How many changes went to the server.
    disputed
        Numbers of marks that a colleague had changed at the same time.
    waiting
        How many changes wait here still.
    answers
        Answers to suggestions, the server's and this computer's, oldest first.
    """

    held: Held
    sent: int = 0
    disputed: tuple[int, ...] = ()
    waiting: int = 0
    answers: tuple[Decision, ...] = ()


def outbox_folder() -> Path:
    """Where these tables lie: in the user's own folder."""
    return platformdirs.user_data_path("napari-lookalike", appauthor=False) / "waiting"


def outbox_path(address: str) -> Path:
    """The file for a server's address on this computer (homes may be on a network drive)."""
    of = f"{without_password(address)} {platform.node()}"
    return outbox_folder() / f"{hashlib.sha256(of.encode()).hexdigest()[:16]}.sqlite"


class Outbox(HardNegativeTable):
    """A shared table as this computer last knew it, with what was done here since.

    Everything that `HardNegativeTable` does is on this computer's disk when it returns,
    whether the server answers or not; `sync` sends it.

    Parameters
    ----------
    address
        The server's, without a password.
    model_version
        The model that is on the screen, for the log.
    """

    def __init__(self, address: str, *, model_version: str = "") -> None:
        super().__init__(outbox_path(address), model_version=model_version)
        self.address, self.shared = address, True
        self.database.engine = self.database.engine.execution_options(number=take_number)

    @property
    def known(self) -> bool:
        """Whether the server ever answered, so that there is something to show."""
        return self.database.read(lambda c: not lacks(c, STATE), False)

    def check_writable(self) -> None:
        """Refuse to change what the server would never take over.

        Raises
        ------
        TableError
            If the server never answered, or does not let this user write.
        """
        if not self._state().get(f"{PAIRS.name} end"):
            raise TableError(
                "The server of the shared table has not let you write to it yet, so nothing "
                "was changed.",
                "Check the network and try again; or ask who runs the server for the right to.",
            )

    def waiting(self) -> int:
        """How many changes the server does not have yet, as far as is known."""
        return self.database.read(count_waiting, 0)

    def sync(self, seen: int = -1) -> Synced | None:
        """Send what waits and take over what others did. It may take long: for a thread.

        Parameters
        ----------
        seen
            Number of the server's last change that is shown; -1 = none.

        Returns
        -------
        Synced or None
            ``None`` if there was nothing to send and nothing new.

        Raises
        ------
        TableError
            If the server does not answer, or does not let this user write; what waits goes
            on waiting.
        """
        server = HardNegativeTable(self.address, timeout_s=_LOCK_S)
        sent = self._send(server)
        if not sent.changes and server.last_change() == seen:
            return None
        held = server.held()
        # Read after the number of the last change: what came in between is asked for again.
        answers = server.answers()
        renewed = self._renew(held, answers, self._more_numbers(server))
        marks, tiles, _ = self.held()
        last = held[2] if renewed else -1
        disputed = tuple(sorted(sent.disputed))
        return Synced((marks, tiles, last), sent.changes, disputed, self.waiting(), self.answers())

    # ---- inside

    def _send(self, server: HardNegativeTable) -> Sent:
        state = self._state()
        nothing: Unsent = (), 0
        entries, last = self.database.read(lambda c: read_unsent(c, state), nothing)
        if not entries:
            return Sent()
        known = {int(k[5:]): v for k, v in state.items() if k.startswith("mark ")}
        with server.database.writing() as connection:
            sent = send(connection, entries, known)
        with self.database.writing() as connection:
            numbers = {f"mark {here}": there for here, there in sent.numbers.items()}
            set_state(connection, {"sent": last, **numbers})
        return sent

    def _more_numbers(self, server: HardNegativeTable) -> dict[str, int]:
        """New numbers where few are left; none if this user may not write to the server."""
        state = self._state()
        found: dict[str, int] = {}
        for table in (PAIRS, EVIDENCE):
            left = state.get(f"{table.name} end", -1) + 1 - state.get(f"{table.name} next", 0)
            if left >= BLOCK // 2:
                continue
            try:
                with server.database.writing() as connection:
                    first, end = reserve(connection, table)
            except TableError:  # who may only read is told so when they mark
                return found
            found |= {f"{table.name} next": first, f"{table.name} end": end}
        return found

    def _renew(self, held: Held, answers: tuple[Decision, ...], numbers: dict[str, int]) -> bool:
        """Show what the server holds, unless more was done here meanwhile; whether it does."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.database.writing() as connection:
            STATE.create(connection, checkfirst=True)
            set_state(connection, numbers)
            # Answers are only ever added, so that those of others come in whatever waits here.
            put_missing(connection, answers, None)
            if count_waiting(connection):
                return False
            fill(connection, PAIRS, held[0])
            fill(connection, EVIDENCE, held[1])
            return True

    def _state(self) -> dict[str, int]:
        nothing: dict[str, int] = {}
        return self.database.read(read_state, nothing)


def table_for(project: Project, *, model_version: str = "") -> HardNegativeTable:
    """The table that a window works on: the project's own, or this computer's of a shared one."""
    address = project.settings.shared_table
    if address:
        return Outbox(address, model_version=model_version)
    return HardNegativeTable(project.table_path, model_version=model_version)


def send_waiting(project: Project) -> None:
    """Send what waits on this computer, before the shared table itself is read.

    Raises
    ------
    TableError
        If something waits and the server does not answer.
    """
    if project.settings.shared_table:
        outbox = Outbox(project.settings.shared_table)
        if outbox.waiting():
            outbox.sync()


def whole_table(project: Project) -> HardNegativeTable:
    """The project's table where it lies, once it has what waits on this computer.

    Raises
    ------
    TableError
        If something waits and the server does not answer.
    """
    send_waiting(project)
    return HardNegativeTable(project.table_place)
