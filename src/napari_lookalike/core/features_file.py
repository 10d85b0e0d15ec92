"""The parts of a feature file: its tile grid in two forms, and its safe way to the disk."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError, system_reason
from napari_lookalike.core.tiles import TileGrid

Group: TypeAlias = Any
"""An open HDF5 file or group (h5py has no types)."""

SCHEMA = 1
"""Version of our own part of the file. What came later (``checksum``, ``coverage``,
``stain``) may be absent, so files of earlier versions still read."""

ROWS = 4096
"""Rows that are checked, written or summed at a time: no second copy of the numbers."""

UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError)
"""What h5py raises of a damaged file."""

EMBED_AGAIN = "Embed the slide again."
"""What to do about a file that is no use."""

_PART = ".part"
_DEAD_AFTER_S = 60.0
_NOMINAL = (1.25, 2.5, 5, 10, 20, 40, 60, 80)
_SNAP = 0.12


@contextmanager
def atomic_file(path: Path, slide_id: str) -> Iterator[Path]:
    """A temporary path that becomes ``path`` if the block succeeds, else vanishes.

    Parameters
    ----------
    path
        The final name.
    slide_id
        For the error.

    Raises
    ------
    FeatureError
        If the folder cannot be written.
    """
    # .part and not .h5: what a killed run leaves must never pass for a feature file
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)  # noqa: PTH105 - says that it replaces, on every system
        if os.name == "posix":
            _flush(path.parent)
    except OSError as error:
        raise FeatureError(
            f"The feature file cannot be written ({system_reason(error)}).",
            "Check the project folder's free space and that you may write there.",
            slide_id,
        ) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that a killed run left beside ``path``.

    A file younger than a minute may be another process's work and stays.
    """
    for part in path.parent.glob(f".{path.name}.*{_PART}"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _DEAD_AFTER_S:
                part.unlink()


def _flush(path: Path) -> None:
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def magnification(mpp: float | None) -> float:
    """The magnification that TRIDENT's attributes want for a scale.

    Parameters
    ----------
    mpp
        µm per pixel; ``None`` if not known.

    Returns
    -------
    float
        ``10 / mpp``, taken to the nominal objective if that is within 12 % (0.499 and
        0.46 µm are 20), and 0 if mpp is not known. Nothing in this package computes
        with it; the exact scale is kept beside it.
    """
    if mpp is None:
        return 0.0
    exact = 10.0 / mpp
    nearest = min(_NOMINAL, key=lambda nominal: abs(nominal / exact - 1))
    return float(nearest) if abs(nearest / exact - 1) <= _SNAP else round(exact, 3)


def write_grid(
    file: Group, grid: TileGrid, slide_id: str, slide_mpp: tuple[float, float] | None
) -> None:
    """Write a grid twice: ``coords`` as TRIDENT has it, ``cells`` exactly.

    Parameters
    ----------
    file
        An open HDF5 file.
    grid
        The tile grid.
    slide_id
        Stands as the slide's name; never its file name.
    slide_mpp
        µm per level-0 pixel (x, y), if known.
    """
    own = None if slide_mpp is None else sum(slide_mpp) / 2
    width, height = grid.slide_size
    overlap = grid.tile_px * (1 - grid.stride_px0[0] / grid.size_px0[0])
    coords = file.create_dataset("coords", data=grid.coords.reshape(-1, 2))
    coords.attrs.update(
        patch_size=grid.tile_px,
        patch_size_level0=int(grid.size_px0[0] + 1e-6),
        level0_magnification=_whole(magnification(own)),
        target_magnification=_whole(magnification(grid.mpp)),
        overlap=round(overlap),
        name=slide_id,
        savetodir="",
        level0_width=width,
        level0_height=height,
    )
    cells = file.create_dataset("cells", data=grid.cells.astype(np.int32).reshape(-1, 2))
    cells.attrs.update(
        shape=np.asarray(grid.shape, dtype=np.int64),
        origin_px0=np.asarray(grid.origin_px0, dtype=np.float64),
        stride_px0=np.asarray(grid.stride_px0, dtype=np.float64),
        size_px0=np.asarray(grid.size_px0, dtype=np.float64),
        slide_size=np.asarray(grid.slide_size, dtype=np.int64),
        tile_px=grid.tile_px,
        tile_mode=grid.tile_mode,
        mpp=np.nan if grid.mpp is None else grid.mpp,
        slide_mpp=np.asarray(slide_mpp or (np.nan, np.nan), dtype=np.float64),
    )


def read_grid(file: Group) -> tuple[TileGrid, tuple[float, float] | None]:
    """The exact grid, and the slide's mpp (x, y), from a file of ours."""
    cells, attrs = file["cells"], file["cells"].attrs
    mpp, slide_mpp = float(attrs["mpp"]), _pair(attrs["slide_mpp"])
    rows, columns = (int(v) for v in attrs["shape"])
    width, height = (int(v) for v in attrs["slide_size"])
    grid = TileGrid(
        cells=np.asarray(cells, dtype=np.int32),
        shape=(rows, columns),
        origin_px0=_pair(attrs["origin_px0"]),
        stride_px0=_pair(attrs["stride_px0"]),
        size_px0=_pair(attrs["size_px0"]),
        tile_px=int(attrs["tile_px"]),
        mpp=None if attrs["tile_mode"] == "level0" else mpp,
        slide_size=(width, height),
    )
    return grid, None if np.isnan(slide_mpp).any() else slide_mpp


def read_trident_grid(file: Group, slide_id: str) -> tuple[TileGrid, tuple[str, ...]]:
    """A grid worked out from TRIDENT's coordinates, and what of it is inferred.

    Raises
    ------
    FeatureError
        If the coordinates have no tile size, or do not lie on one regular grid: an
        overlay over them would be invented.
    """
    coords, attrs = np.asarray(file["coords"], dtype=np.int64), file["coords"].attrs
    if "patch_size_level0" not in attrs or not len(coords):
        raise FeatureError(
            "The feature file does not say how large its tiles are.",
            "Embed the slide here, or export it from TRIDENT with its attributes.",
            slide_id,
        )
    size = float(attrs["patch_size_level0"])
    tile_px = int(attrs.get("patch_size", size))
    stride = size * (1 - float(attrs.get("overlap", 0)) / tile_px)
    cells, origin, stride = _fit_cells(coords, stride, slide_id)
    target = float(attrs.get("target_magnification", 0) or 0)
    width = int(attrs.get("level0_width", coords[:, 0].max() + size))
    height = int(attrs.get("level0_height", coords[:, 1].max() + size))
    grid = TileGrid(
        cells=cells,
        shape=(int(cells[:, 1].max()) + 1, int(cells[:, 0].max()) + 1),
        origin_px0=origin,
        stride_px0=(stride, stride),
        size_px0=(size, size),
        tile_px=tile_px,
        mpp=10.0 / target if target > 0 else None,
        slide_size=(width, height),
    )
    return grid, ("grid", "mpp", *(() if "level0_width" in attrs else ("slide_size",)))


def _fit_cells(
    coords: NDArray[np.int64], stride: float, slide_id: str
) -> tuple[NDArray[np.int32], tuple[float, float], float]:
    """Cells, origin and stride of coordinates that were rounded down.

    The stride in the attributes was rounded too; the span of the coordinates, which
    holds a whole number of strides, gives it more exactly.
    """
    origin = coords.min(axis=0)
    span = (coords - origin).max(axis=0)
    axis = int(np.argmax(span))
    steps = round(span[axis] / stride)
    if steps and abs(span[axis] / steps - stride) < 1.0:
        stride = float(span[axis] / steps)
    cells = np.rint((coords - origin) / stride)
    if np.abs(origin + cells * stride - coords).max() > 1.5:
        raise FeatureError(
            "The tiles in the feature file do not lie on one grid.",
            "Embed the slide here to see an overlay.",
            slide_id,
        )
    return cells.astype(np.int32), (float(origin[0]), float(origin[1])), stride


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _pair(values: Any) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)
