"""Runs core functions in a child process and brings results back to the window's thread."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

from napari_lookalike.core.child import Child
from napari_lookalike.core.progress import Job
from napari_lookalike.session.session import JobStatus, Session
from napari_lookalike.ui.notify import report

ResultHook = Callable[[Any], None]
ErrorHook = Callable[[BaseException], None]
ValueHook = Callable[[Any], None]


WAIT_S = 0.05
"""How often a job that waits for its lane looks whether it was cancelled."""


class _Lane:
    """One child process and who may talk to it."""

    def __init__(self) -> None:
        self.child = Child()
        self._turn = threading.Lock()
        self._closed = False

    def call(self, job: Job, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Wait for the jobs before this one, unless it is cancelled meanwhile, then run it."""
        while not self._turn.acquire(timeout=WAIT_S):
            job.step(0, 0, "Waiting")
        try:
            # Cancelled while it waited: do not start a process that nobody wants.
            job.step(0, 0, "Starting")
            return self.child.call(function, *args, job=job, **kwargs)
        finally:
            if self._closed:  # while a process was being started
                self.child.stop()
            self._turn.release()

    def close(self) -> None:
        """End the process; a job that is just starting another ends that too."""
        self._closed = True
        self.child.stop()


@dataclass(frozen=True)
class _Run:
    key: int
    job: Job
    on_result: ResultHook | None
    on_error: ErrorHook | None
    on_value: ValueHook | None = None


class JobRunner(QObject):
    """Long work for the panels of one viewer.

    Jobs with the same ``lane`` run one after another in one warm child process; other
    lanes have a child of their own, so that the map is drawn while slides are embedded.
    Results, errors and progress arrive in the window's thread. A late result of a runner
    that was closed is dropped.

    Parameters
    ----------
    session
        Where the jobs are shown (`Session.jobs`).
    parent
        Qt parent.
    """

    _stepped = Signal(int, int, int, str)
    _ended = Signal(int, object, object)
    _showed = Signal(int, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._keys = itertools.count(1)
        self._runs: dict[int, _Run] = {}
        self._lanes: dict[str, _Lane] = {}
        self._closed = False
        self._stepped.connect(self._on_step, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._on_end, Qt.ConnectionType.QueuedConnection)
        self._showed.connect(self._on_value, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether any job runs."""
        return bool(self._runs)

    def warm_up(self, lane: str = "work") -> None:
        """Start a lane's process before it is needed."""
        if not self._closed:
            self._lane(lane).child.start()

    def _lane(self, lane: str) -> _Lane:
        return self._lanes.setdefault(lane, _Lane())

    def run(
        self,
        function: Callable[..., Any],
        *args: Any,
        title: str,
        on_result: ResultHook | None = None,
        on_error: ErrorHook | None = None,
        on_value: ValueHook | None = None,
        lane: str = "work",
        **kwargs: Any,
    ) -> int:
        """Run ``function(*args, **kwargs, job=…)`` in a child process.

        Parameters
        ----------
        function
            A top-level function; arguments and result are pickled.
        title
            What it is, for a person.
        on_result, on_error
            Called in the window's thread. Without ``on_error`` the error is told to the
            user; with it, the hook decides.
        on_value
            Called in the window's thread with what the work shows before it is done
            (`Job.show`).
        lane
            Which child process.

        Returns
        -------
        int
            Key for `cancel`.
        """
        key = next(self._keys)
        if self._closed:  # a panel's timer that outlived the window
            return key
        job = Job(
            lambda done, total, what: self._emit(self._stepped, key, done, total, what),
            None if on_value is None else lambda value: self._emit(self._showed, key, value),
        )
        self._runs[key] = _Run(key, job, on_result, on_error, on_value)
        self.session.jobs = (*self.session.jobs, JobStatus(key, title, what="Starting"))
        process = self._lane(lane)

        def work() -> None:
            value: Any = None
            error: BaseException | None = None
            try:
                value = process.call(job, function, *args, **kwargs)
            except BaseException as caught:  # noqa: BLE001 - carried to the window's thread
                error = caught
            self._emit(self._ended, key, value, error)

        threading.Thread(target=work, name=f"lookalike-job-{key}", daemon=True).start()
        return key

    def _emit(self, signal: Any, *values: object) -> None:
        if not self._closed:
            with contextlib.suppress(RuntimeError):  # the window went away meanwhile
                signal.emit(*values)

    def cancel(self, key: int) -> None:
        """Ask a job to stop; it ends by itself soon after."""
        run = self._runs.get(key)
        if run is not None:
            run.job.cancel()

    def end_early(self, key: int) -> None:
        """Ask a job to come to a good end soon and keep what it has, where it can."""
        run = self._runs.get(key)
        if run is not None:
            run.job.finish()

    def cancel_all(self) -> None:
        """Ask all jobs to stop."""
        for key in tuple(self._runs):
            self.cancel(key)

    def close(self) -> None:
        """Stop everything at once and end the processes. What comes late is dropped."""
        self._closed = True
        self.cancel_all()
        self._runs.clear()
        self.session.jobs = ()
        for lane in self._lanes.values():
            lane.close()

    def _on_step(self, key: int, done: int, total: int, what: str) -> None:
        if key in self._runs:
            self.session.jobs = tuple(
                replace(s, done=done, total=total, what=what) if s.key == key else s
                for s in self.session.jobs
            )

    def _on_value(self, key: int, value: Any) -> None:
        run = self._runs.get(key)
        if run is None or run.on_value is None:
            return
        try:
            run.on_value(value)
        except Exception as late:  # noqa: BLE001 - a hook's fault must reach the user too
            report(self.session, late)

    def _on_end(self, key: int, value: Any, error: BaseException | None) -> None:
        run = self._runs.pop(key, None)
        if run is None:
            return
        self.session.jobs = tuple(s for s in self.session.jobs if s.key != key)
        try:
            if error is None:
                if run.on_result is not None:
                    run.on_result(value)
            elif run.on_error is not None:
                run.on_error(error)
            else:
                report(self.session, error)
        except Exception as late:  # noqa: BLE001 - a hook's fault must reach the user too
            report(self.session, late)
