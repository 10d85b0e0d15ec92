"""Coarse levels that had to be computed, kept on disk: the next time they are there at once.

One file per slide in the user's cache folder, named by the fingerprint of the slide's
content, readable by its owner only, and mapped into memory rather than loaded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs

from napari_lookalike.core.slides.base import RGB

LIMIT_BYTES = 4 << 30
"""All files together; those not used for longest go first."""

WORTH_PX = 1 << 25
"""Levels of smaller images are computed anew: it takes less than a second."""

_VERSION = 1
_HEADER = 16
_MAGIC = b"lookalike-levels"

Shape = tuple[int, int]
"""(height, width) in pixels."""


def store_folder() -> Path:
    """Where the files are."""
    return platformdirs.user_cache_path("napari-lookalike", appauthor=False) / "levels"


def load_levels(fingerprint: str, shapes: Sequence[Shape]) -> list[RGB] | None:
    """The kept levels of a slide, or ``None``.

    Parameters
    ----------
    fingerprint
        The slide's content id.
    shapes
        Of the levels, from fine to coarse; a file with others is not taken.

    Returns
    -------
    list of ndarray of uint8 (height, width, 3), or None
        Read-only, mapped from the file.
    """
    path = _path(fingerprint)
    try:
        with path.open("rb") as file:
            whole = file.read(_HEADER) == _MAGIC
        if not whole or path.stat().st_size != _HEADER + _size(shapes):
            return None
        os.utime(path)
        return _mapped(path, shapes)
    except (OSError, ValueError):  # absent, damaged or not to be mapped: computed anew
        return None


def save_levels(fingerprint: str, levels: Sequence[RGB]) -> list[RGB] | None:
    """Keep the levels of a slide; whole, or not at all.

    Returns
    -------
    list of ndarray, or None
        The same, mapped from the file; ``None`` if they could not be kept (a full disk, a
        folder that cannot be written).
    """
    path = _path(fingerprint)
    shapes = [(level.shape[0], level.shape[1]) for level in levels]
    draft = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_room(path.parent, _size(shapes))
        with draft.open("wb") as file:
            draft.chmod(0o600)
            file.write(_MAGIC)
            for level in levels:
                file.write(np.ascontiguousarray(level).data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return _mapped(path, shapes)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            draft.unlink()
        return None


def _path(fingerprint: str) -> Path:
    return store_folder() / f"{fingerprint}.v{_VERSION}"


def _size(shapes: Sequence[Shape]) -> int:
    return sum(height * width * 3 for height, width in shapes)


def _mapped(path: Path, shapes: Sequence[Shape]) -> list[RGB]:
    found: list[RGB] = []
    at = _HEADER
    for height, width in shapes:
        level = np.memmap(path, np.uint8, "r", at, (height, width, 3))
        found.append(level.view(np.ndarray))
        at += height * width * 3
    return found


def _make_room(folder: Path, wanted: int) -> None:
    """Delete what was not used for longest until there is room, and drafts left behind."""
    files = []
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            about = file.stat()
            files.append((about.st_mtime, about.st_size, file))
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if total + wanted <= LIMIT_BYTES:
            return
        with contextlib.suppress(OSError):  # on Windows, one that is in use stays
            file.unlink()
            total -= size
