"""A mark and its first evidence tile, in one step that can be undone.

Where a suggestion led to the pair, that it was accepted is part of the step.
"""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.suggest.decisions import Decision
from napari_lookalike.session.evidence_commands import PointAtTile
from napari_lookalike.session.mark_commands import MarkPair
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggestion_commands import Decide

RETIRED = "retired"
"""A mark in this state is taken up again by marking; any other stays as it is."""


def new_mark(session: Session, a: str, b: str) -> PairMark:
    """A mark of two slides as it would be made now; not stored."""
    first, second = session.cohort[a], session.cohort[b]
    return PairMark(
        level="slide",
        slide_a=a,
        slide_b=b,
        subtype_a=first.label,
        subtype_b=second.label,
        fingerprint_a=first.fingerprint,
        fingerprint_b=second.fingerprint,
        expert=session.expert,
        model_version=session.results.version if session.results is not None else "",
    )


class MarkWithTile:
    """Point at a tile; the mark that it belongs to is made first where there is none.

    Parameters
    ----------
    mark
        The mark: stored (it has an id and is not retired), or to be made.
    tile
        The tile; the mark's id is filled in.
    decision
        That a suggestion was accepted, if the mark that is made answers one.

    Attributes
    ----------
    tile
        As stored, after it was done.
    """

    def __init__(
        self, mark: PairMark, tile: EvidenceTile, decision: Decision | None = None
    ) -> None:
        self._make = None if mark.id and mark.status != RETIRED else MarkPair(replace(mark, id=0))
        self._mark_id = mark.id
        self._point: PointAtTile | None = None
        self._decide = Decide(decision) if decision is not None else None
        self._marked = False
        self.tile = tile
        self.text = PointAtTile(tile).text

    def apply(self, session: Session) -> bool:
        """Do it, or do it again; whether anything changed."""
        if self._make is not None:
            self._marked = self._make.apply(session)
            self._mark_id = self._make.mark.id
        if self._point is None:
            self._point = PointAtTile(replace(self.tile, mark=self._mark_id))
        pointed = False
        try:
            pointed = changed = self._point.apply(session)
            if self._decide is not None:
                self._decide.apply(session)
        except BaseException:  # all or nothing
            if pointed:
                self._point.undo(session)
            self._unmark(session)
            raise
        self.tile = self._point.tile
        return changed or self._marked

    def undo(self, session: Session) -> None:
        """Take the tile back, and the mark if it was made for it."""
        if self._point is not None:
            self._point.undo(session)
        self._unmark(session)
        if self._decide is not None:
            self._decide.undo(session)

    def _unmark(self, session: Session) -> None:
        if self._make is not None and self._marked:
            self._make.undo(session)
            self._marked = False
