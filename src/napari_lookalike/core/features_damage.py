"""Whether the numbers of a feature file are those it was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.features_file import ROWS, UNREADABLE, Group


def damage(path: Path) -> str:
    """What is wrong with the numbers of a feature file; empty if nothing is.

    Reads all of the file and compares it with the checksum in it. A file of TRIDENT's, or
    of an earlier version, has none: its numbers must be finite.

    Parameters
    ----------
    path
        A file whose header was read.
    """
    try:
        with h5py.File(path, "r") as file:
            digest = hashlib.sha256()
            for rows in _pieces(file["features"]):
                if not np.isfinite(rows).all():
                    return "some of its numbers are not finite"
                digest.update(np.ascontiguousarray(rows, dtype="<f4").data)
            wanted = str(file.attrs.get("checksum", ""))
    except UNREADABLE as error:
        return f"it cannot be read ({type(error).__name__})"
    return "" if wanted in ("", digest.hexdigest()) else "its numbers are not those it was made of"


def _pieces(data: Group) -> Iterator[NDArray[np.float32]]:
    """Rows of a dataset, some at a time; older TRIDENT wrote (1, N, D)."""
    rows = data if data.ndim == 2 else data[0]
    for start in range(0, len(rows), ROWS):
        yield np.asarray(rows[start : start + ROWS])
