"""All columns of an encoder's scores on labelled tiles."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.feature_cache import embedded
from napari_lookalike.core.bench.probe import PLAIN, Probe, probe_under_shifts
from napari_lookalike.core.bench.retrieval import few_shot, nearest_is_alike
from napari_lookalike.core.bench.shifts import SHIFTS, shifted
from napari_lookalike.core.bench.tiles import LabelledTiles
from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.progress import Job

PROBE, FEW, NEAREST = "linear probe", "5-shot", "P@1"
COLUMNS = (PROBE, FEW, NEAREST, *(f"{PROBE} under {name}" for name in SHIFTS))
"""Columns of the table; all are proportions of 1."""


@dataclass(frozen=True, eq=False)
class Views:
    """The same tiles as they are, and after each shift.

    Parameters
    ----------
    labelled
        The tiles as they are, with classes and groups.
    which
        int (m,): the tiles that are shifted. Of photographs with two or three tiles each one
        is enough: the others are turned copies of the same tissue.
    changed
        Key of `SHIFTS` -> uint8 (m, 224, 224, 3).
    """

    labelled: LabelledTiles
    which: NDArray[np.intp]
    changed: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    @classmethod
    def of(cls, labelled: LabelledTiles, *, one_of_group: bool = True) -> Views:
        """All shifts of all tiles, or of the first of each group."""
        which = np.arange(len(labelled.groups))
        if one_of_group:
            which = np.sort(np.unique(labelled.groups, return_index=True)[1])
        tiles, groups = labelled.tiles[which], labelled.groups[which]
        return cls(labelled, which, {name: shifted(tiles, groups, name) for name in SHIFTS})


@dataclass(frozen=True, eq=False)
class Scores:
    """One encoder on one set of classes.

    Parameters
    ----------
    values
        Column -> proportion.
    probe
        The plain linear probe, tile by tile.
    shifted
        Column -> the same under a shift, for the tiles that are shifted.
    groups
        The groups of those.
    """

    values: dict[str, float]
    probe: Probe
    shifted: dict[str, Probe] = field(default_factory=dict)
    groups: NDArray[np.intp] | None = None


def embed_views(
    encoder: Encoder, views: Views, *, keep: bool, job: Job
) -> dict[str, NDArray[np.float32]]:
    """Features of the plain tiles (`PLAIN`) and of every shift; see `embedded`."""
    pictures = {PLAIN: views.labelled.tiles, **views.changed}
    return {
        name: embedded(encoder, tiles, keep=keep, job=job.part(i, len(pictures), f"{name}: "))
        for i, (name, tiles) in enumerate(pictures.items())
    }


def score(
    features: dict[str, NDArray[np.float32]],
    views: Views,
    keep: NDArray[np.bool_],
    columns: tuple[str, ...] = COLUMNS,
) -> Scores:
    """The columns.

    Parameters
    ----------
    features
        From `embed_views`.
    views
        Their classes and groups.
    keep
        bool (n,): the tiles of the set of classes.
    columns
        Those wanted.
    """
    which, labelled = views.which, views.labelled
    kept = keep[which]
    part = {n: rows[keep if n == PLAIN else kept] for n, rows in features.items()}
    classes, groups = labelled.classes[keep], labelled.groups[keep]
    # The shifted tiles' places among those that are kept.
    places = (np.cumsum(keep) - 1)[which[kept]]
    probes = probe_under_shifts(part, classes, groups, which=places)
    plain = part[PLAIN]
    values = {PROBE: probes[PLAIN].accuracy}
    if FEW in columns:
        values[FEW] = few_shot(plain, classes, groups)
    values[NEAREST] = float(nearest_is_alike(plain, classes, groups).mean())
    shifts = {f"{PROBE} under {name}": probes[name] for name in SHIFTS}
    values |= {name: probe.accuracy for name, probe in shifts.items()}
    chosen = {name: values[name] for name in columns}
    return Scores(chosen, probes[PLAIN], shifts, groups[places])
