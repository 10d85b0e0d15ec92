"""Attention of a bag of 100,000 tiles, from its features as they lie on the disk."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_lookalike.core.bench.report import Row
from napari_lookalike.core.bench.train.material import CLASSES, DIM
from napari_lookalike.core.mil import HEADS, default_arguments, make_head
from napari_lookalike.core.mil.apply import apply_head
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.progress import Job

TILES, _QUICK_TILES = 100_000, 10_000
TARGET_S = 1.0
TARGET_GROWTH = 1.3
"""Times of a straight line through zero, from a quarter of the tiles: room for noise."""
_RUNS = 3
_FAST = ("abmil", "clam_sb", "clam_mb")
_SLOW = ("transmil",)  # its own attention costs ten times the others': one run


def attention(device_name: str, quick: bool, job: Job) -> list[Row]:
    """Seconds that `apply_head` takes, standardising included, for every head.

    Parameters
    ----------
    device_name
        "cpu" or "cuda".
    quick
        A tenth of the tiles, one run.
    job
        Progress and cancel.
    """
    tiles = _QUICK_TILES if quick else TILES
    rng = np.random.default_rng(0)
    block = rng.standard_normal((tiles // 10, DIM), np.float32).astype(np.float16)
    bag = np.tile(block, (10, 1))
    rows: list[Row] = []
    for i, name in enumerate(HEADS.names()):
        job.step(i, len(HEADS), f"attention of {name}")
        rows += _rows(name, bag, torch.device(device_name), quick)
    return rows


def _rows(name: str, bag: NDArray[Any], device: torch.device, quick: bool) -> list[Row]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = make_head(name, default_arguments(DIM, len(CLASSES))).to(device)
    moments = torch.zeros(DIM, device=device), torch.ones(DIM, device=device)
    runs = 1 if quick or name in _SLOW else _RUNS
    tiles = len(bag)
    whole = [_seconds(head, bag, moments) for _ in range(runs)]
    quarter = min(_seconds(head, bag[: tiles // 4], moments) for _ in range(runs))
    where = f"{device.type}, {torch.get_num_threads()} threads"
    # What else the machine does can only slow it down: the best run is the nearest.
    target = TARGET_S if name in _FAST else None
    what = f"{name}: attention over {tiles:,} tiles of {DIM:,} numbers ({where})"
    row = Row.of(what, min(whole), "s", target, "at most").among(min(whole), max(whole))
    growth = min(whole) / quarter / 4
    line = f"{name}: growth from {tiles // 4:,} to {tiles:,} tiles (1 = linear)"
    return [row, Row.of(line, growth, target=TARGET_GROWTH, sense="at most")]


def _seconds(head: Head, bag: NDArray[Any], moments: tuple[torch.Tensor, torch.Tensor]) -> float:
    started = time.perf_counter()
    apply_head(head, bag, *moments)
    return time.perf_counter() - started
