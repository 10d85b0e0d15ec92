"""Short work in a thread, with late answers dropped: what panels use to read files."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QWidget

from napari_lookalike.session.session import Session
from napari_lookalike.ui.notify import report

Done = Callable[[Any], None]
Failed = Callable[[BaseException], None]

THREADS = 4


class Background:
    """Runs the requests of one panel; what was asked before a `forget` is dropped.

    superqt's workers are not used: they exchange Python's warning filters, which belong to
    the whole process, from several threads at once.

    Parameters
    ----------
    session
        Where an error is told.
    panel
        Answers that come after it was deleted are dropped.
    """

    def __init__(self, session: Session, panel: QWidget | None = None) -> None:
        self._session = session
        self._number = 0
        self._running = 0
        if panel is not None:
            panel.destroyed.connect(lambda *_, forget=self.forget: forget())

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._running > 0

    def forget(self) -> None:
        """Drop the answers of all requests so far; those not yet begun are not begun."""
        self._number += 1

    def run(
        self,
        work: Callable[[], Any],
        done: Done,
        failed: Failed | None = None,
        dropped: Done | None = None,
    ) -> None:
        """Run ``work`` in a thread and hand its result to ``done`` in the window's thread.

        Several requests may run at once; call `forget` first to replace what runs.

        Parameters
        ----------
        work
            What to do; knows nothing of the window.
        done
            Takes its result.
        failed
            Takes its error; without it the error is told to the user.
        dropped
            Takes a result that came too late, to close what it holds.
        """
        request = _Request(weakref.ref(self), self._number, done, failed, dropped)
        post = _post()
        self._running += 1
        _threads().submit(_work, request, work, post)


class _Request:
    """One request: who asked, and what becomes of the answer."""

    def __init__(
        self,
        owner: weakref.ref[Background],
        number: int,
        done: Done,
        failed: Failed | None,
        dropped: Done | None,
    ) -> None:
        self._owner, self._number = owner, number
        self._done, self._failed, self._dropped = done, failed, dropped

    @property
    def wanted(self) -> bool:
        """Whether its answer would still be taken."""
        owner = self._owner()
        return owner is not None and owner._number == self._number

    def answer(self, value: Any, error: BaseException | None) -> None:
        """Give the answer to whom it concerns. Window's thread."""
        owner, wanted = self._owner(), self.wanted
        if owner is not None:
            owner._running -= 1
        if owner is None or not wanted:
            if error is None and self._dropped is not None:
                self._dropped(value)
        elif error is None:
            self._done(value)
        elif self._failed is not None:
            self._failed(error)
        else:
            report(owner._session, error)


class _Forgotten(Exception):
    """The request was forgotten before it began."""


def _work(request: _Request, work: Callable[[], Any], post: _Post) -> None:
    value: Any = None
    error: BaseException | None = None
    try:
        if request.wanted:
            value = work()
        else:
            error = _Forgotten()
    except BaseException as caught:  # noqa: BLE001 - carried to the window's thread
        error = caught
    with contextlib.suppress(RuntimeError):  # Qt has gone before the thread
        post.call.emit(partial(request.answer, value, error))


class _Post(QObject):
    """Calls functions in the window's thread."""

    call = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.call.connect(self._on_call, Qt.ConnectionType.QueuedConnection)

    def _on_call(self, function: Callable[[], None]) -> None:
        function()


@cache
def _post() -> _Post:
    """One for the process: it must not be deleted by the thread that holds it last."""
    return _Post()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="lookalike-read")
