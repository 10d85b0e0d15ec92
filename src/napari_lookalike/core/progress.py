"""Progress and cancelling for long core functions.

A core function takes ``job: Job = SILENT`` and calls ``job.step(done, total, what)``
at points where stopping is safe. A cancelled job raises there, so ``with`` and
``finally`` blocks run at once, in the thread that does the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

StepHook = Callable[[int, int, str], None]
ValueHook = Callable[[object], None]


class JobCancelled(Exception):
    """Raised inside the work when the user cancelled it. Not an error."""


class Job:
    """Progress hook and cancel token of one long piece of work.

    Parameters
    ----------
    on_step
        Called as ``on_step(done, total, what)`` from the working thread.
    on_value
        Called with what the work shows of itself before it is done; from the working thread.
    """

    def __init__(self, on_step: StepHook | None = None, on_value: ValueHook | None = None) -> None:
        self._on_step, self._on_value = on_step, on_value
        self._cancelled = threading.Event()
        self._finishing = threading.Event()

    @property
    def finishing(self) -> bool:
        """Whether the work should come to a good end soon and keep what it has."""
        return self._finishing.is_set()

    def finish(self) -> None:
        """Ask the work to end early with what it has (any thread may call this).

        Work that cannot goes on to its usual end.
        """
        self._finishing.set()

    @property
    def cancelled(self) -> bool:
        """Whether cancelling was asked for."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to stop at its next step (any thread may call this)."""
        self._cancelled.set()

    def step(self, done: int, total: int, what: str) -> None:
        """Report progress, and stop here if the job was cancelled.

        Parameters
        ----------
        done, total
            Steps done and steps in all; ``total`` 0 means not known.
        what
            What is being done, for a person ("Embedding slide S012").

        Raises
        ------
        JobCancelled
            If `cancel` was called.
        """
        if self._cancelled.is_set():
            raise JobCancelled(what)
        if self._on_step is not None:
            self._on_step(done, total, what)

    @property
    def watched(self) -> bool:
        """Whether anybody looks at what `show` tells; else it need not be computed."""
        return self._on_value is not None

    def show(self, value: object) -> None:
        """Tell an intermediate result. It may be dropped, so the work must not depend on it.

        Parameters
        ----------
        value
            Something that can be pickled, since the work may run in a process of its own.
        """
        if self._on_value is not None:
            self._on_value(value)

    def part(self, index: int, parts: int, prefix: str = "") -> Job:
        """A job for one part of this one: steps of part ``index`` of ``parts``.

        Cancelling the whole cancels the part.
        """
        return _Part(self, index, parts, prefix)


class _Part(Job):
    def __init__(self, whole: Job, index: int, parts: int, prefix: str) -> None:
        super().__init__()
        self._whole, self._index, self._parts, self._prefix = whole, index, parts, prefix
        self._cancelled, self._finishing = whole._cancelled, whole._finishing
        self._on_value = whole._on_value

    def step(self, done: int, total: int, what: str) -> None:
        fraction = done / total if total else 0.0
        scale = 1000
        self._whole.step(
            round(scale * (self._index + fraction)),
            scale * self._parts,
            f"{self._prefix}{what}",
        )


SILENT = Job()
"""A job that reports to nobody. It is shared: never cancel it."""
