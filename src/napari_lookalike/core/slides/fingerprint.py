"""A stable content id of a slide: the same wherever it lies and however it is named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

_WHOLE = 1 << 20
_EDGE = 1 << 16
_BLOCK = 1 << 14
_BLOCKS = 24
_MAX_FILES = 20_000
_METADATA = {"zarr.json", ".zattrs", ".zarray", ".zgroup"}


def fingerprint_file(path: Path) -> str:
    """Hash of a file's size and of sampled blocks (all of it up to 1 MiB).

    Two dozen blocks of 16 KiB, evenly spread, with 64 KiB at both ends: tens of
    milliseconds however large the file is, and edits anywhere in a slide's header,
    directory or ends change it.

    Returns
    -------
    str
        32 hexadecimal characters.
    """
    size = path.stat().st_size
    digest = hashlib.blake2b(size.to_bytes(8, "little"), digest_size=16)
    with path.open("rb") as file:
        if size <= _WHOLE:
            digest.update(file.read())
            return digest.hexdigest()
        digest.update(file.read(_EDGE))
        step = (size - 2 * _EDGE) / _BLOCKS
        for i in range(_BLOCKS):
            file.seek(_EDGE + int(i * step))
            digest.update(file.read(_BLOCK))
        file.seek(size - _EDGE)
        digest.update(file.read(_EDGE))
    return digest.hexdigest()


def fingerprint_files(paths: Iterable[Path]) -> str:
    """Hash of a slide that is several files: of their fingerprints, in sorted order."""
    digest = hashlib.blake2b(digest_size=16)
    for member in sorted(fingerprint_file(path) for path in paths):
        digest.update(member.encode())
    return digest.hexdigest()


def fingerprint_tree(folder: Path) -> str:
    """Hash of a slide that is a folder of many small files (OME-Zarr).

    Of the names and sizes of its first 20,000 files, in order, of all metadata among them,
    and of two dozen others, evenly spread.

    Returns
    -------
    str
        32 hexadecimal characters.
    """
    digest = hashlib.blake2b(digest_size=16)
    files = list(islice(_files_below(folder), _MAX_FILES))
    for path in files:
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
    chunks = [path for path in files if path.name not in _METADATA]
    spread = chunks[:: max(1, len(chunks) // _BLOCKS)]
    for path in [p for p in files if p.name in _METADATA] + spread:
        digest.update(fingerprint_file(path).encode())
    return digest.hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _files_below(path)
        elif path.is_file() and (path.name in _METADATA or not path.name.startswith(".")):
            yield path
