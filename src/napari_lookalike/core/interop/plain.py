"""Plain arrays: ``.npy``, ``.npz`` or ``.pt`` with coordinates inside or beside them.

One vector alone (Prov-GigaPath's slide encoder, say) stands for the whole slide.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.interop import arrays
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

ENDINGS = (".npy", ".npz", ".pt", ".pth")
VECTORS = ("features", "feats", "embeddings", "tile_embeds", "embedding", "x", "arr_0")
PLACES = ("coords", "coordinates", "locations", "coord", "xy", "positions")
COLUMNS = (("x", "y"), ("coord_x", "coord_y"), ("minx", "miny"), ("x_px0", "y_px0"))
BESIDE = ("_coords", ".coords", "_coordinates", "-coords", "_features", "_feats", "_embeddings")


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Arrays that look like vectors of tiles, or like one of a slide."""
    del options
    files = files_below(source, *ENDINGS)
    return tuple(_found(f) for f in files if not f.stem.lower().endswith(("_coords", ".coords")))


def _found(path: Path) -> Found:
    return Found(
        names=(name_of(path, *BESIDE), name_of(path)),
        read=partial(_read, path),
        load=partial(_load, path),
        group="arrays",
    )


def _content(path: Path) -> Any:
    data = arrays.load_numpy(path) if path.suffix.startswith(".np") else arrays.load_torch(path)
    if isinstance(data, dict):
        return {str(key).lower(): value for key, value in data.items()}
    return data


def _numbers(data: Any) -> NDArray[np.float32]:
    if isinstance(data, dict):
        key = next((k for k in VECTORS if k in data), None)
        if key is None:
            raise FeatureError(
                f"It holds none of {', '.join(VECTORS[:4])}.", "Save the vectors as `features`."
            )
        data = data[key]
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu":
        raise FeatureError("It holds no array of numbers.", "Save the vectors as an array.")
    return arrays.vectors(data)


def _load(path: Path) -> NDArray[np.float32]:
    return _numbers(_content(path))


def _read(path: Path) -> RawTiles:
    data = _content(path)
    count, dim = _numbers(data).shape
    places, why = _places(path, data)
    if places is None:
        return RawTiles(count, dim)
    unit = Known(PIXELS, "guessed", f"{why} Their unit is not stated.")
    return RawTiles(count, dim, places, unit)


def _places(path: Path, data: Any) -> tuple[NDArray[np.float64] | None, str]:
    """Coordinates from the same file, or from one beside it with the same name."""
    if isinstance(data, dict):
        key = next((k for k in PLACES if k in data), None)
        if key is not None:
            return arrays.places(data[key]), f"The file has {key}."
    stem = name_of(path, *BESIDE)
    for mark in ("_coords", ".coords", "_coordinates", "-coords"):
        for ending in (".npy", ".npz", ".pt"):
            file = path.with_name(f"{stem}{mark}{ending}")
            if file.is_file():
                found = _content(file)
                if isinstance(found, dict):
                    found = next(iter(found.values()))
                return arrays.places(found), "A file beside it has coordinates."
    for name in (f"{stem}.csv", f"{stem}_coords.csv"):
        table = path.with_name(name)
        if table.is_file():
            return _csv(table), "A table beside it has coordinates."
    return None, ""


def _csv(path: Path) -> NDArray[np.float64]:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        what = f"The table of coordinates is damaged ({type(error).__name__})."
        raise FeatureError(what, "Save it as CSV with columns x and y.") from None
    names = {str(c).lower().strip(): c for c in table.columns}
    for x, y in COLUMNS:
        if x in names and y in names:
            wanted = table[[names[x], names[y]]]
            return arrays.places(wanted.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64))
    raise FeatureError("The table of coordinates has no columns x and y.", "Name them x and y.")


IMPORTER = Importer(
    name="arrays",
    title="Plain arrays",
    files="`.npy`, `.npz` or `.pt` (tensors only), coordinates inside, beside, or as a CSV",
    places="taken for level-0 pixels unless you say micrometres",
    tile="guessed from the distance of neighbours, unless given",
    content="features",
    find=find,
)
