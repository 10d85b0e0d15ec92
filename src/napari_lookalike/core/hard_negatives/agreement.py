"""Where several experts agree and where they do not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.log import LogEntry

FAR_APART = 0.5
"""Two strengths that differ by so much are called a disagreement."""


@dataclass(frozen=True)
class Agreement:
    """How far experts agree on which subtypes look alike.

    Every pair of subtypes is one item, and an expert says "alike" of it by a mark of
    strength above 0, of the subtypes or of two of their slides, and "not alike" by none.
    An expert who has not looked at a pair cannot be told from one who finds it easy: the
    more of the map all of them have seen, the more the figures mean.

    Parameters
    ----------
    experts
        Who marked anything, sorted.
    n_pairs
        How many pairs of subtypes there are.
    cohen
        (expert, expert) -> Cohen's kappa; NaN where it is not defined.
    fleiss
        Fleiss' kappa of all; NaN with one expert, or where it is not defined.
    """

    experts: tuple[str, ...]
    n_pairs: int
    cohen: Mapping[tuple[str, str], float]
    fleiss: float


@dataclass(frozen=True)
class Disagreement:
    """One thing that experts do not agree on.

    Parameters
    ----------
    marks
        Row numbers of the marks.
    what
        A sentence that says who says what.
    """

    marks: tuple[int, ...]
    what: str


def cohen_kappa(a: Sequence[bool], b: Sequence[bool]) -> float:
    """Cohen's kappa of two raters.

    Parameters
    ----------
    a, b
        What each says of the same items.

    Returns
    -------
    float
        1 for agreement, 0 for that of chance; NaN where both say the same of everything,
        since chance cannot be told then.

    References
    ----------
    J. Cohen: A coefficient of agreement for nominal scales. Educational and Psychological
    Measurement 20 (1960), 37-46.
    """
    if not a or len({*a, *b}) < 2:
        return math.nan
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(list(a), list(b)))


def fleiss_kappa(counts: NDArray[np.int64]) -> float:
    """Fleiss' kappa of any number of raters.

    Parameters
    ----------
    counts
        int (n_items, n_categories): how many raters put an item into a category. Each item
        has the same number of raters, two at least.

    Returns
    -------
    float
        1 for agreement, 0 for that of chance; NaN where one category is all that was used.

    References
    ----------
    J. L. Fleiss: Measuring nominal scale agreement among many raters. Psychological
    Bulletin 76 (1971), 378-382, equations 1 to 7.
    """
    raters = int(counts[0].sum()) if len(counts) else 0
    if raters < 2:
        return math.nan
    share = counts.sum(axis=0) / counts.sum()
    of_item = (np.square(counts).sum(axis=1) - raters) / (raters * (raters - 1))
    by_chance = float(np.square(share).sum())
    if by_chance >= 1.0:
        return math.nan
    return (float(of_item.mean()) - by_chance) / (1.0 - by_chance)


def agreement(
    rows: Iterable[PairMark], classes: Sequence[str], label_of: Mapping[str, str]
) -> Agreement:
    """How far the experts of a table agree (see `Agreement`).

    Parameters
    ----------
    rows
        Rows of the table; retired ones are passed over, disputed ones are still what their
        expert says.
    classes
        Class names: their pairs are what is rated.
    label_of
        slide_id -> label that the slide has now.
    """
    items = [frozenset(pair) for pair in combinations(sorted(set(classes)), 2)]
    said: dict[str, set[frozenset[str]]] = {}
    for row in rows:
        sides = row.sides
        if row.level == "slide":
            sides = label_of.get(row.slide_a, ""), label_of.get(row.slide_b, "")
        pair = frozenset(sides)
        if row.status != "retired" and len(pair) == 2 and pair <= set(classes):
            theirs = said.setdefault(row.expert, set())
            if row.strength > 0:
                theirs.add(pair)
    experts = tuple(sorted(said))
    ratings = {who: [item in said[who] for item in items] for who in experts}
    alike = np.array([sum(r) for r in zip(*ratings.values(), strict=True)], np.int64)
    counts = np.stack([alike, len(experts) - alike], axis=1) if len(alike) else alike[:, None]
    return Agreement(
        experts,
        len(items),
        {(a, b): cohen_kappa(ratings[a], ratings[b]) for a, b in combinations(experts, 2)},
        fleiss_kappa(counts),
    )


def disagreements(
    rows: Sequence[PairMark],
    evidence: Iterable[EvidenceTile] = (),
    log: Iterable[LogEntry] = (),
) -> tuple[Disagreement, ...]:
    """What the experts of a table have yet to settle.

    Disputed marks (with the version that lost, where two edits met), pairs of which one
    expert says that they look alike and another, with a strength of 0, that they do not,
    strengths that are far apart, and disputed evidence tiles.

    Parameters
    ----------
    rows, evidence, log
        Of the table; without the log, versions that lost are not told.
    """
    there = [row for row in rows if row.status != "retired"]
    wanted = {e.row: e for e in log if e.other and e.subject == "mark"}
    found = [_disputed(row, wanted.get(row.id)) for row in there if row.status == "disputed"]
    by_pair: dict[tuple[str, ...], list[PairMark]] = {}
    for row in there:
        by_pair.setdefault(row.key[:3], []).append(row)
    for same in by_pair.values():
        found += _apart(same)
    ids = {row.id for row in there}
    found += [
        Disagreement(
            (tile.mark,),
            f"{_who(tile.second_expert)} disputes a tile of {tile.slide_id} that "
            f"{_who(tile.expert)} calls {tile.kind}.",
        )
        for tile in evidence
        if tile.status == "active" and tile.second_says == "disputed" and tile.mark in ids
    ]
    return tuple(found)


def _disputed(row: PairMark, entry: LogEntry | None) -> Disagreement:
    pair = _pair(row)
    if entry is None or entry.other is None:
        return Disagreement((row.id,), f"{pair}: the mark of {_who(row.expert)} is disputed.")
    shown = ("strength", "reason", "features", "test", "test_result", "confidence", "status")
    before = entry.before or {}
    other = [
        f"{name.replace('_', ' ')} {entry.other[name]!r} instead of {before.get(name)!r}"
        for name in shown
        if name in entry.other and entry.other[name] != before.get(name)
    ]
    what = ", ".join(other) or "another version"
    return Disagreement((row.id,), f"{pair}: {_who(entry.who)} wanted {what}.")


def _apart(same: Sequence[PairMark]) -> list[Disagreement]:
    low, high = min(same, key=_strength), max(same, key=_strength)
    ids = tuple(row.id for row in same)
    if low.strength == 0 < high.strength:
        what = f"look alike to {_who(high.expert)} and not to {_who(low.expert)}"
    elif high.strength - low.strength >= FAR_APART:
        what = (
            f"strength {high.strength:.2f} by {_who(high.expert)} and "
            f"{low.strength:.2f} by {_who(low.expert)}"
        )
    else:
        return []
    return [Disagreement(ids, f"{_pair(high)}: {what}.")]


def _strength(row: PairMark) -> float:
    return row.strength


def _pair(row: PairMark) -> str:
    return " and ".join(row.sides)


def _who(name: str) -> str:
    return name or "somebody without a name"
