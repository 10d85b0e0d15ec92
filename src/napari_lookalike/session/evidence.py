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
from napari_lookalike.session.mark_commands import show, table_of
from napari_lookalike.session.marks import NeedsExpertName
from napari_lookalike.session.needs import count
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


def check_tile(session: Session, tile_id: int) -> None:
    """Say of one's own tile that it is right, having looked at it again: now it is used.

    It is no edit of the tile, and so no step of the history; pointing at it anew or taking it
    back is.

    Raises
    ------
    TableError
        If there is no such tile, or it cannot be written.
    ProjectError
        If no project is open, or it is read-only.
    """
    table = table_of(session)
    try:
        table.look_again(tile_id, by=session.expert)
    finally:
        show(session, table)


def unchecked_tiles(session: Session) -> tuple[EvidenceTile, ...]:
    """Tiles of used marks that their expert has yet to look at again: they are not used."""
    used = {mark.id for mark in session.marks if mark.active}
    return tuple(tile for tile in session.evidence if tile.waits and tile.mark in used)


def said_unchecked(session: Session) -> tuple[str, ...]:
    """That tiles are not used since nobody looked at them again, and what to do; as sentences."""
    waiting = unchecked_tiles(session)
    own = [tile for tile in waiting if tile.expert == session.expert]
    said = []
    if own:
        marks = _numbers(own)
        said.append(
            f"{count(len(own), 'tile')} of yours ({marks}) {_were(own)} not looked at again, and "
            f"so {_are(own)} not used yet: select the mark, press Compare (C), then M."
        )
    others = [tile for tile in waiting if tile.expert != session.expert]
    if others:
        who = ", ".join(sorted({tile.expert for tile in others}))
        said.append(
            f"{count(len(others), 'tile')} of {who} ({_numbers(others)}) {_are(others)} not used "
            f"before {who} looked at {'it' if len(others) == 1 else 'them'} again, or somebody "
            "agrees."
        )
    return tuple(said)


def _numbers(tiles: list[EvidenceTile]) -> str:
    numbers = sorted({tile.mark for tile in tiles})
    return f"{'mark' if len(numbers) == 1 else 'marks'} {', '.join(map(str, numbers))}"


def _were(tiles: list[EvidenceTile]) -> str:
    return "was" if len(tiles) == 1 else "were"


def _are(tiles: list[EvidenceTile]) -> str:
    return "is" if len(tiles) == 1 else "are"


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
