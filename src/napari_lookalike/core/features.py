"""Features of one slide: one HDF5 file per slide and encoder, complete or absent.

The layout is TRIDENT's (``features``, ``coords`` and their attributes), so that other
tools read it. TRIDENT's coordinates are rounded down and its scale is a magnification;
beside them lie the exact grid, the scale in µm per pixel, and what the file must match
before it is used: fingerprint, encoder identity, count, tissue settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features_damage import (
    damage,
    damaged_file,
    header_changed,
    numbers_changed,
    pieces_of,
    unreadable,
)
from napari_lookalike.core.features_file import (
    EMBED_AGAIN,
    SCHEMA,
    UNREADABLE,
    Group,
    read_grid,
    read_trident_grid,
)
from napari_lookalike.core.features_header import FeatureHeader, features_complete, read_header
from napari_lookalike.core.features_writing import check_numbers, save_features, write_features
from napari_lookalike.core.tiles import TileGrid

__all__ = [
    "FeatureHeader",
    "Features",
    "damage",
    "features_complete",
    "load_features",
    "read_header",
    "save_features",
    "write_features",
]


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
        If it is absent, incomplete, damaged (also by a single bit), or of another slide or
        encoder; embed the slide again.
    """
    name = slide_id
    try:
        with h5py.File(path, "r") as file:
            wrong = header_changed(file)
            if wrong:
                raise damaged_file(path, wrong, name)
            there = _map(path, file["features"]) if mapped else None
            features = _read(file, path, slide_id or path.stem, there)
    except FileNotFoundError:
        raise FeatureError("It has no features yet.", "Embed the slide first.", name) from None
    except UNREADABLE as error:
        raise damaged_file(path, unreadable(path, error), name) from None
    if slide_id is not None and features.slide_id != slide_id:
        raise FeatureError("The feature file belongs to another slide.", EMBED_AGAIN, name)
    if encoder is not None and features.encoder != encoder:
        what = f"The features are by {features.encoder or 'an unnamed encoder'}, not by {encoder}."
        raise FeatureError(what, EMBED_AGAIN, name)
    return features


def _map(path: Path, data: h5py.Dataset) -> NDArray[np.float32] | None:
    """The numbers of a dataset as they lie in the file; ``None`` where they do not lie so."""
    offset = data.id.get_offset()  # none where they are in chunks or compressed
    if offset is None or data.dtype not in (np.dtype("<f4"), np.dtype("<f2")) or not data.size:
        return None
    # Copy on write: torch takes no read-only memory.
    return np.memmap(path, data.dtype, mode="c", offset=offset, shape=data.shape)


def _read(
    file: Group, path: Path, slide_id: str, mapped: NDArray[np.float32] | None = None
) -> Features:
    instances = np.asarray(file["features"], np.float32) if mapped is None else mapped
    if instances.ndim == 3 and instances.shape[0] == 1:  # older TRIDENT wrote (1, N, D)
        instances = instances[0]
    if "lookalike_schema" not in file.attrs:
        return _read_trident(file, instances, slide_id)
    if int(file.attrs["lookalike_schema"]) > SCHEMA:
        raise FeatureError(
            "A newer version of the program wrote the feature file.", "Update it.", slide_id
        )
    wrong = numbers_changed(file, pieces_of(instances))
    if wrong:
        raise damaged_file(path, wrong, slide_id)
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
    check_numbers(features)
    coords = np.asarray(file["coords"])
    if int(file.attrs["count"]) != len(instances) or not np.array_equal(coords, grid.coords):
        raise FeatureError("The feature file is not complete.", EMBED_AGAIN, slide_id)
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
    check_numbers(features)
    return features
