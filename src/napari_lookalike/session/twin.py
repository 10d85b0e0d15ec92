"""Two slides side by side: which ones, and what an expert says of their tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile, Kind
from napari_lookalike.core.locked_test import locked_slide_ids
from napari_lookalike.session.evidence import (
    check_tile,
    confirm_tile,
    dispute_tile,
    retire_tile,
)
from napari_lookalike.session.mark_commands import EditMark, MarkPair
from napari_lookalike.session.marks import NeedsExpertName
from napari_lookalike.session.needs import open_project_of
from napari_lookalike.session.selection import select
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggested import Proposal
from napari_lookalike.session.suggestions import acceptance, go_on, mark_proposal
from napari_lookalike.session.twin_commands import RETIRED, MarkWithTile, new_mark

__all__ = ["check_tile", "confirm_tile", "dispute_tile", "retire_tile"]


def open_twin(session: Session, a: str, b: str) -> None:
    """Show two slides side by side, and select them.

    Parameters
    ----------
    session
        The state; ``session.twin`` is replaced.
    a, b
        slide_ids.

    Raises
    ------
    ProjectError
        If no project is open, it lacks a slide, they are the same, or one belongs to the
        locked test set, which nobody looks at while marking.
    """
    project = open_project_of(session)
    first, second = session.cohort[a], session.cohort[b]
    if first.slide_id == second.slide_id:
        raise ProjectError("A slide cannot be compared with itself.", "Choose a second slide.", a)
    locked = locked_slide_ids(project)
    for slide_id in (a, b):
        if slide_id in locked:
            raise ProjectError(
                "It belongs to the locked test set, and is not shown for marking.",
                "What an expert has compared is no longer unseen: choose another slide.",
                slide_id,
            )
    select(session, (a, b))
    if session.twin != (a, b):
        session.twin = (a, b)


def close_twin(session: Session) -> None:
    """Leave the twin review; what was marked stays marked, and what was filled in is let go."""
    session.twin = None
    session.proposal = None


def pair_to_compare(session: Session) -> tuple[str, str] | None:
    """The two selected slides; ``None`` unless exactly two are."""
    there = tuple(s for s in session.selection if s in session.cohort)
    return (there[0], there[1]) if len(there) == 2 else None


def compare_selected(session: Session) -> None:
    """Show the two selected slides side by side.

    Raises
    ------
    ProjectError
        If not exactly two slides are selected; and see `open_twin`.
    """
    pair = pair_to_compare(session)
    if pair is None:
        raise ProjectError(
            "Two slides are compared side by side.",
            "Ctrl-click two on the map, or choose a row in Look-alikes.",
        )
    open_twin(session, *pair)


def own_mark(session: Session) -> PairMark | None:
    """The mark of the two slides that are compared by this expert, active or retired."""
    if session.twin is None:
        return None
    pair = set(session.twin)
    for mark in session.marks:
        same = mark.level == "slide" and {mark.slide_a, mark.slide_b} == pair
        if same and mark.expert == session.expert:
            return mark
    return None


def tiles_of_pair(session: Session) -> tuple[EvidenceTile, ...]:
    """Evidence tiles on the two slides that are compared, by any expert, not retired.

    They belong to marks of these two slides: what was said of a slide beside a third one
    is no evidence here.
    """
    if session.twin is None:
        return ()
    pair = set(session.twin)
    marks = {
        mark.id
        for mark in session.marks
        if mark.level == "slide" and {mark.slide_a, mark.slide_b} == pair
    }
    return tuple(t for t in session.evidence if t.mark in marks and t.status == "active")


def say_of_tile(
    session: Session, slide_id: str, region: Region, kind: Kind, **draft: Any
) -> EvidenceTile | None:
    """Say of a tile that it is diagnostic, or that it looks alike and is not (undoable).

    The mark of the two slides is made, if this expert has none, in the same step; a suggestion
    that led to the two is accepted by it. The same word a second time takes it back; the other
    word replaces it.

    Parameters
    ----------
    session
        With the two slides in ``session.twin``.
    slide_id
        One of them.
    region
        The tile, level-0 pixels.
    kind
        What the expert says.
    **draft
        Columns of a mark that is made (strength, reason, ...).

    Returns
    -------
    EvidenceTile or None
        As it is in the table; ``None``: it was taken back.

    Raises
    ------
    NeedsExpertName
        If nobody said who marks.
    TableError
        If the two slides cannot be a pair (one has no subtype, both have the same).
    ProjectError
        If no two slides are compared, or the project is read-only.
    """
    if session.twin is None or slide_id not in session.twin:
        raise ProjectError("No two slides are compared.", "Open a pair side by side first.")
    if not session.expert:
        raise NeedsExpertName("Nobody said yet who marks.", "Type your name or initials.")
    tile = EvidenceTile(
        slide_id=slide_id,
        x=round(region.x),
        y=round(region.y),
        size=max(1, round(region.width)),
        kind=kind,
        expert=session.expert,
        fingerprint=session.cohort[slide_id].fingerprint,
        unchecked=True,  # until it was looked at again: wrong tiles do harm
    )
    there = own_tile(session, slide_id, region)
    if there is not None and there.kind == kind:
        retire_tile(session, there.id)
        return None
    mark = own_mark(session)
    if mark is not None and mark.status != RETIRED:
        command = MarkWithTile(mark, tile)
        session.history.do(command)
        return command.tile
    mark = replace(new_mark(session, *session.twin), **draft)
    # The proposal stays: undone, the pair waits to be marked again.
    proposal = proposal_of_pair(session)
    if proposal is None:
        command = MarkWithTile(mark, tile)
        session.history.do(command)
    else:
        command = MarkWithTile(mark, tile, acceptance(session, proposal, "slide"))
        go_on(session, lambda: session.history.do(command))
    return command.tile


def keep_mark(session: Session, **draft: Any) -> PairMark:
    """Mark the two slides as look-alikes, or change the mark by this expert (undoable).

    Parameters
    ----------
    session
        With the two slides in ``session.twin``.
    **draft
        Columns that the expert filled in (strength, reason, ...).

    Returns
    -------
    PairMark
        As it is in the table.

    Raises
    ------
    NeedsExpertName
        If nobody said who marks.
    TableError
        If the two slides cannot be a pair (one has no subtype, both have the same).
    ProjectError
        If no two slides are compared, or the project is read-only.
    """
    if session.twin is None:
        raise ProjectError("No two slides are compared.", "Open a pair side by side first.")
    if not session.expert:
        raise NeedsExpertName("Nobody said yet who marks.", "Type your name or initials.")
    there = own_mark(session)
    marked = there is not None and there.status != RETIRED
    if proposal_of_pair(session) is not None:
        if not marked:
            return mark_proposal(session, "slide", **draft)
        session.proposal = None  # it was marked, and accepted, by its first tile
    if there is None or not marked:
        made = MarkPair(replace(new_mark(session, *session.twin), **draft))
        session.history.do(made)
        return made.mark
    session.history.do(EditMark(there.id, **draft))
    return own_mark(session) or there


def proposal_of_pair(session: Session) -> Proposal | None:
    """What a suggestion has filled in for the two slides that are compared, if one has."""
    proposal = session.proposal
    if proposal is None or session.twin is None or set(proposal.slides) != set(session.twin):
        return None
    return proposal


def own_tile(session: Session, slide_id: str, region: Region) -> EvidenceTile | None:
    """What this expert said of a tile in this pair, if anything."""
    place = round(region.x), round(region.y), max(1, round(region.width))
    for tile in tiles_of_pair(session):
        here = tile.slide_id == slide_id and (tile.x, tile.y, tile.size) == place
        if here and tile.expert == session.expert:
            return tile
    return None


def own_tiles(session: Session) -> tuple[EvidenceTile, ...]:
    """Tiles of the pair by this expert: the ones to look at again before the mark is kept."""
    return tuple(t for t in tiles_of_pair(session) if t.expert == session.expert)


def others_tiles(session: Session) -> tuple[EvidenceTile, ...]:
    """Other experts' tiles of the pair, which this expert may confirm or dispute."""
    return tuple(t for t in tiles_of_pair(session) if t.expert != session.expert)
