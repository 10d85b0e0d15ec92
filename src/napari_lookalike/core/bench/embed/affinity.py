"""Holding a measurement on so many cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def cores_here() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def on_cores(number: int) -> Iterator[None]:
    """Hold this thread, and the processes that it starts, on some cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
