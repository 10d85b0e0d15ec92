"""SHA-256 of weight files, computed once for a file: some have gigabytes."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import platformdirs

from napari_lookalike.core.encoders.weights import parts, unreadable_weights
from napari_lookalike.core.errors import ProjectError

_CHUNK = 1 << 22


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    EncoderError
        If the file cannot be read: check that it exists and may be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise unreadable_weights(error) from error
    return digest.hexdigest()


def remembered_checksum(path: Path) -> str:
    """SHA-256 of a weight file, or of the list of its parts' names and checksums.

    A file is taken for the same while its place, size and time of change are.

    Raises
    ------
    EncoderError
        If it, or a part of it, cannot be read.
    """
    files = parts(path)
    if files == (path,):
        return _remembered(path)
    lines = "".join(f"{_remembered(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _remembered(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return checksum(path)  # says what is wrong
    key = f"{path.absolute()}|{state.st_size}|{state.st_mtime_ns}"
    key = hashlib.sha256(key.encode()).hexdigest()
    known = _known()
    if key not in known:
        known[key] = checksum(path)
        _keep(known)
    return known[key]


def _file() -> Path:
    return platformdirs.user_cache_path("napari-lookalike", appauthor=False) / "checksums.json"


def _known() -> dict[str, str]:
    try:
        data = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}


def _keep(known: dict[str, str]) -> None:
    from napari_lookalike.core.project_file import write_atomic

    def write(path: Path) -> None:
        path.write_text(json.dumps(known), encoding="utf-8")

    with suppress(ProjectError):  # computed again next time
        write_atomic(_file(), write)
