"""Session -> the evidence tiles that are drawn over the open slide. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin_view import kind_text

Look = Literal["diagnostic", "look-alike", "disputed"]

NOT_LEARNT = "Training does not learn from it."


@dataclass(frozen=True)
class EvidenceFrame:
    """An evidence tile as it is drawn.

    Parameters
    ----------
    tile
        Where it lies: level-0 pixels.
    look
        How it is framed.
    letter
        "D" (diagnostic here) or "S" (looks alike, not diagnostic), as on the keys.
    said
        What was said, of which pair, by whom, when, and who checked it; several lines.
    """

    tile: EvidenceTile
    look: Look
    letter: str
    said: str

    def covers(self, x_px0: float, y_px0: float, margin_px0: tuple[float, float] = (0, 0)) -> bool:
        """Whether a place lies on it, or at most ``margin_px0`` (x, y) beside its middle.

        Parameters
        ----------
        x_px0, y_px0
            The place, level-0 pixels.
        margin_px0
            What still counts where the tile itself is too small to be pointed at.
        """
        half = self.tile.size / 2
        off_x, off_y = abs(x_px0 - self.tile.x - half), abs(y_px0 - self.tile.y - half)
        return off_x <= max(half, margin_px0[0]) and off_y <= max(half, margin_px0[1])


def resolve_evidence(session: Session) -> tuple[EvidenceFrame, ...]:
    """The evidence tiles of the open slide, in the order in which they were made.

    Tiles that were taken back, and tiles of a mark that was, are not among them. Those of
    every pair that the slide is in are, whoever pointed at them.
    """
    slide_id = session.slide_id
    here = [t for t in session.evidence if t.slide_id == slide_id and t.status == "active"]
    if not here:
        return ()
    marks = {mark.id: mark for mark in session.marks if mark.status != "retired"}
    return tuple(_frame(session, t, marks[t.mark]) for t in here if t.mark in marks)


def said_at(
    frames: tuple[EvidenceFrame, ...],
    x_px0: float,
    y_px0: float,
    margin_px0: tuple[float, float] = (0, 0),
) -> str:
    """What is said of the tiles at a place; empty where there are none.

    Parameters
    ----------
    frames
        See `resolve_evidence`.
    x_px0, y_px0, margin_px0
        See `EvidenceFrame.covers`.
    """
    return "\n\n".join(f.said for f in frames if f.covers(x_px0, y_px0, margin_px0))


def _frame(session: Session, tile: EvidenceTile, mark: PairMark) -> EvidenceFrame:
    letter = "D" if tile.kind == "diagnostic" else "S"
    disputed = tile.second_says == "disputed" or not mark.active
    lines = [f"{kind_text(tile)} ({letter})", _pair(session, mark), _who(session, tile)]
    lines += ["The pair is disputed."] if not mark.active else []
    lines += [_checked(session, tile)]
    lines += [NOT_LEARNT] if not tile.used or not mark.active else []
    return EvidenceFrame(tile, "disputed" if disputed else tile.kind, letter, "\n".join(lines))


def _pair(session: Session, mark: PairMark) -> str:
    if mark.level != "slide":
        return f"Pair of subtypes: {mark.sides[0]} and {mark.sides[1]}"
    cohort = session.cohort
    labels = [cohort[s].label if s in cohort else "" for s in mark.sides]
    a, b = (f"{s} ({label})" if label else s for s, label in zip(mark.sides, labels, strict=True))
    return f"Pair: {a} and {b}"


def _who(session: Session, tile: EvidenceTile) -> str:
    expert = "you" if session.expert and tile.expert == session.expert else tile.expert
    return f"By {expert or 'an unnamed expert'}, {tile.time[:10]}"


def _checked(session: Session, tile: EvidenceTile) -> str:
    if tile.waits:
        return "Not checked yet: who pointed at it has to look at it once more."
    if not tile.second_says:
        return "No second expert has checked it yet."
    second = "you" if session.expert and tile.second_expert == session.expert else None
    return f"{tile.second_says.capitalize()} by {second or tile.second_expert}."
