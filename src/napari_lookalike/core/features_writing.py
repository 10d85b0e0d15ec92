"""Writing a feature file, whole or not at all, and what its numbers must be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features_damage import seal_of
from napari_lookalike.core.features_file import EMBED_AGAIN, ROWS, SCHEMA, atomic_file, write_grid

if TYPE_CHECKING:
    from napari_lookalike.core.features import Features

FORMAT = ("v108", "v110")
"""Of HDF5, as its version 1.8 (2008) reads it. The older one has no sums over its own structure,
and the library crashes on a flipped bit there."""


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
    check_numbers(features)
    starts = range(0, len(features), ROWS)
    dim = features.instances.shape[1]
    write_features(path, features, dim, (features.instances[i : i + ROWS] for i in starts))


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
    with atomic_file(path, name) as temporary, h5py.File(temporary, "w", libver=FORMAT) as file:
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
            raise FeatureError("The features do not fit their tile grid.", EMBED_AGAIN, name)
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
        file.attrs["seal"] = seal_of(file)


def check_numbers(features: Features) -> None:
    """Refuse numbers that do not fit their grid or are not finite (`FeatureError`)."""
    if features.instances.ndim != 2 or len(features.instances) != len(features.grid):
        raise FeatureError(
            "The features do not fit their tile grid.", EMBED_AGAIN, features.slide_id
        )
    for start in range(0, len(features), ROWS):
        _check_finite(features.instances[start : start + ROWS], features.slide_id)


def _check_finite(rows: NDArray[np.float32], slide_id: str) -> None:
    if not np.isfinite(rows).all():
        raise FeatureError(
            "The encoder gave numbers that are not finite.",
            "Check its weights, then embed the slide again.",
            slide_id,
        )
