"""``bench encoder``: the shipped descriptor beside mean colour and two networks.

Accuracy is that of a linear probe on real H&E tiles, with photographs kept together, over
all five classes and over the three lung classes (these come from one JPEG encoding, so
they are the cleaner figure). Speed is measured on the same tiles in the same run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from napari_lookalike.core.bench.peers import MeanColour, mobilenet, random_resnet
from napari_lookalike.core.bench.probe import Probe, difference_interval, linear_probe
from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row, none_measured
from napari_lookalike.core.bench.tiles import (
    LabelledTiles,
    find_tiles,
    find_weights_folder,
    load_tiles,
)
from napari_lookalike.core.encoders import DEFAULT_ENCODER, Encoder, load_encoder
from napari_lookalike.core.progress import SILENT, Job

OURS, FLOOR = "histology descriptor", "mean colour"
RANDOM, PEER = "random-weight ResNet-18", "ImageNet MobileNetV2"
SETS = ("5 classes", "3 lung classes")
TARGET_SPEED = 200.0
"""Tiles of 224 px per second on two cores."""
_CHUNK = 64
_TIMED_TILES = 96
_REPEATS = 3
_NO_TILES = "the labelled tiles are not here; name their folder with --data or in LOOKALIKE_SHARED"
_NO_PEER = "the weights of the ImageNet MobileNetV2 are not beside the tiles"


def bench_encoder(
    *, data: Path | None = None, quick: bool = False, job: Job = SILENT
) -> BenchReport:
    """Measure the shipped encoder and its peers.

    Parameters
    ----------
    data
        Folder of the real data (or of the tiles themselves); ``None`` for
        ``LOOKALIKE_SHARED``.
    quick
        About 400 tiles instead of all.
    job
        Progress and cancel.
    """
    folder = find_tiles(data)
    if folder is None:
        return BenchReport((), none_measured(_all_figures(), _NO_TILES))
    labelled = load_tiles(folder, quick)
    encoders: dict[str, Encoder | None] = {
        OURS: load_encoder(DEFAULT_ENCODER),
        FLOOR: MeanColour(),
        RANDOM: random_resnet(),
        PEER: mobilenet(find_weights_folder(data)),
    }
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    probes: dict[tuple[str, str], Probe] = {}
    for i, (name, encoder) in enumerate(encoders.items()):
        part = job.part(i, len(encoders), f"{name}: ")
        if encoder is None:
            missing += none_measured(_figures(name), _NO_PEER)
            continue
        features = _embed(encoder, labelled, part)
        for subset in SETS:
            probes[name, subset] = _probe(features, labelled, subset)
            rows.append(Row.of(_accuracy(name, subset), probes[name, subset].accuracy))
        speeds, unmeasured = _speeds(name, encoder, labelled)
        rows += speeds
        missing += unmeasured
    for subset in SETS:
        rows += _comparison(probes, labelled, subset)
    if encoders[PEER] is None:
        missing += none_measured([_gain(s) for s in SETS], _NO_PEER)
    return BenchReport(tuple(rows), tuple(missing))


def _members(labelled: LabelledTiles, subset: str) -> np.ndarray:
    if subset == SETS[0]:
        return np.ones(len(labelled.classes), dtype=bool)
    return np.char.startswith(labelled.classes, "lung")


def _probe(features: np.ndarray, labelled: LabelledTiles, subset: str) -> Probe:
    keep = _members(labelled, subset)
    return linear_probe(features[keep], labelled.classes[keep], labelled.groups[keep])


def _comparison(
    probes: dict[tuple[str, str], Probe], labelled: LabelledTiles, subset: str
) -> list[Row]:
    if (PEER, subset) not in probes:
        return []
    ours, peer = probes[OURS, subset], probes[PEER, subset]
    low, high = difference_interval(ours, peer, labelled.groups[_members(labelled, subset)])
    name = _gain(subset)
    return [
        Row.of(name, ours.accuracy - peer.accuracy, target=0.0),
        Row.of(f"{name}, lower end of the 95 % interval", low),
        Row.of(f"{name}, upper end of the 95 % interval", high),
    ]


def _embed(encoder: Encoder, labelled: LabelledTiles, job: Job) -> np.ndarray:
    parts = []
    for start in range(0, len(labelled.tiles), _CHUNK):
        job.step(start, len(labelled.tiles), "embedding")
        parts.append(encoder.encode(labelled.tiles[start : start + _CHUNK]))
    return np.concatenate(parts)


def _speeds(
    name: str, encoder: Encoder, labelled: LabelledTiles
) -> tuple[list[Row], list[NotMeasured]]:
    cores = os.cpu_count() or 1
    one, two, every = _speed_names(name)
    rows = [Row.of(one, _tiles_per_second(encoder, labelled, 1), "tiles/s")]
    target = TARGET_SPEED if name == OURS else None
    if cores < 2:
        return rows, [NotMeasured(two, "this machine has one core")]
    rows.append(Row.of(two, _tiles_per_second(encoder, labelled, 2), "tiles/s", target))
    rows.append(Row.of(every, _tiles_per_second(encoder, labelled, cores), "tiles/s"))
    return rows, []


def _tiles_per_second(encoder: Encoder, labelled: LabelledTiles, threads: int) -> float:
    """The best of three runs: what else the machine does can only slow one down."""
    tiles = labelled.tiles[:_TIMED_TILES]
    with _threads(encoder, threads):
        encoder.encode(tiles[:8])
        best = np.inf
        for _ in range(_REPEATS):
            started = time.perf_counter()
            encoder.encode(tiles)
            best = min(best, time.perf_counter() - started)
    return len(tiles) / best


@contextmanager
def _threads(encoder: Encoder, number: int) -> Iterator[None]:
    import torch

    from napari_lookalike.core.encoders.descriptor.encoder import HistologyDescriptor

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    own = encoder.threads if isinstance(encoder, HistologyDescriptor) else None
    if isinstance(encoder, HistologyDescriptor):
        encoder.threads = number
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if isinstance(encoder, HistologyDescriptor) and own is not None:
            encoder.threads = own


def _accuracy(name: str, subset: str) -> str:
    return f"{name}: linear-probe accuracy, {subset}"


def _gain(subset: str) -> str:
    return f"{OURS} minus {PEER}: linear-probe accuracy, {subset}"


def _speed_names(name: str) -> tuple[str, str, str]:
    return f"{name}: speed, 1 thread", f"{name}: speed, 2 threads", f"{name}: speed, all cores"


def _figures(name: str) -> list[str]:
    return [*(_accuracy(name, subset) for subset in SETS), *_speed_names(name)]


def _all_figures() -> list[str]:
    own = [figure for name in (OURS, FLOOR, RANDOM, PEER) for figure in _figures(name)]
    return [*own, *(_gain(subset) for subset in SETS)]
