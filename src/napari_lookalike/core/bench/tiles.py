"""The labelled real tiles on which encoders are measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_lookalike.core.errors import LookalikeError

VARIABLE = "LOOKALIKE_SHARED"
_BELOW = ("", "lc25000", "tiles/lc25000", "data/tiles/lc25000")
_QUICK_TILES = 400


@dataclass(frozen=True, eq=False)
class LabelledTiles:
    """Tiles with class and origin.

    Parameters
    ----------
    tiles
        uint8 (n, 224, 224, 3) RGB.
    classes
        (n,) class names.
    groups
        int (n,) number of the original photograph. Several tiles are augmentations of the
        same photograph: a split that does not keep them together leaks.
    """

    tiles: NDArray[np.uint8]
    classes: NDArray[np.str_]
    groups: NDArray[np.intp]


def find_tiles(data: Path | None) -> Path | None:
    """The folder with ``labels.csv``, at or below ``data`` (or ``LOOKALIKE_SHARED``)."""
    if data is None:
        named = os.environ.get(VARIABLE)
        if not named:
            return None
        data = Path(named)
    folders = (data / below for below in _BELOW)
    return next((folder for folder in folders if (folder / "labels.csv").is_file()), None)


def find_weights_folder(data: Path | None) -> Path | None:
    """The folder of peers' weights beside the tiles, if there is one."""
    root = data if data is not None else Path(os.environ.get(VARIABLE, "."))
    folders = (root / "data" / "weights", root / "weights", root.parent.parent / "weights")
    return next((folder for folder in folders if folder.is_dir()), None)


def load_tiles(folder: Path, quick: bool = False) -> LabelledTiles:
    """Read the tiles that ``labels.csv`` (path, cls, prototype) lists.

    Parameters
    ----------
    folder
        From `find_tiles`.
    quick
        Only whole photographs, evenly chosen, about 400 tiles.

    Raises
    ------
    LookalikeError
        If the table lacks a column.
    """
    import pandas as pd

    table = pd.read_csv(folder / "labels.csv")
    lacking = {"path", "cls", "prototype"} - set(table.columns)
    if lacking:
        raise LookalikeError(
            f"labels.csv has no column {', '.join(sorted(lacking))}.",
            "It needs the columns path, cls and prototype.",
        )
    # Photographs are numbered from 0 within each class.
    groups = np.asarray(table.groupby(["cls", "prototype"]).ngroup(), dtype=np.intp)
    if quick:
        step = max(1, round(len(table) / _QUICK_TILES))
        keep = groups % step == 0
        table, groups = table[keep], groups[keep]
    tiles = np.stack([_read(folder / path) for path in table["path"]])
    return LabelledTiles(tiles, table["cls"].to_numpy(dtype=np.str_), groups)


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
