"""Processes of ours that Ctrl-C does not reach: whoever started them ends them.

A terminal sends Ctrl-C to all processes of a command at once. Each of them, in whatever it
imports or computes, would print a traceback, while the first has said "Stopped." already.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Processes and threads that are started within never see Ctrl-C.

    In this process it comes at the end of the block. Where the system has no signal masks
    (Windows), processes do see it.
    """
    with _later():
        if not hasattr(signal, "pthread_sigmask"):
            yield
            return
        resource_tracker.ensure_running()  # it lets Ctrl-C through again when it is started
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _later() -> Iterator[None]:
    """Ctrl-C is answered at the end of the block, whichever thread it was given to."""
    if threading.current_thread() is not threading.main_thread():  # no other may ask for it
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])


class WorkerPool(ProcessPoolExecutor):
    """Fresh processes (spawned, not forked) that are deaf to Ctrl-C.

    Parameters
    ----------
    workers
        How many.
    **rest
        As of ``ProcessPoolExecutor``.
    """

    def __init__(self, workers: int, **rest: Any) -> None:
        super().__init__(workers, mp_context=multiprocessing.get_context("spawn"), **rest)

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Give work to a process; the first call starts them."""
        with deaf_to_ctrl_c():
            return super().submit(fn, *args, **kwargs)
