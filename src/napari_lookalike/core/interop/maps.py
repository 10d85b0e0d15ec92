"""Maps that another program made of a slide, kept in the project to be drawn over it.

``<project>/maps/<name>/<slide_id>.h5``: values of tiles, a column for each class, and the
exact grid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features_file import atomic_file, read_grid, write_grid
from napari_lookalike.core.interop.arrays import read_h5
from napari_lookalike.core.tiles import TileGrid

FOLDER = "maps"
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class StoredMap:
    """What another program says of the tiles of a slide.

    Parameters
    ----------
    slide_id
        The slide.
    name
        What the map is called in the project.
    source
        Which program made it, for a person.
    columns
        Names of its values (classes).
    values
        float32 (n_tiles, n_columns); NaN where it says nothing.
    grid
        Where the tiles lie.
    slide_mpp
        µm per level-0 pixel (x, y), if known.
    """

    slide_id: str
    name: str
    source: str
    columns: tuple[str, ...]
    values: NDArray[np.float32]
    grid: TileGrid
    slide_mpp: tuple[float, float] | None = None


def map_path(root: Path, name: str, slide_id: str) -> Path:
    """Where a map of a slide lies, or would lie."""
    return root / FOLDER / name / f"{slide_id}.h5"


def map_names(root: Path, slide_id: str) -> tuple[str, ...]:
    """Names of the maps that a slide has, sorted."""
    found = (root / FOLDER).glob(f"*/{_literal(slide_id)}.h5")
    return tuple(sorted(path.parent.name for path in found))


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def save_map(root: Path, made: StoredMap) -> None:
    """Write a map, whole or not at all.

    Raises
    ------
    FeatureError
        If it does not fit its grid, or cannot be written.
    """
    if made.values.shape != (len(made.grid), len(made.columns)):
        raise FeatureError("The map does not fit its tiles.", "Import it again.", made.slide_id)
    path = map_path(root, made.name, made.slide_id)
    with atomic_file(path, made.slide_id) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("values", data=made.values.astype(np.float32))
        write_grid(file, made.grid, made.slide_id, made.slide_mpp)
        file.attrs.update(
            map_schema=SCHEMA,
            slide_id=made.slide_id,
            name=made.name,
            source=made.source,
            columns=json.dumps(list(made.columns)),
        )


def load_map(root: Path, name: str, slide_id: str) -> StoredMap:
    """Read what `save_map` wrote.

    Raises
    ------
    FeatureError
        If it is missing, damaged, or of a newer version of the program.
    """
    path = map_path(root, name, slide_id)
    if not path.is_file():
        raise FeatureError("There is no such map of it.", "Import it again.", slide_id)

    def read(file: h5py.File) -> StoredMap:
        if int(file.attrs["map_schema"]) > SCHEMA:
            raise FeatureError("A newer version of the program wrote the map.", "Update it.")
        grid, slide_mpp = read_grid(file)
        return StoredMap(
            slide_id=str(file.attrs["slide_id"]),
            name=str(file.attrs["name"]),
            source=str(file.attrs["source"]),
            columns=tuple(json.loads(file.attrs["columns"])),
            values=np.asarray(file["values"], np.float32),
            grid=grid,
            slide_mpp=slide_mpp,
        )

    return read_h5(path, read)
