"""What a slide's unfinished features are features of."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.features import FeatureHeader, Features
from napari_lookalike.core.features_file import atomic_file, read_grid, write_grid
from napari_lookalike.core.tiles import TileGrid

PLAN: Final = "plan.hdf5"

_UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError)  # h5py's, if damaged


@dataclass(frozen=True, eq=False)
class Plan:
    """All that decides the numbers of a slide's features, known before the first tile.

    Parameters
    ----------
    slide_id
        The slide.
    fingerprint
        Its content id.
    encoder
        `Encoder.identity`.
    dim
        Length of a vector.
    grid
        Its tiles.
    slide_mpp
        µm per level-0 pixel (x, y); ``None`` if not known.
    tissue
        Tissue settings as JSON.
    stain
        Stain normalisation with its fitted numbers as JSON; empty for none.
    """

    slide_id: str
    fingerprint: str
    encoder: str
    dim: int
    grid: TileGrid
    slide_mpp: tuple[float, float] | None
    tissue: str
    stain: str = ""

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal characters that differ where anything differs."""
        grid = self.grid
        facts = (
            self.slide_id, self.fingerprint, self.encoder, self.dim, self.slide_mpp, self.tissue,
            self.stain, grid.shape, grid.origin_px0, grid.stride_px0, grid.size_px0, grid.tile_px,
            grid.mpp, grid.slide_size,
        )  # fmt: skip
        hashed = hashlib.sha256(json.dumps(facts, default=float).encode())
        hashed.update(np.ascontiguousarray(grid.cells, dtype="<i4").data)
        return hashed.hexdigest()[:16]

    def features(self, indices: NDArray[np.int64] | None = None) -> Features:
        """Features of some tiles (default: all), whose numbers are still to come."""
        grid, share = self.grid, 1.0
        if indices is not None:
            share = len(indices) / max(1, len(grid))
            grid = dataclasses.replace(grid, cells=grid.cells[indices])
        return Features(
            slide_id=self.slide_id,
            fingerprint=self.fingerprint,
            instances=np.empty((0, self.dim), np.float32),
            grid=grid,
            encoder=self.encoder,
            slide_mpp=self.slide_mpp,
            tissue=self.tissue,
            coverage=share,
            stain=self.stain,
        )


def same_numbers(about: Features | FeatureHeader, plan: Plan) -> bool:
    """Whether features are what following a plan gives (some or all of its tiles)."""
    fields = ("slide_id", "fingerprint", "encoder", "slide_mpp", "tissue", "stain")
    return all(getattr(about, name) == getattr(plan, name) for name in fields)


def write_plan(folder: Path, plan: Plan) -> None:
    """Keep a plan in a folder of parts, whole or not at all.

    Raises
    ------
    FeatureError
        If the folder cannot be written.
    """
    with atomic_file(folder / PLAN, plan.slide_id) as path, h5py.File(path, "w") as file:
        write_grid(file, plan.grid, plan.slide_id, plan.slide_mpp)
        file.attrs.update(
            slide_id=plan.slide_id,
            fingerprint=plan.fingerprint,
            encoder_identity=plan.encoder,
            dim=plan.dim,
            tissue_settings=plan.tissue,
            stain_normalisation=plan.stain,
            digest=plan.digest,
        )


def read_plan(folder: Path) -> Plan | None:
    """The plan in a folder of parts; ``None`` if there is none or it is damaged."""
    with contextlib.suppress(*_UNREADABLE), h5py.File(folder / PLAN, "r") as file:
        attrs = file.attrs
        grid, slide_mpp = read_grid(file)
        plan = Plan(
            slide_id=str(attrs["slide_id"]),
            fingerprint=str(attrs["fingerprint"]),
            encoder=str(attrs["encoder_identity"]),
            dim=int(attrs["dim"]),
            grid=grid,
            slide_mpp=slide_mpp,
            tissue=str(attrs["tissue_settings"]),
            stain=str(attrs["stain_normalisation"]),
        )
        return plan if plan.digest == str(attrs["digest"]) else None
    return None
