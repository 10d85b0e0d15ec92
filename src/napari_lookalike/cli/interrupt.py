"""Ctrl-C at any moment: before a command has begun, within it, and after its end.

Imports next to nothing: it is there to be ready before anything else is imported.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell expects it."""

_AGAIN_S = 0.05

_interrupted = False


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed within `raised`, whatever became of the exception."""
    return _interrupted


def leave(code: int, words: str = "") -> None:
    """From now on, Ctrl-C ends the process at once: for when nothing is at work.

    Parameters
    ----------
    code
        The exit code.
    words
        What is written to standard error.
    """

    def end(signum: int, frame: FrameType | None) -> None:
        for stream in (sys.stdout, sys.stderr):
            # Python may be writing at this very moment, or nobody reads any more.
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                stream.flush()
        with contextlib.suppress(OSError):
            os.write(2, words.encode())
        os._exit(code)

    _listen(end)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Within, Ctrl-C raises ``KeyboardInterrupt``, and is not lost.

    A library that is being imported may turn it into another error (`was_interrupted` tells),
    and in a clean-up that Python runs by itself it would be printed and forgotten: there it
    is raised again.
    """
    global _interrupted
    _interrupted = False
    before = sys.unraisablehook

    def lost(what: Any) -> None:
        if what.exc_type is KeyboardInterrupt:  # here, it would be lost once more
            again = threading.Timer(_AGAIN_S, _thread.interrupt_main)
            again.daemon = True
            again.start()
        else:
            before(what)

    sys.unraisablehook = lost
    _listen(_raise)
    try:
        yield
    finally:
        sys.unraisablehook = before


def _raise(signum: int, frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def _listen(handler: Callable[[int, FrameType | None], None]) -> None:
    """Take Ctrl-C, unless whoever started the program has it ignored (``nohup``)."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)
