"""Features of one slide: one HDF5 file per slide and encoder, complete or absent.

The layout is TRIDENT's (``features``, ``coords`` and their attributes), so that other
tools read it. TRIDENT's coordinates are rounded down and its scale is a magnification;
beside them lie the exact grid, the scale in µm per pixel, and what the file must match
before it is used: fingerprint, encoder identity, count, tissue settings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features_file import (
    Group,
    atomic_file,
    read_grid,
    read_trident_grid,
    write_grid,
)
from napari_lookalike.core.tiles import TileGrid

SCHEMA = 1
"""Version of our own part of the file. What came later (``checksum``, ``coverage``,
``stain``) may be absent, so files of earlier versions still read."""

_ROWS = 4096
"""Rows that are checked, written or summed at a time: no second copy of the numbers."""

_AGAIN = "Embed the slide again."
_UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError)  # h5py's, if damaged


@dataclass(frozen=True, eq=False)
class Features:
    """All instances of one slide.

    Parameters
    ----------
    slide_id
        The slide.
    fingerprint
        Its content id when it was embedded; empty in a file that TRIDENT wrote.
    instances
        float32 (n_tiles, dim); float16 if they are mapped from such a file.
    grid
        Where each instance lies; same order.
    encoder
        `Encoder.identity` of what made them.
    slide_mpp
        µm per level-0 pixel (x, y) when it was embedded; ``None`` if not known.
    tissue
        The tissue settings as JSON; empty if not known.
    inferred
        Names of fields that the file does not state, and that were worked out from what
        it does ("grid", "mpp", ...). Empty for our own files.
    coverage
        Share of the slide's tiles that are here: 1, or less if the user stopped early.
    stain
        How stains were normalised, as JSON; empty if they were not.
    """

    slide_id: str
    fingerprint: str
    instances: NDArray[np.float32]
    grid: TileGrid
    encoder: str
    slide_mpp: tuple[float, float] | None = None
    tissue: str = ""
    inferred: tuple[str, ...] = ()
    coverage: float = 1.0
    stain: str = ""

    def __len__(self) -> int:
        return len(self.instances)


def save_features(path: Path, features: Features) -> None:
    """Write a feature file, whole or not at all.

    It is written under a temporary name in the same folder, flushed to the disk and
    renamed. What a killed run left under such a name is removed.

    Parameters
    ----------
    path
        Where to; folders are made.
    features
        What.

    Raises
    ------
    FeatureError
        If the numbers are not finite, do not fit the grid, or the folder cannot be
        written.
    """
    _check_numbers(features)
    starts = range(0, len(features), _ROWS)
    dim = features.instances.shape[1]
    write_features(path, features, dim, (features.instances[i : i + _ROWS] for i in starts))


def write_features(
    path: Path, about: Features, dim: int, rows: Iterable[NDArray[np.float32]]
) -> None:
    """Write a feature file from pieces, so that not all numbers lie in memory.

    Parameters
    ----------
    path
        Where to; folders are made.
    about
        All but the instances, which may be empty.
    dim
        Length of a vector.
    rows
        The instances, piece by piece, in the order of the grid.

    Raises
    ------
    FeatureError
        If the numbers are not finite, are not as many as the grid has tiles, or the folder
        cannot be written.
    """
    name, count = about.slide_id, len(about.grid)
    with atomic_file(path, name) as temporary, h5py.File(temporary, "w") as file:
        data = file.create_dataset("features", shape=(count, dim), dtype=np.float32)
        data.attrs.update(name=name, savetodir="", encoder=about.encoder)
        digest, done = hashlib.sha256(), 0
        for piece in rows:
            piece = np.ascontiguousarray(piece, dtype="<f4")
            _check_finite(piece, name)
            data[done : done + len(piece)] = piece
            digest.update(piece.data)
            done += len(piece)
        if done != count:
            raise FeatureError("The features do not fit their tile grid.", _AGAIN, name)
        write_grid(file, about.grid, name, about.slide_mpp)
        file.attrs.update(
            lookalike_schema=SCHEMA,
            slide_id=name,
            fingerprint=about.fingerprint,
            encoder_identity=about.encoder,
            tissue_settings=about.tissue,
            count=count,
            checksum=digest.hexdigest(),
            coverage=about.coverage,
            stain_normalisation=about.stain,
        )


def load_features(
    path: Path,
    slide_id: str | None = None,
    encoder: str | None = None,
    *,
    mapped: bool = False,
) -> Features:
    """Read a feature file, ours or one that TRIDENT wrote.

    Parameters
    ----------
    path
        The file.
    slide_id
        The slide it must be of, if given.
    encoder
        The encoder identity it must be of, if given.
    mapped
        Leave the instances on the disk and map them into memory where the file's layout
        allows it (ours does, unless it is compressed). They are then of the file's own type,
        which may be half precision. Changes to them are not written.

    Returns
    -------
    Features
        From a TRIDENT file with `Features.inferred` saying what was worked out.

    Raises
    ------
    FeatureError
        If it is absent, incomplete, damaged, or of another slide or encoder; embed the
        slide again.
    """
    name = slide_id
    try:
        with h5py.File(path, "r") as file:
            there = _map(path, file["features"]) if mapped else None
            features = _read(file, slide_id or path.stem, there)
    except FileNotFoundError:
        raise FeatureError("It has no features yet.", "Embed the slide first.", name) from None
    except _UNREADABLE as error:
        what = f"The feature file is damaged or of another kind ({type(error).__name__})."
        raise FeatureError(what, _AGAIN, name) from None
    if slide_id is not None and features.slide_id != slide_id:
        raise FeatureError("The feature file belongs to another slide.", _AGAIN, name)
    if encoder is not None and features.encoder != encoder:
        what = f"The features are by {features.encoder or 'an unnamed encoder'}, not by {encoder}."
        raise FeatureError(what, _AGAIN, name)
    return features


@dataclass(frozen=True)
class FeatureHeader:
    """What a feature file says of itself, read without its numbers.

    Parameters
    ----------
    slide_id, fingerprint, encoder, slide_mpp, tissue
        As in `Features`.
    count, dim
        Shape of the instances.
    coverage, stain
        As in `Features`.
    """

    slide_id: str
    fingerprint: str
    encoder: str
    slide_mpp: tuple[float, float] | None
    tissue: str
    count: int
    dim: int
    coverage: float = 1.0
    stain: str = ""


def read_header(path: Path) -> FeatureHeader | None:
    """What a file says of itself; ``None`` if it is absent, incomplete or damaged.

    Parameters
    ----------
    path
        The file, which need not exist.
    """
    try:
        with h5py.File(path, "r") as file:
            count, dim = file["features"].shape[-2:]
            whole = len(file["coords"]) == count > 0
            attrs, encoder = file.attrs, file["features"].attrs.get("encoder", "")
            if "lookalike_schema" not in attrs:
                name = str(file["coords"].attrs.get("name", path.stem))
                header = FeatureHeader(name, "", str(encoder), None, "", count, dim)
                return header if whole else None
            whole &= int(attrs["count"]) == count == len(file["cells"])
            x, y = (float(v) for v in file["cells"].attrs["slide_mpp"])
            header = FeatureHeader(
                slide_id=str(attrs["slide_id"]),
                fingerprint=str(attrs["fingerprint"]),
                encoder=str(attrs["encoder_identity"]),
                slide_mpp=None if np.isnan(x) or np.isnan(y) else (x, y),
                tissue=str(attrs["tissue_settings"]),
                count=count,
                dim=dim,
                coverage=float(attrs.get("coverage", 1.0)),
                stain=str(attrs.get("stain_normalisation", "")),
            )
            return header if whole else None
    except _UNREADABLE:
        return None


def features_complete(path: Path, slide_id: str, encoder_identity: str) -> bool:
    """Whether a file holds all features of that slide by that encoder.

    Cheap: reads shapes and attributes, since a file is renamed into place only when whole.
    `damage` reads the numbers too.

    Parameters
    ----------
    path
        The file, which need not exist.
    slide_id
        The slide.
    encoder_identity
        `Encoder.identity`.
    """
    header = read_header(path)
    if header is None or header.coverage < 1:
        return False
    return (header.slide_id, header.encoder) == (slide_id, encoder_identity)


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
    except _UNREADABLE as error:
        return f"it cannot be read ({type(error).__name__})"
    return "" if wanted in ("", digest.hexdigest()) else "its numbers are not those it was made of"


def _pieces(data: Group) -> Iterator[NDArray[np.float32]]:
    """Rows of a dataset, some at a time; older TRIDENT wrote (1, N, D)."""
    rows = data if data.ndim == 2 else data[0]
    for start in range(0, len(rows), _ROWS):
        yield np.asarray(rows[start : start + _ROWS])


def _map(path: Path, data: h5py.Dataset) -> NDArray[np.float32] | None:
    """The numbers of a dataset as they lie in the file; ``None`` where they do not lie so."""
    offset = data.id.get_offset()  # none where they are in chunks or compressed
    if offset is None or data.dtype not in (np.dtype("<f4"), np.dtype("<f2")) or not data.size:
        return None
    # Copy on write: torch takes no read-only memory.
    return np.memmap(path, data.dtype, mode="c", offset=offset, shape=data.shape)


def _read(file: Group, slide_id: str, mapped: NDArray[np.float32] | None = None) -> Features:
    instances = np.asarray(file["features"], np.float32) if mapped is None else mapped
    if instances.ndim == 3 and instances.shape[0] == 1:  # older TRIDENT wrote (1, N, D)
        instances = instances[0]
    if "lookalike_schema" not in file.attrs:
        return _read_trident(file, instances, slide_id)
    if int(file.attrs["lookalike_schema"]) > SCHEMA:
        raise FeatureError(
            "A newer version of the program wrote the feature file.", "Update it.", slide_id
        )
    grid, slide_mpp = read_grid(file)
    features = Features(
        slide_id=str(file.attrs["slide_id"]),
        fingerprint=str(file.attrs["fingerprint"]),
        instances=instances,
        grid=grid,
        encoder=str(file.attrs["encoder_identity"]),
        slide_mpp=slide_mpp,
        tissue=str(file.attrs["tissue_settings"]),
        coverage=float(file.attrs.get("coverage", 1.0)),
        stain=str(file.attrs.get("stain_normalisation", "")),
    )
    _check_numbers(features)
    coords = np.asarray(file["coords"])
    if int(file.attrs["count"]) != len(instances) or not np.array_equal(coords, grid.coords):
        raise FeatureError("The feature file is not complete.", _AGAIN, slide_id)
    return features


def _read_trident(file: Group, instances: NDArray[np.float32], slide_id: str) -> Features:
    attrs = file["features"].attrs
    grid, inferred = read_trident_grid(file, slide_id)
    features = Features(
        slide_id=str(file["coords"].attrs.get("name", attrs.get("name", slide_id))),
        fingerprint="",
        instances=instances,
        grid=grid,
        encoder=str(attrs.get("encoder", "")),
        inferred=("fingerprint", "tissue", *inferred),
    )
    _check_numbers(features)
    return features


def _check_numbers(features: Features) -> None:
    if features.instances.ndim != 2 or len(features.instances) != len(features.grid):
        raise FeatureError("The features do not fit their tile grid.", _AGAIN, features.slide_id)
    for start in range(0, len(features), _ROWS):
        _check_finite(features.instances[start : start + _ROWS], features.slide_id)


def _check_finite(rows: NDArray[np.float32], slide_id: str) -> None:
    if not np.isfinite(rows).all():
        raise FeatureError(
            "The encoder gave numbers that are not finite.",
            "Check its weights, then embed the slide again.",
            slide_id,
        )
