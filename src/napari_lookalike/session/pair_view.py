"""What can be done with the selected slides: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.hard_negatives.columns import PairMark


@dataclass(frozen=True)
class Side:
    """One selected slide.

    Parameters
    ----------
    slide_id
        The slide.
    label
        Its subtype; empty = not labelled.
    """

    slide_id: str
    label: str


@dataclass(frozen=True)
class PairView:
    """What the strip below the map shows.

    Parameters
    ----------
    sides
        At most two slides, A and B.
    sentence
        What to do, why the pair cannot be marked, or how it is marked.
    can_mark
        Whether the two can be marked.
    existing
        The row that marking again would change, or ``None``.
    """

    sides: tuple[Side, ...]
    sentence: str
    can_mark: bool = False
    existing: PairMark | None = None


def resolve_pair(
    selection: tuple[str, ...], cohort: Cohort, marks: Iterable[PairMark], expert: str
) -> PairView:
    """From the selection to what can be done with it.

    Parameters
    ----------
    selection
        slide_ids; those that the cohort no longer has are passed over.
    cohort
        Slides with their labels.
    marks
        The table.
    expert
        Who would mark.
    """
    known = tuple(Side(s, cohort[s].label) for s in selection if s in cohort)
    if not known:
        return PairView((), "Ctrl-click two slides that look alike, to mark them as a pair.")
    if len(known) == 1:
        return PairView(known, "Ctrl-click a second slide, of another subtype, that looks like it.")
    if len(known) > 2:
        return PairView((), f"{len(known)} slides are selected. Ctrl-click until two are left.")
    a, b = known
    for side in known:
        if not side.label:
            return PairView(known, f"{side.slide_id} has no subtype label: give it one first.")
    if a.label == b.label:
        return PairView(
            known, f"Both are {a.label}: a look-alike pair joins two different subtypes."
        )
    own = find_mark(marks, a.slide_id, b.slide_id, expert)
    if own is not None and own.active:
        why = f", {own.reason}" if own.reason else ""
        who = f" by {own.expert}" if own.expert else ""
        said = f"Marked{who}: strength {own.strength:.2f}{why}."
        # Another expert's words stay theirs: marking then adds a row of one's own.
        return PairView(known, said, True, own if own.expert == expert else None)
    if own is not None and own.status == "disputed":
        who = f" by {own.expert}" if own.expert else ""
        said = f"Marked{who} and disputed: not used until its status is settled in Look-alikes."
        return PairView(known, said, True, own if own.expert == expert else None)
    of_subtypes = _subtype_mark(marks, a.label, b.label)
    if of_subtypes is not None:
        said = f"Their subtypes are marked already (strength {of_subtypes.strength:.2f})."
        return PairView(known, said, True)
    return PairView(known, "", True, None)


def find_mark(marks: Iterable[PairMark], a: str, b: str, expert: str) -> PairMark | None:
    """The mark of two slides, in either order: this expert's own if there is one, else another's.

    Ones in use come before disputed ones, and those before retired ones.
    """
    found = [m for m in marks if m.level == "slide" and {m.slide_a, m.slide_b} == {a, b}]
    found.sort(key=lambda m: (m.active, m.status == "disputed", m.expert == expert), reverse=True)
    return found[0] if found else None


def _subtype_mark(marks: Iterable[PairMark], a: str, b: str) -> PairMark | None:
    for mark in marks:
        joins = {mark.subtype_a, mark.subtype_b} == {a, b}
        if mark.level == "subtype" and mark.active and joins:
            return mark
    return None
