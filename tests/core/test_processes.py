"""Processes of ours and Ctrl-C: it reaches the first one only, and there nothing half-made."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from napari_lookalike.core.processes import WorkerPool, deaf_to_ctrl_c

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal masks")


@pytest.fixture
def came() -> Iterator[list[str]]:
    """What happens, in its order; Ctrl-C is noted in it."""
    noted: list[str] = []
    before = signal.signal(signal.SIGINT, lambda *_: noted.append("Ctrl-C"))
    yield noted
    signal.signal(signal.SIGINT, before)


@pytest.mark.processes
def test_workers_do_not_hear_it() -> None:
    with WorkerPool(1) as pool:
        blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.processes
def test_it_comes_at_the_end(came: list[str]) -> None:
    with deaf_to_ctrl_c():
        os.kill(os.getpid(), signal.SIGINT)
        came.append("made")
    wait_for(came, 2)
    assert came == ["made", "Ctrl-C"]
    os.kill(os.getpid(), signal.SIGINT)
    wait_for(came, 3)
    assert came == ["made", "Ctrl-C", "Ctrl-C"]


def wait_for(came: list[str], many: int) -> None:
    """The system may give a signal to another thread of this process, which answers later."""
    end = time.monotonic() + 60
    while len(came) < many and time.monotonic() < end:
        time.sleep(0.01)
