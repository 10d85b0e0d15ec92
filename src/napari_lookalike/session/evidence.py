"""Pointing at tiles: what the twin review and the table call."""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.session.evidence_commands import (
    JudgeTile,
    PointAtTile,
    RestoreTile,
    RetireTile,
)
from napari_lookalike.session.marks import NeedsExpertName
from napari_lookalike.session.session import Session


def point_at(session: Session, tile: EvidenceTile) -> EvidenceTile:
    """Keep an evidence tile of a mark (undoable).

    Parameters
    ----------
    session
        The state.
    tile
        The tile; its expert is the session's, and its fingerprint the slide's, where it
        has none.

    Returns
    -------
    EvidenceTile
        As it is in the table.

    Raises
    ------
    NeedsExpertName
        If nobody said who marks.
    TableError
        If it belongs to no mark, or cannot be written.
    ProjectError
        If no project is open, it is read-only, or lacks the slide.
    """
    _need_expert(session)
    command = PointAtTile(_known(session, tile))
    session.history.do(command)
    return command.tile


def confirm_tile(session: Session, tile_id: int) -> None:
    """Agree, as a second expert, with a tile (undoable)."""
    _need_expert(session)
    session.history.do(JudgeTile(tile_id, "confirmed"))


def dispute_tile(session: Session, tile_id: int) -> None:
    """Disagree, as a second expert, with a tile, which is then not used (undoable)."""
    _need_expert(session)
    session.history.do(JudgeTile(tile_id, "disputed"))


def take_back_opinion(session: Session, tile_id: int) -> None:
    """Take a second opinion on a tile back (undoable)."""
    _need_expert(session)
    session.history.do(JudgeTile(tile_id, ""))


def retire_tile(session: Session, tile_id: int) -> None:
    """Take a tile out of use; it stays in the table (undoable)."""
    session.history.do(RetireTile(tile_id))


def restore_tile(session: Session, tile_id: int) -> None:
    """Take a retired tile into use again (undoable)."""
    session.history.do(RestoreTile(tile_id))


def _known(session: Session, tile: EvidenceTile) -> EvidenceTile:
    fingerprint = tile.fingerprint or session.cohort[tile.slide_id].fingerprint
    return replace(tile, expert=tile.expert or session.expert, fingerprint=fingerprint)


def _need_expert(session: Session) -> None:
    if not session.expert:
        raise NeedsExpertName("Nobody said yet who marks.", "Type your name or initials.")
