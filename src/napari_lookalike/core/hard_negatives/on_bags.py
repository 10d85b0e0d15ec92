"""From tiles that an expert pointed at to instances of bags, without leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile

COVERED = 0.5
"""A tile was pointed at if so much of the smaller of the two squares is common."""
NEAREST = 0.2
"""If none is, the best one counts from here: on a shifted grid a click lies on four tiles."""


@dataclass(frozen=True, eq=False)
class BagEvidence:
    """Which instances of a bag were pointed at.

    Parameters
    ----------
    diagnostic
        int64 (n,) indices of instances that the diagnosis rests on.
    lookalike
        int64 (m,) indices of instances that look alike and decide nothing.
    """

    diagnostic: NDArray[np.int64]
    lookalike: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.diagnostic) + len(self.lookalike)

    @staticmethod
    def of(diagnostic: Iterable[int] = (), lookalike: Iterable[int] = ()) -> BagEvidence:
        """From plain numbers; an instance that is in both is in neither."""
        on, off = set(diagnostic), set(lookalike)
        return BagEvidence(
            np.array(sorted(on - off), np.int64), np.array(sorted(off - on), np.int64)
        )


@dataclass(frozen=True, eq=False)
class EvidenceUse:
    """What of the evidence a training may learn from, and what it may not.

    Parameters
    ----------
    bags
        slide_id -> its instances.
    n_tiles
        How many clicked tiles are in it.
    left_out
        Why others are not -> how many.
    """

    bags: Mapping[str, BagEvidence] = field(default_factory=dict)
    n_tiles: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


def instances_under(
    tile: EvidenceTile, corners: NDArray[np.float64], size: tuple[float, float]
) -> NDArray[np.int64]:
    """Instances that a clicked tile means.

    Parameters
    ----------
    tile
        The click: a square, (x, y) of its top-left corner and edge in level-0 pixels.
    corners
        float64 (n, 2) exact (x, y) of the instances' top-left corners, level-0 pixels
        (`TileGrid.corners_px0`).
    size
        (width, height) of an instance in level-0 pixels.

    Returns
    -------
    ndarray of int64 (k,)
        Those that have at least `COVERED` of the smaller of both areas in common with it;
        if there are none, the one with the most in common, from `NEAREST` on; else none.
    """
    if not len(corners) or tile.size <= 0:
        return np.zeros(0, np.int64)
    click, edges = np.array([tile.x, tile.y], np.float64), np.asarray(size, np.float64)
    # A stored corner is a whole number, the grid's is not: half a pixel is no difference.
    common = np.minimum(corners + edges, click + tile.size) - np.maximum(corners, click)
    area = np.clip(common, 0.0, None).prod(1)
    share = area / min(float(edges.prod()), float(tile.size) ** 2)
    under = np.flatnonzero(share >= COVERED)
    if len(under):
        return under.astype(np.int64)
    best = int(share.argmax())
    return np.array([best] if share[best] >= NEAREST else [], np.int64)


Place = tuple[NDArray[np.float64], tuple[float, float]]
"""`TileGrid.corners_px0` and `TileGrid.size_px0` of a slide's bag."""


def evidence_for(
    tiles: Sequence[EvidenceTile],
    rows: Iterable[PairMark],
    cohort: Cohort,
    classes: Sequence[str],
    places: Mapping[str, Place],
    *,
    without_patients: Collection[str] = (),
) -> EvidenceUse:
    """What a training may learn of the clicked tiles.

    A tile was clicked by looking at its slide, beside the other slide of its mark. So for a
    fold that tests a patient of either, it is left out.

    Parameters
    ----------
    tiles
        All of the table.
    rows
        Marks of the table: a tile of a retired mark is not used.
    cohort
        Slides with their present labels.
    classes
        The model's classes.
    places
        slide_id -> where its instances lie; slides without a bag are absent.
    without_patients
        Patients (``SlideRecord.group``) of the test set of this fold.
    """
    hidden, marks = frozenset(without_patients), {row.id: row for row in rows}
    left_out: Counter[str] = Counter()
    on: dict[str, set[int]] = {}
    off: dict[str, set[int]] = {}
    used: list[tuple[str, NDArray[np.int64]]] = []
    for tile in tiles:
        mark = marks.get(tile.mark)
        if tile.status != "active" or (mark is not None and not mark.active):
            continue
        reason = _why_left_out(tile, mark, cohort, classes, hidden)
        found = np.zeros(0, np.int64)
        if not reason and tile.slide_id in places:
            found = instances_under(tile, *places[tile.slide_id])
        if not reason and not len(found):
            reason = "lies on no tile of the slide that was embedded"
        if reason:
            left_out[reason] += 1
            continue
        side = on if tile.kind == "diagnostic" else off
        side.setdefault(tile.slide_id, set()).update(found.tolist())
        used.append((tile.slide_id, found))
    bags = {s: BagEvidence.of(on.get(s, ()), off.get(s, ())) for s in {**on, **off}}
    n_tiles = 0
    for slide_id, found in used:
        bag = bags[slide_id]
        if np.isin(found, bag.diagnostic).any() or np.isin(found, bag.lookalike).any():
            n_tiles += 1
        else:
            left_out["was pointed at as diagnostic and as look-alike"] += 1
    kept = {slide_id: bag for slide_id, bag in sorted(bags.items()) if len(bag)}
    return EvidenceUse(kept, n_tiles, dict(left_out))


def _why_left_out(
    tile: EvidenceTile,
    mark: PairMark | None,
    cohort: Cohort,
    classes: Sequence[str],
    hidden: frozenset[str],
) -> str:
    if tile.waits:
        return "was not looked at again by who pointed at it"
    if not tile.used:
        return "is disputed by a second expert"
    if tile.slide_id not in cohort:
        return "lies on a slide that is no longer in the project"
    record = cohort[tile.slide_id]
    if record.excluded:
        return "lies on a slide that is excluded"
    if record.label not in classes:
        return "lies on a slide without a subtype that the model knows"
    patients = {record.group, record.patient_id}
    if mark is not None and mark.level == "slide":
        for side in mark.sides:
            if side in cohort:
                patients |= {cohort[side].group, cohort[side].patient_id}
    if hidden & patients:
        return "touches a test patient"
    return ""
