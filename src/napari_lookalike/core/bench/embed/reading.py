"""Tiles from a slide on one core, beside OpenSlide's regions of the same places."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np
import openslide

from napari_lookalike.core.bench.embed.material import first_tiles, opened, slide_with_tiles
from napari_lookalike.core.bench.report import Row
from napari_lookalike.core.progress import Job
from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.tile_reading import read_tiles_into
from napari_lookalike.core.tiles import TileGrid

NAME = "reading tiles of a grid, one core: times OpenSlide's regions"
TARGET = 4.0
_TILES, _QUICK_TILES = 1024, 256
_ROUNDS = 5


def reading(folder: Path, quick: bool, job: Job) -> Row:
    """Tiles of 224 px, which cut across the file's own, as embedding reads them.

    Both arms end with RGB in an array, in memory that was used before: as embedding has a
    ring of buffers, ours writes into an array that is there, and what OpenSlide's arm makes
    and lets go of is given to its next tile. Seconds are those of the processor, over all
    threads of the process.

    Parameters
    ----------
    folder
        For a slide that is made here.
    quick
        Fewer tiles.
    job
        Progress and cancel.
    """
    tiles = _QUICK_TILES if quick else _TILES
    path = slide_with_tiles(folder / "reading.tif", tiles)
    with opened(path) as slide:
        grid = first_tiles(slide, tiles)
    pixels = np.empty((len(grid), grid.tile_px, grid.tile_px, 3), np.uint8)
    pixels.fill(255)  # or the first round would wait for the system to find the memory
    ours, theirs = [], []
    for i in range(_ROUNDS):
        job.step(i, _ROUNDS, "reading")
        ours.append(_ours(path, grid, pixels))
        theirs.append(_theirs(path, grid))
    each = [b / a for a, b in zip(ours, theirs, strict=True)]
    beside = f"ours {len(grid) / median(ours):.0f}, OpenSlide {len(grid) / median(theirs):.0f}"
    row = Row.of(NAME, median(each), "", TARGET)
    return row.among(min(each), max(each), f"{beside} tiles/s and core")


def _ours(path: Path, grid: TileGrid, pixels: RGB) -> float:
    with opened(path) as slide:
        started = time.process_time()
        read_tiles_into(slide, grid, range(len(grid)), pixels)
        return time.process_time() - started


def _theirs(path: Path, grid: TileGrid) -> float:
    size = (round(grid.size_px0[0]), round(grid.size_px0[1]))
    with openslide.OpenSlide(path) as slide:
        started = time.process_time()
        for x, y in grid.coords:
            np.asarray(slide.read_region((int(x), int(y)), 0, size).convert("RGB"))
        return time.process_time() - started
