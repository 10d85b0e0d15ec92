"""Attention over a bag of 100,000 tiles, and whether it grows in line with the tiles."""

from __future__ import annotations

import time

import torch

from napari_lookalike.core.bench.report import Row
from napari_lookalike.core.mil import HEADS, default_arguments, make_head
from napari_lookalike.core.progress import Job

TILES, FEW = 100_000, 25_000
TARGET_S = 1.0
TARGET_GROWTH = 1.3
"""Times of what a straight line through zero would give: room for caches and noise."""
DIMS = (384, 1536)
_RUNS, _THREADS, _CLASSES = 3, 2, 6
_FAST = ("abmil", "clam_sb", "clam_mb")


def attention_rows(quick: bool, job: Job) -> list[Row]:
    """Seconds per bag and growth with its size, for every head and two feature lengths.

    Instances are random single-precision numbers, standardised already; the head has the
    sizes that training gives it for that length.
    """
    rows: list[Row] = []
    tiles, few = (TILES // 10, FEW // 10) if quick else (TILES, FEW)
    before = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        for i, name in enumerate(HEADS.names()):
            for dim in DIMS:
                job.step(i, len(HEADS), f"attention: {name}")
                rows += _rows(name, dim, tiles, few)
                if name in _FAST:
                    rows.append(_half(name, dim, tiles))
    finally:
        torch.set_num_threads(before)
    return rows


def _half(name: str, dim: int, tiles: int) -> Row:
    """The same in bfloat16, which some processors multiply twice as fast."""
    head = make_head(name, default_arguments(dim, _CLASSES)).eval()
    bag = torch.randn(1, tiles, dim, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        times = [_seconds(head, bag) for _ in range(_RUNS)]
    what = f"{name}: attention over {tiles:,} tiles of {dim} numbers, 2 threads, bfloat16"
    row = Row.of(what, min(times), "s", TARGET_S, "at most")
    return row.among(min(times), max(times))


def _rows(name: str, dim: int, tiles: int, few: int) -> list[Row]:
    head = make_head(name, default_arguments(dim, _CLASSES)).eval()
    bag = torch.randn(1, tiles, dim, generator=torch.Generator().manual_seed(0))
    times = {n: [_seconds(head, bag[:, :n]) for _ in range(_RUNS)] for n in (few, tiles)}
    # What else the machine does can only slow one down: the best run is the nearest.
    best = {n: min(runs) for n, runs in times.items()}
    what = f"{name}: attention over {tiles:,} tiles of {dim} numbers, 2 threads"
    target = TARGET_S if name in _FAST else None
    row = Row.of(what, best[tiles], "s", target, "at most")
    growth = best[tiles] / best[few] * few / tiles
    grown = Row.of(
        f"{name}: growth from {few:,} to {tiles:,} tiles of {dim} numbers (1 = linear)",
        growth,
        target=TARGET_GROWTH,
        sense="at most",
    )
    return [row.among(min(times[tiles]), max(times[tiles])), grown]


def _seconds(head: torch.nn.Module, bag: torch.Tensor) -> float:
    mask = torch.ones(bag.shape[:2], dtype=torch.bool)
    with torch.inference_mode():
        started = time.perf_counter()
        head(bag, mask)
        return time.perf_counter() - started
