"""``bench decode``: native tiles beside OpenSlide's regions, on one core.

Both give the same pixels of level 0: each read is one tile of the file, at its place,
which is the best case for OpenSlide (a region between tiles costs it up to four). Rounds
take turns, every round opens the slide anew (so that no cache of OpenSlide's answers),
and the time is that of the reading thread on its core: what else the machine does and
the disk's speed do not count.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import openslide

from napari_lookalike.core.bench.report import BenchReport, Row, none_measured
from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.native.level import NATIVE
from napari_lookalike.core.slides.native.source import NativeTiles, with_native_tiles
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.source import CannotRead

TARGET = 4.0
"""Native tiles per region of OpenSlide's, in the same time."""

_TILES, _QUICK_TILES = 240, 60
_ROUNDS, _QUICK_ROUNDS = 7, 3
_OWN_SIZE = 6144, 4096
_OURS, _PEER = "native tiles", "OpenSlide regions"
_RATIO = f"{_OURS} per {_PEER.removesuffix('s')}, same pixels"
_FIGURES = (_RATIO, _OURS, _PEER)
_Place = tuple[int, int]


def bench_decode(
    *,
    data: Path | None = None,
    quick: bool = False,
    job: Job = SILENT,
    slide: Path | None = None,
) -> BenchReport:
    """Measure how many tiles one core decodes per second.

    Parameters
    ----------
    data
        Not used.
    quick
        Fewer tiles and rounds.
    job
        Progress and cancel.
    slide
        A TIFF that OpenSlide reads; ``None`` for one that is written for this run.
    """
    with _slide_or_own(slide, job) as path:
        try:
            found = with_native_tiles(open_openslide(path), path)
        except CannotRead as error:
            return BenchReport((), none_measured(_FIGURES, f"OpenSlide: {error}"))
        if not isinstance(found, NativeTiles):
            decoder = found.properties().get("lookalike.decoder", "another reader")
            return BenchReport((), none_measured(_FIGURES, f"not {NATIVE}: {decoder}"))
        rounds = _QUICK_ROUNDS if quick else _ROUNDS
        places = _places(found.levels[0], _QUICK_TILES if quick else _TILES)
        return BenchReport(tuple(_rows(path, places, rounds, job)))


@contextmanager
def _slide_or_own(slide: Path | None, job: Job) -> Iterator[Path]:
    if slide is not None:
        yield slide
        return
    job.step(0, 1, "writing a slide")
    with tempfile.TemporaryDirectory() as folder:
        yield write_slide(Path(folder) / "slide.tif", *_OWN_SIZE)


def _places(level: Level, number: int) -> list[_Place]:
    """Column and row of whole tiles, at random but always the same."""
    across, down = level.width // level.tile_width, level.height // level.tile_height
    count = max(1, across * down)
    chosen = np.random.default_rng(0).choice(count, min(number, count), replace=False)
    return [(int(i % max(1, across)), int(i // max(1, across))) for i in chosen]


@dataclass(frozen=True)
class _Times:
    """Seconds per tile of each round."""

    ours: list[float]
    reduced: list[float]
    peer: list[float]
    ratio: list[float]


def _rows(path: Path, places: list[_Place], rounds: int, job: Job) -> list[Row]:
    times = _measure(path, places, rounds, job)
    rows = [
        Row.of(_RATIO, median(times.ratio), target=TARGET),
        Row.of(_OURS, 1 / median(times.ours), "tiles/s"),
        Row.of(_PEER, 1 / median(times.peer), "tiles/s"),
    ]
    if times.reduced:
        rows.append(Row.of(f"{_OURS}, reduced by 2", 1 / median(times.reduced), "tiles/s"))
    return rows


def _measure(path: Path, places: list[_Place], rounds: int, job: Job) -> _Times:
    times = _Times([], [], [], [])
    for i in range(rounds):
        job.step(i, rounds, "decoding")
        ours = with_native_tiles(open_openslide(path), path)
        times.ours.append(_seconds(places, partial(ours.tile, 0)))
        if 2 in ours.reductions(0):
            times.reduced.append(_seconds(places, partial(ours.tile, 0, reduce=2)))
        times.peer.append(_seconds(places, _region_reader(path, ours.levels[0])))
        times.ratio.append(times.peer[-1] / times.ours[-1])
        ours.close()
    return times


def _region_reader(path: Path, level: Level) -> Callable[[int, int], object]:
    """OpenSlide's own region, as openslide-python gives it; turning it into RGB is not counted."""
    handle = openslide.OpenSlide(path)
    width, height = level.tile_width, level.tile_height
    return lambda c, r: handle.read_region((c * width, r * height), 0, (width, height))


def _seconds(places: list[_Place], read: Callable[[int, int], object]) -> float:
    """Seconds on the core per tile; the first reads only warm up."""
    for column, row in places[:3]:
        read(column, row)
    started = time.thread_time()
    for column, row in places[3:] or places:
        read(column, row)
    return max(1e-9, time.thread_time() - started) / len(places[3:] or places)
