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

from napari_lookalike.core.bench.encoder_rows import (
    BY_SLIDE,
    DESCRIPTOR,
    FIVE,
    FLOOR,
    INSECT_PEER,
    LUNG,
    NAMES,
    NETWORK,
    OURS,
    PARTS,
    PEER,
    PEERS,
    RANDOM,
    SPOTS,
    STAINED,
    all_figures,
    columns,
    comparisons,
    figure,
    figures,
    gain,
    sets_of,
    speed_names,
)
from napari_lookalike.core.bench.encoder_stain import in_slides, normalised, slides_of
from napari_lookalike.core.bench.peers import INSECTS, MeanColour, mobilenet, random_resnet
from napari_lookalike.core.bench.probe import difference_interval
from napari_lookalike.core.bench.rates import tiles_per_second
from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row, none_measured
from napari_lookalike.core.bench.scores import PROBE, Scores, Views, embed_views, score
from napari_lookalike.core.bench.spots import find_spots, load_spots
from napari_lookalike.core.bench.tiles import (
    LabelledTiles,
    find_tiles,
    find_weights_folder,
    load_tiles,
)
from napari_lookalike.core.encoders import DEFAULT_ENCODER, Encoder, load_encoder
from napari_lookalike.core.progress import SILENT, Job

TARGET_SPEED = 200.0
"""Tiles of 224 px per second on two cores."""
TARGET_GAIN = 0.015
"""By how much the plain linear probe shall be above the ImageNet network's."""

_NO_TILES = "the labelled tiles are not here; name their folder with --data or in LOOKALIKE_SHARED"
_NO_SPOTS = "the two sections with spots (her2st) are not beside the tiles"
_NO_PEER = "the weights of this network are not beside the tiles"
_ONE_CORE = "this machine has one core"


def bench_encoder(
    *,
    data: Path | None = None,
    quick: bool = False,
    job: Job = SILENT,
    only: tuple[str, ...] = (),
) -> BenchReport:
    """Measure the shipped encoder, its parts, its peers, and what a stain normalisation does.

    Parameters
    ----------
    data
        Folder of the real data (or of the tiles themselves); ``None`` for
        ``LOOKALIKE_SHARED``.
    quick
        About 400 tiles instead of all.
    job
        Progress and cancel.
    only
        Keys of `PARTS`; all if empty.
    """
    wanted = {name for part in only for name in PARTS[part]} if only else set(NAMES)
    folder = find_tiles(data)
    if folder is None:
        return BenchReport((), none_measured(all_figures(wanted), _NO_TILES))
    labelled = load_tiles(folder, quick)
    encoders = _encoders(find_weights_folder(data), wanted)
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
        for j, views in enumerate(cohorts.values()):
            own = part.part(j, len(cohorts), "")
            scores = _measured(name, encoder, views, views.labelled is labelled, own)
            found |= {(name, subset): score for subset, score in scores.items()}
        speeds, unmeasured = _speeds(name, encoder, labelled.tiles)
        rows += speeds
        missing += unmeasured
    rows = [*_scores(found), *rows, *_gains(found, labelled)]
    measured = {row.name for row in rows} | {m.name for m in missing}
    reasons = {SPOTS: _NO_SPOTS}
    missing += [
        NotMeasured(name, next((r for s, r in reasons.items() if name.endswith(s)), _NO_PEER))
        for name in all_figures(wanted)
        if name not in measured
    ]
    return BenchReport(tuple(rows), tuple(missing))


def _encoders(weights: Path | None, wanted: set[str]) -> dict[str, Encoder | None]:
    from napari_lookalike.core.encoders.shipped.encoder import ShippedEncoder

    ours = load_encoder(DEFAULT_ENCODER)
    parts = ours.parts() if isinstance(ours, ShippedEncoder) else (None, None)
    every = {
        FLOOR: MeanColour(),
        RANDOM: random_resnet(),
        PEER: mobilenet(weights),
        INSECT_PEER: mobilenet(weights, INSECTS),
        DESCRIPTOR: parts[0],
        NETWORK: parts[1],
        OURS: ours,
        **dict.fromkeys(STAINED, ours),
    }
    return {name: encoder for name, encoder in every.items() if name in wanted}


def _measured(
    name: str, encoder: Encoder, views: Views, first: bool, job: Job
) -> dict[str, Scores]:
    """The scores of an encoder on every set of a cohort, the first one or the second."""
    by_slide = in_slides(views) if first else views
    pictures = normalised(by_slide, STAINED[name]) if name in STAINED else views
    features = embed_views(encoder, pictures, keep=name in PEERS, job=job)
    scores = {}
    for subset in sets_of(name):
        if (subset == SPOTS) is not first:
            of = by_slide if subset in BY_SLIDE else views
            members = _members(views.labelled, BY_SLIDE.get(subset, subset))
            scores[subset] = score(features, of, members, columns(subset))
    return scores


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


def _gains(found: dict[tuple[str, str], Scores], labelled: LabelledTiles) -> list[Row]:
    """Differences, with intervals for linear probes; the second cohort has too few groups."""
    rows = []
    for ours, peer, subsets in comparisons():
        for subset in subsets:
            if (ours, subset) not in found or (peer, subset) not in found:
                continue
            one, other = found[ours, subset], found[peer, subset]
            groups = _groups(subset, labelled)
            for column in columns(subset):
                row = Row.of(
                    gain(column, subset, ours, peer),
                    one.values[column] - other.values[column],
                    target=_target(column, subset, ours, peer),
                )
                rows.append(_with_interval(row, one, other, column, groups))
    return rows


def _groups(subset: str, labelled: LabelledTiles) -> NDArray[np.intp] | None:
    """The groups of a set's tiles; ``None`` if there are too few for an interval."""
    if subset == SPOTS:
        return None
    groups = slides_of(labelled) if subset in BY_SLIDE else labelled.groups
    return groups[_members(labelled, BY_SLIDE.get(subset, subset))]


def _target(column: str, subset: str, ours: str, peer: str) -> float | None:
    if (ours, peer) != (OURS, PEER) or subset in BY_SLIDE:
        return None
    return TARGET_GAIN if column == PROBE and subset != SPOTS else 0.0


def _with_interval(
    row: Row, ours: Scores, peer: Scores, column: str, groups: NDArray[np.intp] | None
) -> Row:
    if groups is None:
        return row
    if column == PROBE:
        low, high = difference_interval(ours.probe, peer.probe, groups)
    elif column in ours.shifted and ours.groups is not None:
        low, high = difference_interval(ours.shifted[column], peer.shifted[column], ours.groups)
    else:
        return row
    return replace(row, low=low, high=high, beside="95 % interval over photographs or slides")


def _speeds(
    name: str, encoder: Encoder, tiles: NDArray[np.uint8]
) -> tuple[list[Row], list[NotMeasured]]:
    if not speed_names(name):
        return [], []
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
