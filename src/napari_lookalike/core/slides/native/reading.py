"""Reading a file at given places, from any thread."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from napari_lookalike.core.slides.source import CannotRead

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_pread: Callable[[int, int, int], bytes] | None = getattr(os, "pread", None)


class PositionalFile:
    """A file that threads read without a lock, and that no read can crash on.

    It is not mapped into memory: if the file is cut or its disk disappears, a read of
    mapped memory would end the process. The file is closed when the last user has let go
    of this object, so a read that is going on never sees another file's bytes.

    Parameters
    ----------
    path
        Where it lies.

    Raises
    ------
    CannotRead
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, _FLAGS)
            self.size = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise _cannot_read(error) from None
        self._lock = threading.Lock()
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, offset: int, count: int) -> bytes:
        """Exactly ``count`` bytes from ``offset``.

        Raises
        ------
        CannotRead
            If the file does not have them (any more), or the disk fails.
        """
        if offset + count > self.size:
            raise CannotRead("the file is cut off")
        try:
            data = self._part(offset, count)
            while len(data) < count:  # a signal or a network drive may give less at once
                more = self._part(offset + len(data), count - len(data))
                if not more:
                    raise CannotRead("the file is cut off")
                data += more
        except OSError as error:
            raise _cannot_read(error) from None
        return data

    def _part(self, offset: int, count: int) -> bytes:
        if _pread is not None:
            return _pread(self._descriptor, count, offset)
        with self._lock:  # Windows has one position per file
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, count)


def _cannot_read(error: OSError) -> CannotRead:
    """What the system says, which is without the file's name."""
    return CannotRead(error.strerror or "the disk fails")
