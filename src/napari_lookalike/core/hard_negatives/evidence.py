"""Evidence tiles: what an expert points at to say why two slides are told apart, or are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["diagnostic", "look-alike"]
"""Diagnostic here, or looks alike and is not diagnostic."""


@dataclass(frozen=True)
class EvidenceTile:
    """One tile of one slide that belongs to a mark.

    Parameters
    ----------
    id
        Row number; 0 until it is stored.
    mark
        ``PairMark.id`` of the mark that it belongs to.
    slide_id
        The slide.
    x, y
        Top left corner, in level-0 pixels.
    size
        Edge, in level-0 pixels.
    kind
        "diagnostic": this is what the diagnosis rests on. "look-alike": it looks like the
        other tumour, and decides nothing.
    expert, time
        Who said so, and when (ISO 8601 in UTC).
    second_expert, second_says
        Who looked at it a second time, and whether they "confirmed" or "disputed" it;
        both empty if nobody did.
    status
        "active", or "retired" (kept, not used).
    fingerprint
        Content id of the slide.
    unchecked
        Whether its expert has yet to look at it again, as the twin review asks before a
        mark is kept: wrong tiles do harm.
    """

    id: int = 0
    mark: int = 0
    slide_id: str = ""
    x: int = 0
    y: int = 0
    size: int = 0
    kind: Kind = "diagnostic"
    expert: str = ""
    time: str = ""
    second_expert: str = ""
    second_says: str = ""
    status: str = "active"
    fingerprint: str = ""
    unchecked: bool = False

    @property
    def waits(self) -> bool:
        """Whether somebody has to look at it again before it is used.

        A second expert who confirms it has looked at it too.
        """
        return self.status == "active" and self.unchecked and not self.second_says

    @property
    def used(self) -> bool:
        """Whether training may learn from it: looked at, not retired, and nobody disputes it."""
        return self.status == "active" and self.second_says != "disputed" and not self.waits
