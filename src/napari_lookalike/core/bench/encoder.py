"""``bench encoder``: the encoder that ships, its parts, and its peers.

All are measured on real H&E tiles, with photographs kept together, over all five classes
and over the three lung classes (these come from one JPEG encoding, so they are the cleaner
figure); and on a second cohort, trained on one section and tested on the other. Speed is
measured on the same tiles in the same run.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.peers import INSECTS, MeanColour, mobilenet, random_resnet
from napari_lookalike.core.bench.probe import difference_interval
from napari_lookalike.core.bench.rates import tiles_per_second
from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row, none_measured
from napari_lookalike.core.bench.scores import (
    COLUMNS,
    FEW,
    PROBE,
    Scores,
    Views,
    embed_views,
    score,
)
from napari_lookalike.core.bench.spots import find_spots, load_spots
from napari_lookalike.core.bench.tiles import (
    LabelledTiles,
    find_tiles,
    find_weights_folder,
    load_tiles,
)
from napari_lookalike.core.encoders import DEFAULT_ENCODER, Encoder, load_encoder
from napari_lookalike.core.progress import SILENT, Job

FLOOR, RANDOM = "mean colour", "random-weight ResNet-18"
PEER, INSECT_PEER = "ImageNet MobileNetV2", "iNaturalist MobileNetV2"
DESCRIPTOR, NETWORK = "descriptor alone", "network alone"
OURS = "shipped encoder"
NAMES = (FLOOR, RANDOM, PEER, INSECT_PEER, DESCRIPTOR, NETWORK, OURS)
"""All that are measured; the first four are peers."""

FIVE, LUNG, SPOTS = "5 classes", "3 lung classes", "second cohort"
SETS = (FIVE, LUNG, SPOTS)
TARGET_SPEED = 200.0
"""Tiles of 224 px per second on two cores."""
TARGET_GAIN = 0.015
"""By how much the plain linear probe shall be above the ImageNet network's."""

_NO_TILES = "the labelled tiles are not here; name their folder with --data or in LOOKALIKE_SHARED"
_NO_SPOTS = "the two sections with spots (her2st) are not beside the tiles"
_NO_PEER = "the weights of this network are not beside the tiles"
_ONE_CORE = "this machine has one core"


def columns(subset: str) -> tuple[str, ...]:
    """The columns of a set. With two sections, nothing is left to test five shots on."""
    return tuple(c for c in COLUMNS if c != FEW) if subset == SPOTS else COLUMNS


def bench_encoder(
    *, data: Path | None = None, quick: bool = False, job: Job = SILENT
) -> BenchReport:
    """Measure the shipped encoder, its parts and its peers.

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
        return BenchReport((), none_measured(all_figures(), _NO_TILES))
    labelled = load_tiles(folder, quick)
    encoders = _encoders(find_weights_folder(data))
    where = find_spots(data)
    cohorts = {FIVE: Views.of(labelled)}
    if where is not None:
        cohorts[SPOTS] = Views.of(load_spots(where), one_of_group=False)
    found: dict[tuple[str, str], Scores] = {}
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    for i, (name, encoder) in enumerate(encoders.items()):
        if encoder is None:
            missing += none_measured(figures(name), _NO_PEER)
            continue
        part = job.part(i, len(encoders), f"{name}: ")
        keep = name in NAMES[:4]
        for j, views in enumerate(cohorts.values()):
            features = embed_views(encoder, views, keep=keep, job=part.part(j, len(cohorts), ""))
            for subset in _sets_of(views, labelled):
                members = _members(views.labelled, subset)
                found[name, subset] = score(features, views, members, columns(subset))
        speeds, unmeasured = _speeds(name, encoder, labelled.tiles)
        rows += speeds
        missing += unmeasured
    rows = [*_scores(found), *rows, *_gains(found, cohorts, labelled)]
    measured = {row.name for row in rows} | {m.name for m in missing}
    reasons = {SPOTS: _NO_SPOTS}
    missing += [
        NotMeasured(name, next((r for s, r in reasons.items() if name.endswith(s)), _NO_PEER))
        for name in all_figures()
        if name not in measured
    ]
    return BenchReport(tuple(rows), tuple(missing))


def _encoders(weights: Path | None) -> dict[str, Encoder | None]:
    from napari_lookalike.core.encoders.shipped.encoder import ShippedEncoder

    ours = load_encoder(DEFAULT_ENCODER)
    parts = ours.parts() if isinstance(ours, ShippedEncoder) else (None, None)
    return {
        FLOOR: MeanColour(),
        RANDOM: random_resnet(),
        PEER: mobilenet(weights),
        INSECT_PEER: mobilenet(weights, INSECTS),
        DESCRIPTOR: parts[0],
        NETWORK: parts[1],
        OURS: ours,
    }


def _sets_of(views: Views, first: LabelledTiles) -> tuple[str, ...]:
    return (FIVE, LUNG) if views.labelled is first else (SPOTS,)


def _members(labelled: LabelledTiles, subset: str) -> NDArray[np.bool_]:
    if subset == LUNG:
        return np.char.startswith(labelled.classes, "lung")
    return np.ones(len(labelled.classes), dtype=bool)


def _scores(found: dict[tuple[str, str], Scores]) -> list[Row]:
    return [
        Row.of(figure(name, column, subset), value)
        for (name, subset), scores in found.items()
        for column, value in scores.values.items()
    ]


def _gains(
    found: dict[tuple[str, str], Scores], cohorts: dict[str, Views], labelled: LabelledTiles
) -> list[Row]:
    """Ours minus the ImageNet network's, with an interval for the plain linear probe."""
    rows = []
    for subset in SETS:
        if (PEER, subset) not in found or (OURS, subset) not in found:
            continue
        ours, peer = found[OURS, subset], found[PEER, subset]
        own = cohorts[SPOTS].labelled if subset == SPOTS else labelled
        groups = own.groups[_members(own, subset)]
        for column in columns(subset):
            plain = column == PROBE and subset != SPOTS
            target = TARGET_GAIN if plain else 0.0
            difference = ours.values[column] - peer.values[column]
            row = Row.of(gain(column, subset), difference, target=target)
            if plain:
                low, high = difference_interval(ours.probe, peer.probe, groups)
                row = replace(row, low=low, high=high, beside="95 % interval over photographs")
            rows.append(row)
    return rows


def _speeds(
    name: str, encoder: Encoder, tiles: NDArray[np.uint8]
) -> tuple[list[Row], list[NotMeasured]]:
    cores = os.cpu_count() or 1
    one, two, every = speed_names(name)
    rows = [Row.of(one, tiles_per_second(encoder, tiles, 1), "tiles/s")]
    target = TARGET_SPEED if name == OURS else None
    if cores < 2:
        return rows, list(none_measured((two, every), _ONE_CORE))
    both = tiles_per_second(encoder, tiles, 2)
    rows.append(Row.of(two, both, "tiles/s", target))
    most = both if cores == 2 else tiles_per_second(encoder, tiles, cores)
    rows.append(Row.of(every, most, "tiles/s"))
    return rows, []


def figure(name: str, column: str, subset: str) -> str:
    """What a row of an encoder's score is called."""
    return f"{name}: {column}, {subset}"


def gain(column: str, subset: str) -> str:
    """What the row of a comparison is called."""
    return f"{OURS} minus {PEER}: {column}, {subset}"


def speed_names(name: str) -> tuple[str, str, str]:
    """What the rows of an encoder's speed are called: one thread, two, all cores."""
    return f"{name}: speed, 1 thread", f"{name}: speed, 2 threads", f"{name}: speed, all cores"


def figures(name: str) -> list[str]:
    """All rows of an encoder."""
    scores = [figure(name, c, subset) for subset in SETS for c in columns(subset)]
    return [*scores, *speed_names(name)]


def all_figures() -> list[str]:
    """All rows of the bench."""
    own = [name for encoder in NAMES for name in figures(encoder)]
    return [*own, *(gain(c, subset) for subset in SETS for c in columns(subset))]
