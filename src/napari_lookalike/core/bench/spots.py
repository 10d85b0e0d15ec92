"""A second cohort: tiles at the spots of two breast cancer sections, by their clusters.

A cluster is what the genes of a spot say (Andersson et al. 2021, HER2-positive breast
cancer, spatial transcriptomics), so it is not what a person saw in the picture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_lookalike.core.bench.tiles import LabelledTiles

# Which table goes with which picture.
_SECTIONS = (("5714_HE_BT_C2.jpg", "C2"), ("5714_HE_BT_E1.jpg", "C5"))
_BELOW = ("", "her2st", "wsi/her2st", "data/wsi/her2st", "../../wsi/her2st", "../wsi/her2st")
_TILE_PX = 224
_PIXELS = 200_000_000
_FEWEST = 10


def find_spots(data: Path | None) -> Path | None:
    """The folder with both sections, at, below or beside ``data`` (or ``LOOKALIKE_SHARED``)."""
    import os

    from napari_lookalike.core.bench.tiles import VARIABLE

    named = data or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is None:
        return None
    folders = (named / below for below in _BELOW)
    return next((f for f in folders if all(_files(f, *s) for s in _SECTIONS)), None)


def _files(folder: Path, picture: str, table: str) -> bool:
    return (folder / picture).is_file() and _table(folder, table).is_file()


def _table(folder: Path, name: str) -> Path:
    return folder / "spots" / f"{name}-cluster-annotation.tsv.gz"


def load_spots(folder: Path) -> LabelledTiles:
    """Tiles of 224 px about every spot; a group is a section.

    Spots at the edge of a picture, and clusters with fewer than ten spots in a section, are
    left out.
    """
    import pandas as pd

    tiles, classes, groups = [], [], []
    for number, (picture, name) in enumerate(_SECTIONS):
        table = pd.read_csv(_table(folder, name), sep="\t")
        with _opened(folder / picture) as image:
            width, height = image.size
            for x, y, label in zip(table["pixel_x"], table["pixel_y"], table["label"], strict=True):
                left, top = round(x) - _TILE_PX // 2, round(y) - _TILE_PX // 2
                if left < 0 or top < 0 or left + _TILE_PX > width or top + _TILE_PX > height:
                    continue
                box = (left, top, left + _TILE_PX, top + _TILE_PX)
                tiles.append(np.asarray(image.crop(box).convert("RGB")))
                classes.append(f"cluster {label}")
                groups.append(number)
    found = LabelledTiles(np.stack(tiles), np.array(classes), np.array(groups, dtype=np.intp))
    return _common(found)


def _opened(path: Path) -> Image.Image:
    # The sections have 92 megapixels: more than Pillow opens without a warning.
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, _PIXELS
    try:
        image = Image.open(path)
        image.load()
    finally:
        Image.MAX_IMAGE_PIXELS = before
    return image


def _common(found: LabelledTiles) -> LabelledTiles:
    """Only clusters of which every section has enough spots."""
    enough = [
        c
        for c in np.unique(found.classes)
        if min(np.sum((found.classes == c) & (found.groups == g)) for g in (0, 1)) >= _FEWEST
    ]
    keep = np.isin(found.classes, enough)
    return LabelledTiles(found.tiles[keep], found.classes[keep], found.groups[keep])
