"""What a peer's file holds, before anybody knows where it lies on which slide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.features import Features
from napari_lookalike.core.interop.report import Known

Unit = Literal["px0", "um"]
PIXELS: Unit = "px0"
MICROMETRES: Unit = "um"


@dataclass(frozen=True)
class ImportOptions:
    """What the user says of files that do not say it themselves; ``None`` = as the file says.

    Parameters
    ----------
    kind
        Name in `IMPORTERS`; ``None`` = find out.
    name
        What the encoder (or the map) is called.
    unit
        Of the coordinates: "px0" (level-0 pixels) or "um" (micrometres).
    tile_px0
        Edge of a tile in level-0 pixels.
    tile_um
        Edge of a tile in micrometres.
    tile_px
        Edge of a tile in pixels as the encoder saw it.
    patches
        Folder with CLAM's patch files, where it is not beside the features.
    slide
        slide_id that a single file belongs to.
    replace
        Write over features that are there.
    check
        Write nothing.
    use
        Make the imported encoder the project's.
    """

    kind: str | None = None
    name: str | None = None
    unit: Unit | None = None
    tile_px0: float | None = None
    tile_um: float | None = None
    tile_px: int | None = None
    patches: Path | None = None
    slide: str | None = None
    replace: bool = False
    check: bool = False
    use: bool = True


@dataclass(frozen=True, eq=False)
class RawTiles:
    """Where the tiles of one slide lie, as the file has it.

    Parameters
    ----------
    count, dim
        Shape of the vectors.
    places
        float64 (n_tiles, 2) (x, y) of the tiles; ``None``: one vector for the whole slide.
    unit
        Of ``places``.
    centres
        ``places`` are the tiles' centres; else their top-left corners.
    tile_px0, tile_um
        Edge of a tile, in level-0 pixels or µm.
    tile_px
        Edge of a tile in pixels as the encoder saw it.
    mpp
        µm per pixel of a tile as the encoder saw it.
    overlap
        Overlap of neighbours as a share of the tile's edge.
    slide_mpp
        µm per level-0 pixel, as the file has it.
    slide_size
        (width, height) of level 0.
    """

    count: int
    dim: int
    places: NDArray[np.float64] | None = None
    unit: Known[Unit] | None = None
    centres: bool = False
    tile_px0: Known[float] | None = None
    tile_um: Known[float] | None = None
    tile_px: Known[int] | None = None
    mpp: Known[float] | None = None
    overlap: float | None = None
    slide_mpp: Known[float] | None = None
    slide_size: Known[tuple[int, int]] | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """The file of one slide.

    Parameters
    ----------
    names
        What it calls the slide, the most telling first; file names without their endings.
        They can name a patient.
    read
        Reads where the tiles lie; raises a `LookalikeError` that does not name the slide.
    load
        Reads the vectors, float32 (n_tiles, dim); for a map (n_tiles, n_columns).
    encoder
        What the file calls the encoder, if it does.
    columns
        Names of a map's columns; empty for features.
    group
        Which set of files it belongs to ("20x_256px_0px_overlap/features_uni_v2"): sets are
        not imported together. Not a file name.
    of_patient
        It is named by a patient and holds for all slides of that patient.
    exact
        Reads everything exactly, for files of our own.
    """

    names: tuple[str, ...]
    read: Callable[[], RawTiles]
    load: Callable[[], NDArray[np.float32]]
    encoder: Known[str] | None = None
    columns: tuple[str, ...] = ()
    group: str = ""
    of_patient: bool = False
    exact: Callable[[], Features] | None = None


_TILING = re.compile(r"^[\w.]+_\d+px_\d+px_overlap$")
_ENCODER = re.compile(r"^(?:slide_)?features_.+$")


def folder_group(file: Path) -> str:
    """The part of a file's folders that follows TRIDENT's layout, which names nobody."""
    if not _ENCODER.match(file.parent.name):
        return ""
    tiling = file.parent.parent.name
    return f"{tiling}/{file.parent.name}" if _TILING.match(tiling) else file.parent.name


def files_below(source: Path, *endings: str) -> list[Path]:
    """Files at or below a path with one of these endings, sorted; hidden ones left out."""
    if source.is_file():
        return [source] if source.suffix.lower() in endings else []
    return sorted(
        file
        for ending in endings
        for file in source.rglob(f"*{ending}")
        if file.is_file() and not file.name.startswith(".")
    )


def name_of(file: Path, *suffixes: str) -> str:
    """A file's name without its ending and without one of these suffixes ("_patches")."""
    stem = file.name.removesuffix(file.suffix)
    for suffix in suffixes:
        stem = stem.removesuffix(suffix)
    return stem
