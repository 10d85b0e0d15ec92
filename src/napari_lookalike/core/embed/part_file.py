"""One part: the vectors of some tiles in a file that is whole or damaged, never half right.

A part is an uncompressed ``.npz`` (a ZIP file: every array in it has a checksum) named
``<digest of the plan>-<random>.npz``, so parts of another plan are never mixed in.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

SUFFIX: Final = ".npz"
_TEMPORARY: Final = ".tmp"
_DEAD_AFTER_S: Final = 300.0

DAMAGED = (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile)
"""What reading a file raises that is no part, or no longer whole."""


def write_part(
    folder: Path, digest: str, indices: NDArray[np.int64], vectors: NDArray[np.float32]
) -> Path:
    """Write one part under a temporary name, flush it to the disk, rename it.

    Parameters
    ----------
    folder
        Folder of parts; must be there.
    digest
        `Plan.digest`.
    indices
        int64 (n,): which tiles.
    vectors
        float32 (n, dim).

    Raises
    ------
    OSError
        If the folder is gone or full.
    """
    path = folder / f"{digest}-{uuid.uuid4().hex[:12]}{SUFFIX}"
    temporary = path.with_suffix(_TEMPORARY)
    try:
        with temporary.open("wb") as file:
            np.savez(file, indices=indices.astype("<i8"), vectors=vectors.astype("<f4", copy=False))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return path


def read_part(path: Path, n_tiles: int, dim: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Indices and vectors of a part, checked.

    Raises
    ------
    OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile
        `DAMAGED`: it is not there, or not a whole part of such a plan.
    """
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        indices, vectors = file["indices"], file["vectors"]
    if indices.ndim != 1 or vectors.shape != (len(indices), dim) or vectors.dtype != np.float32:
        raise ValueError("arrays of another shape")
    _check_indices(indices, n_tiles)
    return indices, vectors


def read_indices(path: Path, n_tiles: int) -> NDArray[np.int64]:
    """Which tiles are in a part, without its vectors; raises as `read_part`."""
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        indices: NDArray[np.int64] = file["indices"]
    _check_indices(indices, n_tiles)
    return indices


def _check_indices(indices: NDArray[np.int64], n_tiles: int) -> None:
    if indices.ndim != 1 or indices.dtype != np.int64:
        raise ValueError("indices of another kind")
    if len(indices) and (indices.min() < 0 or indices.max() >= n_tiles):
        raise ValueError("tiles that are not in the grid")


def part_files(folder: Path, digest: str) -> list[Path]:
    """The parts of a plan, in the order of their names; none if the folder is gone."""
    return sorted(folder.glob(f"{digest}-*{SUFFIX}"))


def remove_dead(folder: Path, digest: str) -> None:
    """Remove parts of other plans, and temporary files that a killed process left."""
    for path in [*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*{_TEMPORARY}")]:
        with contextlib.suppress(OSError):
            old = time.time() - path.stat().st_mtime > _DEAD_AFTER_S
            if old if path.suffix == _TEMPORARY else not path.name.startswith(digest):
                path.unlink()
