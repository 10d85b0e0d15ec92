"""Which processes of Python a test has below it."""

from __future__ import annotations

import psutil


def python_children() -> set[int]:
    """Numbers of those that are still alive."""
    return {p.pid for p in psutil.Process().children(recursive=True) if _lives(p)}


def _lives(process: psutil.Process) -> bool:
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE
        return not ended and "python" in process.name().lower()
    except psutil.NoSuchProcess:  # it ended meanwhile
        return False
