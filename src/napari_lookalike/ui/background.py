"""Short work in a thread, with late answers dropped: what panels use to read files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from superqt.utils import create_worker

from napari_lookalike.session.session import Session
from napari_lookalike.ui.notify import report


class Background:
    """Runs the newest request of one panel; older ones are forgotten.

    These are function workers, not generator workers: those swallow ``RuntimeError``.

    Parameters
    ----------
    session
        Where an error is told.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._number = 0
        self._workers: set[Any] = set()

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return bool(self._workers)

    def forget(self) -> None:
        """Drop the answers of all requests so far."""
        self._number += 1

    def run(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run ``work`` in a thread and hand its result to ``done`` in the window's thread.

        Several requests may run at once; call `forget` first to replace what runs.
        """
        worker = create_worker(work)
        number = self._number

        def arrived(value: Any) -> None:
            if number == self._number:
                done(value)

        def failed(error: BaseException) -> None:
            if number == self._number:
                report(self._session, error)

        worker.returned.connect(arrived)
        worker.errored.connect(failed)
        worker.finished.connect(partial(self._workers.discard, worker))
        self._workers.add(worker)
        worker.start()
