"""WSInfer: one CSV a slide with a probability for each tile and class, drawn over the slide.

Columns: ``minx``, ``miny``, ``width``, ``height`` in level-0 pixels, then ``prob_<class>``.
These are answers of another model and no features: they become maps.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.interop.kinds import Importer
from napari_lookalike.core.interop.raw import (
    PIXELS,
    Found,
    ImportOptions,
    RawTiles,
    files_below,
    name_of,
)
from napari_lookalike.core.interop.report import Known

BOX = ("minx", "miny", "width", "height")
PREFIX = "prob_"


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """CSV files with boxes and probabilities."""
    del options
    files = ((f, _columns(f)) for f in files_below(source, ".csv"))
    return tuple(_found(f, columns) for f, columns in files if columns)


def _columns(path: Path) -> tuple[str, ...]:
    """Names of the classes; empty if this is no file of WSInfer."""
    try:
        with path.open(encoding="utf-8") as file:
            head = file.readline().strip().split(",")
    except (OSError, UnicodeDecodeError):
        return ()
    if not set(BOX) <= set(head):
        return ()
    return tuple(name.removeprefix(PREFIX) for name in head if name.startswith(PREFIX))


def _found(path: Path, columns: tuple[str, ...]) -> Found:
    return Found(
        names=(name_of(path),),
        read=partial(_read, path),
        load=partial(_load, path),
        columns=columns,
        group=" / ".join(columns),
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        what = f"The CSV file is damaged ({type(error).__name__})."
        raise FeatureError(what, "Run WSInfer again for this slide.") from None
    numbers: list[str] = [c for c in table.columns if c in BOX or str(c).startswith(PREFIX)]
    table = pd.DataFrame({name: pd.to_numeric(table[name], errors="coerce") for name in numbers})
    if not len(table) or table.isna().to_numpy().any():
        raise FeatureError("The CSV file has rows without numbers.", "Run WSInfer again.")
    return table


def _read(path: Path) -> RawTiles:
    table = _table(path)
    sizes = table[["width", "height"]].to_numpy(np.float64)
    if np.ptp(sizes) > 0:
        raise FeatureError("Its tiles are of different sizes.", "Run WSInfer again.")
    edge = float(sizes[0, 0])
    return RawTiles(
        len(table),
        sum(str(c).startswith(PREFIX) for c in table.columns),
        places=table[["minx", "miny"]].to_numpy(np.float64),
        unit=Known(PIXELS, "stated", "WSInfer counts in level-0 pixels."),
        tile_px0=Known(edge, "stated", "The file says so."),
        tile_px=Known(max(1, round(edge)), "worked out", "A map needs no other size."),
    )


def _load(path: Path) -> NDArray[np.float32]:
    table = _table(path)
    columns = [c for c in table.columns if str(c).startswith(PREFIX)]
    return table[columns].to_numpy(np.float32)


IMPORTER = Importer(
    name="wsinfer",
    title="WSInfer",
    files="`model-outputs-csv/<slide>.csv`",
    places="stated, level-0 pixels",
    tile="stated",
    content="maps",
    find=find,
)
