"""How near embedding comes to its encoder's own speed, and to what others get from it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.embed.material import (
    LARGE,
    SMALL,
    first_tiles,
    opened,
    random_network,
    slide_with_tiles,
)
from napari_lookalike.core.bench.embed.plain import PlainLoop, PlainTiles
from napari_lookalike.core.bench.report import NotMeasured, Row, none_measured
from napari_lookalike.core.embed.stages import embed_grid
from napari_lookalike.core.encoders import encoder_spec
from napari_lookalike.core.progress import Job
from napari_lookalike.core.tiles import TileGrid, read_tiles

CEILING_SHARE = {"cpu": {SMALL: 0.95}, "cuda": {SMALL: 0.80, LARGE: 0.95}}
"""Device -> encoder -> least share of the encoder's own speed."""

FASTER_THAN_PLAIN = {"cpu": 2.0, "cuda": 4.0, "mps": 2.0}
SAME_COSINE = 0.999
_TILES = {"cpu": {SMALL: 192}, "mps": {SMALL: 2048}, "cuda": {SMALL: 16384, LARGE: 4096}}
_QUICK_SHARE = 4
_ROUNDS, _QUICK_ROUNDS = 3, 1

Figures = tuple[list[Row], list[NotMeasured]]


def networks(device: str) -> tuple[str, ...]:
    """Rows of the catalogue that are measured on a device."""
    return tuple(_TILES[device])


def names(encoder: str, device: str) -> tuple[str, ...]:
    """The figures of an encoder on a device."""
    title = f"{encoder_spec(encoder).title} on {device}"
    return (
        f"{title}: end to end, part of the encoder alone",
        f"{title}: end to end, times the plain loop",
        f"{title}: least cosine to the plain loop's features",
    )


def speed(folder: Path, encoder: str, device: str, quick: bool, job: Job) -> Figures:
    """Rates of one encoder, in rounds that take turns: alone, end to end, plain.

    Parameters
    ----------
    folder
        For a slide that is made here.
    encoder
        A row of the catalogue; it gets random weights.
    device
        "cpu", "cuda" or "mps".
    quick
        A quarter of the tiles, one round.
    job
        Progress and cancel.
    """
    tiles = _TILES[device][encoder] // (_QUICK_SHARE if quick else 1)
    network = random_network(encoder, device)
    edge = network.spec.tile_px
    path = slide_with_tiles(folder / f"{tiles}.tif", tiles, edge)
    with opened(path) as slide:
        grid = first_tiles(slide, tiles, edge)
        pixels = read_tiles(slide, grid, range(len(grid)))
    arms: dict[str, Callable[[], NDArray[np.float32]]] = {
        "alone": lambda: np.asarray(network.encode(pixels)),
        "whole": lambda: _whole(path, grid, network),
        "plain": lambda: _plain(path, grid, network, device),
    }
    found = _rounds(arms, len(grid), _QUICK_ROUNDS if quick else _ROUNDS, job)
    return _rows(encoder, device, found)


def _whole(path: Path, grid: TileGrid, network: Any) -> NDArray[np.float32]:
    with opened(path) as slide:
        return embed_grid(slide, grid, network)


def _plain(path: Path, grid: TileGrid, network: Any, device: str) -> NDArray[np.float32]:
    loop = PlainLoop(network.forward, device, workers=os.cpu_count() or 1)
    return loop.run(PlainTiles(path, grid, network.spec))


class _Measured:
    """Rates of each arm, a round each, and its features."""

    def __init__(self) -> None:
        self.rates: dict[str, list[float]] = {}
        self.features: dict[str, NDArray[np.float32]] = {}


def _rounds(
    arms: dict[str, Callable[[], NDArray[np.float32]]], tiles: int, rounds: int, job: Job
) -> _Measured:
    found = _Measured()
    for i in range(-1, rounds):  # the first one warms up: batch sizes and precisions are probed
        for j, (name, run) in enumerate(arms.items()):
            job.step((i + 1) * len(arms) + j, (rounds + 1) * len(arms), f"embedding, {name}")
            started = time.perf_counter()
            found.features[name] = run()
            rate = tiles / (time.perf_counter() - started)
            if i >= 0:
                found.rates.setdefault(name, []).append(rate)
    return found


def _rows(encoder: str, device: str, found: _Measured) -> Figures:
    share, times, cosine = names(encoder, device)
    rates = found.rates
    target = CEILING_SHARE.get(device, {}).get(encoder)
    beside = ", ".join(f"{arm} {median(r):.3g}" for arm, r in rates.items()) + " tiles/s"
    return [
        _ratio(share, rates["whole"], rates["alone"], target, beside),
        _ratio(times, rates["whole"], rates["plain"], FASTER_THAN_PLAIN[device], beside),
        Row.of(cosine, least_cosine(found.features), "", SAME_COSINE),
    ], []


def _ratio(
    name: str, ours: list[float], other: list[float], target: float | None, beside: str
) -> Row:
    each = [o / p for o, p in zip(ours, other, strict=True)]
    return Row.of(name, median(each), "", target).among(min(each), max(each), beside)


def least_cosine(features: dict[str, NDArray[np.float32]]) -> float:
    """The least cosine of a tile's two vectors, "whole" and "plain"."""
    a, b = features["whole"].astype(np.float64), features["plain"].astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(1) / lengths).min())


def not_measured(encoder: str, device: str, why: str) -> list[NotMeasured]:
    """All figures of an encoder that could not be measured."""
    return list(none_measured(names(encoder, device), why))
