"""Edits of evidence tiles that can be undone; every step is in the table's log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.session.mark_commands import give_tile, show, table_of
from napari_lookalike.session.session import Session


class _TileEdit(ABC):
    """An edit of one tile, undone by what the tile was before."""

    text: str

    def __init__(self) -> None:
        self._before: EvidenceTile | None = None
        self._after: EvidenceTile | None = None

    @abstractmethod
    def act(self, table: HardNegativeTable, session: Session) -> EvidenceTile:
        """Do it; the tile as it is then."""

    def apply(self, session: Session) -> bool:
        """Do it, or do it again; whether anything changed."""
        table = table_of(session)
        try:
            if self._after is not None:
                give_tile(table, self._before, self._after, session.expert)
                return True
            there = {tile.id: tile for tile in table.evidence()}
            after = self.act(table, session)
            self._before = there.get(after.id)
            if self._before == after:
                return False
            self._after = after
            return True
        finally:
            show(session, table)

    def undo(self, session: Session) -> None:
        """Take it back: a changed tile gets its former columns, a new one is retired."""
        table = table_of(session)
        try:
            if self._before is not None:
                if self._after is not None:
                    give_tile(table, self._after, self._before, session.expert)
            elif self._after is not None:
                table.retire_evidence(self._after.id, by=session.expert)
        finally:
            show(session, table)


class PointAtTile(_TileEdit):
    """Say of a tile that it is diagnostic, or looks alike and is not.

    Parameters
    ----------
    tile
        The tile; its id and time are given by the table, its expert by the session where
        it has none.

    Attributes
    ----------
    tile
        As stored, after it was done.
    """

    def __init__(self, tile: EvidenceTile) -> None:
        super().__init__()
        self.tile = tile
        said = "diagnostic" if tile.kind == "diagnostic" else "look-alike"
        self.text = f"Call a tile of {tile.slide_id} {said}"

    def act(self, table: HardNegativeTable, session: Session) -> EvidenceTile:
        """Store the tile."""
        self.tile = table.add_evidence(
            replace(self.tile, expert=self.tile.expert or session.expert), by=session.expert
        )
        return self.tile


class JudgeTile(_TileEdit):
    """A second opinion on a tile.

    Parameters
    ----------
    tile_id
        Row number.
    says
        "confirmed", "disputed", or "" to take one's opinion back.
    """

    def __init__(self, tile_id: int, says: str) -> None:
        super().__init__()
        self._tile_id, self._says = tile_id, says
        word = {"confirmed": "Confirm", "disputed": "Dispute"}.get(says, "Take back a word on")
        self.text = f"{word} evidence tile {tile_id}"

    def act(self, table: HardNegativeTable, session: Session) -> EvidenceTile:
        """Keep the opinion."""
        return table.second_opinion(self._tile_id, session.expert, self._says)


class RetireTile(_TileEdit):
    """Take a tile out of use; it stays in the table.

    Parameters
    ----------
    tile_id
        Row number.
    """

    def __init__(self, tile_id: int) -> None:
        super().__init__()
        self._tile_id = tile_id
        self.text = f"Take back evidence tile {tile_id}"

    def act(self, table: HardNegativeTable, session: Session) -> EvidenceTile:
        """Retire the tile."""
        return table.retire_evidence(self._tile_id, by=session.expert)


class RestoreTile(_TileEdit):
    """Take a retired tile into use again.

    Parameters
    ----------
    tile_id
        Row number.
    """

    def __init__(self, tile_id: int) -> None:
        super().__init__()
        self._tile_id = tile_id
        self.text = f"Use evidence tile {tile_id} again"

    def act(self, table: HardNegativeTable, session: Session) -> EvidenceTile:
        """Restore the tile."""
        return table.restore_evidence(self._tile_id, by=session.expert)
