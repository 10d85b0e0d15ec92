"""One queue from all hints, by a rule that is written down (docs/design/suggestions.md).

::

    score = 1 - product over the sources of (1 - weight of the source x value)
            x 0.5  for each other expert who rejected this very pair
            x 0.5  where somebody marked the two subtypes already, or (for two slides of
                   them) rejected them
            x 0.8^k  for the k-th slide pair (from 0) of one pair of subtypes

Of each source the strongest reason counts. What the textbook says of two subtypes counts
half for two slides of them. Best first; what was put off comes last. The weights are our
choice and were not fitted to anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.suggest.decisions import Decision, latest
from napari_lookalike.core.suggest.types import (
    Hint,
    Hints,
    Key,
    Level,
    Source,
    Suggestion,
    pair_key,
)

SOURCE_WEIGHTS: dict[Source, float] = {
    "confusion": 0.9,
    "expert": 0.8,
    "textbook": 0.6,
    "entropy": 0.5,
    "neighbours": 0.4,
}
"""How much a source counts: what was seen to go wrong most, mere nearness least."""
REJECTED = 0.5
"""A colleague's no lowers the place, and hides nothing: each expert decides for oneself."""
LOOKED_AT = 0.5
REPEATED = 0.8
TEXTBOOK_FOR_SLIDES = 0.5
SLIDE_PAIRS = 6
"""At most so many slide pairs per pair of subtypes stand in the queue at a time."""
PER_SLIDE = 2
"""At most so many slide pairs with the same slide: one odd slide must not fill the queue."""
RETIRED = "retired"
STRENGTH = 0.75
"""Filled in where nobody says how easily the two are confused, as in the form."""


def rank(
    hints: Hints,
    marks: Iterable[PairMark],
    decisions: Iterable[Decision] = (),
    expert: str = "",
    labels: Mapping[str, str] | None = None,
) -> tuple[Suggestion, ...]:
    """The queue of one expert.

    Pairs that this expert marked, accepted or rejected are not in it; those that others
    rejected are, further back.

    Parameters
    ----------
    hints
        From `find_hints`.
    marks
        The table, retired ones too.
    decisions
        What was accepted, rejected or put off, oldest first.
    expert
        Who looks.
    labels
        slide_id -> label of the slides that may be suggested; marks of others that name a
        slide which is not in it are passed over. ``None`` = no mark of a slide pair counts.
    """
    known = [m for m in marks if m.status != RETIRED]
    said = latest(decisions)
    own = {pair_key(m.level, *m.sides) for m in known if m.expert == expert}
    own |= {k for (who, k), d in said.items() if who == expert and d.what != "later"}
    later = [k for (who, k), d in said.items() if who == expert and d.what == "later"]
    no: dict[Key, list[Decision]] = defaultdict(list)
    for (who, key), decision in said.items():
        if decision.what == "reject" and who != expert:
            no[key].append(decision)
    looked = looked_at(known, said.values(), labels or {})
    by_key: dict[Key, list[Hint]] = defaultdict(list)
    for hint in (*hints.found, *_of_experts(known, expert, labels or {})):
        if hint.key not in own:
            by_key[hint.key].append(hint)
    textbook = {_subtypes(h): h for h in hints.found if h.source == "textbook"}
    examples = {**_first_slides(by_key.values(), labels or {}), **dict(hints.examples)}
    found = [
        _suggestion(key, reasons, textbook, examples, looked, later, tuple(no[key]))
        for key, reasons in by_key.items()
    ]
    return _queue(found, later)


def looked_at(
    marks: Iterable[PairMark], decisions: Iterable[Decision], labels: Mapping[str, str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Pairs of subtypes that somebody marked or rejected, at either level.

    A rejected *slide* pair says nothing of its subtypes.

    Parameters
    ----------
    marks
        The table; retired ones do not count, disputed ones were looked at.
    decisions
        What holds now (`decisions.latest`).
    labels
        slide_id -> label as it is now; a slide that it lacks keeps the label of the mark.

    Returns
    -------
    dict
        Sorted pair -> ("marked" or "rejected", by whom).
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for d in decisions:
        if d.what == "reject" and d.level == "subtype":
            found[_sorted(d.a, d.b)] = "rejected", d.who
    for m in marks:
        if m.status == RETIRED:
            continue
        a, b = m.subtype_a, m.subtype_b
        if m.level == "slide":
            a, b = labels.get(m.slide_a, a), labels.get(m.slide_b, b)
        if a and b and a != b:
            found[_sorted(a, b)] = "marked", m.expert
    return found


def _of_experts(marks: Iterable[PairMark], expert: str, labels: Mapping[str, str]) -> list[Hint]:
    """Marks of others, as hints."""
    found, names = [], set(labels.values())
    for m in marks:
        if m.expert == expert or not m.active:
            continue
        if m.level == "slide":
            sides = labels.get(m.slide_a, ""), labels.get(m.slide_b, "")
            if not all(sides) or sides[0] == sides[1]:
                continue
        else:
            sides = m.subtype_a, m.subtype_b
            if not set(sides) <= names:
                continue
        why = f": {m.reason}" if m.reason else ""
        text = f"{m.expert or 'Somebody'} marked them (strength {m.strength:.2f}){why}."
        slides = m.sides if m.level == "slide" else ("", "")
        found.append(
            Hint(m.level, *m.sides, sides, "expert", m.strength, text, slides, strength=m.strength)
        )
    return found


def _first_slides(
    found: Iterable[list[Hint]], labels: Mapping[str, str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Two slides of each pair of subtypes, where nothing better is known."""
    first: dict[str, str] = {}
    for slide_id, label in labels.items():
        first.setdefault(label, slide_id)
    pairs = {_subtypes(hints[0]) for hints in found if hints[0].level == "subtype"}
    return {(a, b): (first.get(a, ""), first.get(b, "")) for a, b in pairs}


def _suggestion(
    key: Key,
    reasons: list[Hint],
    textbook: Mapping[tuple[str, str], Hint],
    examples: Mapping[tuple[str, str], tuple[str, str]],
    looked: Mapping[tuple[str, str], tuple[str, str]],
    later: Collection[Key],
    rejections: tuple[Decision, ...],
) -> Suggestion:
    first = key[1]
    level: Level = "slide" if key[0] == "slide" else "subtype"
    reasons = [h if h.a == first else h.turned() for h in reasons]
    subtypes = reasons[0].subtypes
    book = textbook.get(_sorted(*subtypes))
    if book is not None and level == "slide":
        book = book if book.subtypes == subtypes else book.turned()
        reasons.append(replace(book, value=TEXTBOOK_FOR_SLIDES * book.value))
    reasons.sort(key=lambda h: -SOURCE_WEIGHTS[h.source] * h.value)
    strongest = {h.source: h for h in reversed(reasons)}  # of each source one counts
    rest = 1.0
    for source, hint in strongest.items():
        rest *= 1.0 - SOURCE_WEIGHTS[source] * min(max(hint.value, 0.0), 1.0)
    standing, _ = looked.get(_sorted(*subtypes), ("", ""))
    # That the subtypes were rejected counts against them once, by `REJECTED`.
    back = standing == "marked" or (standing != "" and level == "slide")
    factor = (LOOKED_AT if back else 1.0) * REJECTED ** len(rejections)
    slides = (key[1], key[2])
    if level == "subtype":
        a, b = examples.get(_sorted(*subtypes), ("", ""))
        slides = (a, b) if subtypes[0] < subtypes[1] else (b, a)
    return Suggestion(
        level,
        key[1],
        key[2],
        subtypes,
        slides,
        (1.0 - rest) * factor,
        tuple(reasons),
        book.test if book is not None else "",
        max((h.strength for h in reasons), default=0.0) or STRENGTH,
        key in later,
        standing != "",
        rejections,
    )


def _queue(found: list[Suggestion], later: list[Key]) -> tuple[Suggestion, ...]:
    """Best first, repeats further back, what was put off last, in the order it was."""
    found.sort(key=lambda s: (-s.score, s.level, s.a, s.b))
    repeats: dict[tuple[str, str], int] = defaultdict(int)
    of_slide: dict[str, int] = defaultdict(int)
    kept = []
    for s in found:
        if s.later or s.level == "subtype" or s.source == "expert":
            kept.append(s)
            continue
        k = repeats[_sorted(*s.subtypes)]
        if k >= SLIDE_PAIRS or max(of_slide[s.a], of_slide[s.b]) >= PER_SLIDE:
            continue
        repeats[_sorted(*s.subtypes)] += 1
        of_slide[s.a] += 1
        of_slide[s.b] += 1
        kept.append(replace(s, score=s.score * REPEATED**k))
    waiting = {key: i for i, key in enumerate(later)}
    # Of equals the slides come first: a pair of slides carries more than its subtypes.
    kept.sort(key=lambda s: (s.later, waiting.get(s.key, 0), -s.score, s.level, s.a, s.b))
    return tuple(kept)


def _subtypes(hint: Hint) -> tuple[str, str]:
    return _sorted(*hint.subtypes)


def _sorted(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a <= b else (b, a)
