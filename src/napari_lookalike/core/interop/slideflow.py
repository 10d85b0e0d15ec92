"""Slideflow: bags (``<slide>.pt``) with ``<slide>.index.npz`` and ``bags_config.json``.

The index holds the centres of tiles in level-0 pixels. The configuration says the tile's
edge in µm and pixels, and the extractor.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
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

CONFIG = "bags_config.json"
_SAYS = f"{CONFIG} says so."


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Bags that have an index or a configuration beside them."""
    bags = files_below(source, ".pt")
    return tuple(_found(f) for f in bags if _index(f).is_file() or options.kind == "slideflow")


def _index(bag: Path) -> Path:
    return bag.with_name(f"{name_of(bag)}.index.npz")


def _found(bag: Path) -> Found:
    config = _config(bag.parent)
    extractor = config.get("extractor")
    name = extractor.get("class", "") if isinstance(extractor, dict) else str(extractor or "")
    name = name.split(".")[-1]
    return Found(
        names=(name_of(bag),),
        read=partial(_read, bag, config),
        load=partial(_load, bag),
        encoder=Known(name, "stated", _SAYS) if name else None,
        group="bags",
    )


def _config(folder: Path) -> dict[str, Any]:
    """The configuration of the bags in a folder; empty if there is none that can be read."""
    for place in (folder, folder.parent):
        try:
            data = json.loads((place / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(data, dict):
            return data
    return {}


def _load(bag: Path) -> NDArray[np.float32]:
    return arrays.vectors(arrays.load_torch(bag))


def _read(bag: Path, config: dict[str, Any]) -> RawTiles:
    count, dim = _load(bag).shape
    index = _index(bag)
    if not index.is_file():
        raise FeatureError("Its index is missing.", "Keep <slide>.index.npz beside the bag.")
    data = arrays.load_numpy(index)
    locations = data.get("arr_0") if isinstance(data, dict) else data
    if locations is None:
        raise FeatureError("Its index holds no places.", "Make the bags again.")
    um, pixels = _micrometres(config.get("tile_um")), config.get("tile_px")
    known_px = Known(int(pixels), "stated", _SAYS) if isinstance(pixels, int) and pixels else None
    return RawTiles(
        count,
        dim,
        places=arrays.places(locations),
        unit=Known(PIXELS, "stated", "Slideflow's index holds centres in level-0 pixels."),
        centres=True,
        tile_um=um,
        tile_px=known_px,
        mpp=Known(um.value / known_px.value, um.how, um.why) if um and known_px else None,
    )


def _micrometres(tile_um: Any) -> Known[float] | None:
    """Edge of a tile in µm; "20x" (a magnification) says nothing without the tile in pixels."""
    if isinstance(tile_um, (int, float)) and tile_um > 0:
        return Known(float(tile_um), "stated", _SAYS)
    return None


IMPORTER = Importer(
    name="slideflow",
    title="Slideflow",
    files="a folder of bags: `<slide>.pt`, `<slide>.index.npz`, `bags_config.json`",
    places="stated, centres in level-0 pixels",
    tile="stated in micrometres by `bags_config.json`; else guessed from neighbours",
    content="features",
    find=find,
)
