"""A made cohort of wide half-precision features on the disk, memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SLIDES, TILES, DIM = 237, 4_000, 1_536
CLASSES = ("A", "B", "C", "D", "E", "F")
_BLOCKS = 4  # random numbers are dear: slides share them, turned by some columns


def write_bags(folder: Path, slides: int, tiles: int = TILES, dim: int = DIM) -> list[Path]:
    """Write float16 (tiles, dim) of so many slides, one ``.npy`` file each.

    The numbers are noise: they serve for times and memory, not for accuracy.
    """
    rng = np.random.default_rng(0)
    blocks = [rng.standard_normal((tiles, dim), np.float32) for _ in range(_BLOCKS)]
    halves = [block.astype(np.float16) for block in blocks]
    files = []
    for i in range(slides):
        file = folder / f"bag{i:03d}.npy"
        np.save(file, np.roll(halves[i % _BLOCKS], i, axis=1))
        files.append(file)
    return files


def mapped(file: Path) -> NDArray[Any]:
    """A bag, memory-mapped: nothing is read before it is needed, and nothing written."""
    bag: NDArray[Any] = np.load(file, mmap_mode="c")
    return bag


def classes_of(slides: int) -> NDArray[np.int64]:
    """Class of each slide, in turn."""
    return np.arange(slides, dtype=np.int64) % len(CLASSES)
