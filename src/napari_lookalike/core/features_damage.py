"""Whether a feature file is as it was written; if not, what is wrong with it.

Two sums are in the file: ``checksum`` over its numbers, and ``seal`` over all else that
counts (what it says of its slide and encoder, and where its tiles lie). Without the second, a
flipped bit in a name would pass for the file of another slide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features_file import (
    EMBED_AGAIN,
    ROWS,
    SCHEMA,
    UNREADABLE,
    Group,
    read_grid,
)

SEALED = (
    "lookalike_schema",
    "slide_id",
    "fingerprint",
    "encoder_identity",
    "tissue_settings",
    "count",
    "checksum",
    "coverage",
    "stain_normalisation",
)
"""Attributes of the file that the seal is over; those that are absent count as nothing."""

SINCE = "since the file was written (a fault of the disk, or of a copy)"


def seal_of(file: Group) -> str:
    """SHA-256 over what a file of ours says of itself, and over its tile grid.

    Parameters
    ----------
    file
        An open HDF5 file, all but ``seal`` written.
    """
    digest = hashlib.sha256()
    for name in SEALED:
        digest.update(f"{name}={np.asarray(file.attrs.get(name, '')).tolist()};".encode())
    for name in sorted(file["cells"].attrs):
        digest.update(f"{name}={np.asarray(file['cells'].attrs[name]).tolist()};".encode())
    for name in ("cells", "coords"):
        digest.update(np.ascontiguousarray(file[name][()]).tobytes())
    return digest.hexdigest()


def damage(path: Path) -> str:
    """What is wrong with a feature file, as the rest of a sentence; empty if nothing is.

    Reads all of the file and compares it with the sums in it. A file of TRIDENT's, or of an
    earlier version, lacks them: its numbers must be finite, its coordinates on its grid.

    Parameters
    ----------
    path
        A file that exists.
    """
    try:
        with h5py.File(path, "r") as file:
            return header_changed(file) or numbers_changed(file, _pieces(file["features"]))
    except UNREADABLE as error:
        return unreadable(path, error)


def header_damage(path: Path) -> str:
    """As `damage`, of all but the numbers: cheap."""
    try:
        with h5py.File(path, "r") as file:
            return header_changed(file)
    except UNREADABLE as error:
        return unreadable(path, error)


def header_changed(file: Group) -> str:
    """Whether what an open file says of itself and its tiles is what was written."""
    # One of a newer version may be sealed otherwise.
    if int(file.attrs.get("lookalike_schema", SCHEMA + 1)) > SCHEMA:
        return ""
    seal = str(file.attrs.get("seal", ""))
    if seal:
        same = seal == seal_of(file)
    else:
        same = np.array_equal(np.asarray(file["coords"]), read_grid(file)[0].coords)
    return "" if same else f"what it says of its slide and tiles has changed {SINCE}"


def numbers_changed(file: Group, pieces: Iterator[NDArray[np.float32]]) -> str:
    """Whether the numbers of an open file, in pieces, are those that were written."""
    # Somebody may have halved the precision: that is another file, and no damage.
    ours = file["features"].dtype == np.float32
    wanted = str(file.attrs.get("checksum", "")) if ours else ""
    digest = hashlib.sha256()
    for rows in pieces:
        if not wanted and not np.isfinite(rows).all():
            return "some of its numbers are not finite"
        digest.update(np.ascontiguousarray(rows, dtype="<f4").data)
    return "" if wanted in ("", digest.hexdigest()) else f"its numbers have changed {SINCE}"


def unreadable(path: Path, error: BaseException) -> str:
    """Why a file cannot be read as a feature file, as the rest of a sentence.

    Parameters
    ----------
    path
        The file.
    error
        What h5py raised; its text names files and is not passed on.
    """
    whole = "it is not a whole feature file"
    if isinstance(error, PermissionError):
        return "it may not be read by you"
    try:
        if path.stat().st_size == 0:
            return f"{whole}: it is empty"
        with path.open("rb") as file:
            known = file.read(8) == b"\x89HDF\r\n\x1a\n"
    except OSError as failed:
        return f"it cannot be read ({failed.strerror or type(failed).__name__})"
    if not known:
        return f"{whole}: it begins as a file of another kind"
    if "truncated file" in str(error):
        return f"{whole}: its end is missing (a full disk, or a copy that was broken off)"
    return f"{whole}: a part is missing, or its structure was damaged {SINCE}"


def damaged_file(path: Path, wrong: str, slide_id: str | None) -> FeatureError:
    """What is wrong with a feature file, and how to get features that hold.

    Parameters
    ----------
    path
        The file.
    wrong
        As `damage` says it.
    slide_id
        The slide, if it is known.
    """
    imported = path.parent.name.startswith("features_imported-")
    remedy = "Import its features again." if imported else EMBED_AGAIN
    return FeatureError(f"The feature file is damaged: {wrong}.", remedy, slide_id)


def pieces_of(rows: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Rows, some at a time: no second copy of the numbers."""
    for start in range(0, len(rows), ROWS):
        yield np.asarray(rows[start : start + ROWS])


def _pieces(data: Group) -> Iterator[NDArray[np.float32]]:
    """Rows of a dataset, some at a time; older TRIDENT wrote (1, N, D)."""
    return pieces_of(data if data.ndim == 2 else data[0])
