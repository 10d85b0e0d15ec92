"""Session -> what the twin review shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.signed import probability
from napari_lookalike.core.twin.compare import Comparison
from napari_lookalike.session.pair_view import resolve_pair
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin import (
    others_tiles,
    own_mark,
    own_tiles,
    tiles_of_pair,
)

Letter = Literal["A", "B"]

ENOUGH = 4
"""More tiles than this added nothing where it was tried (two of each slide)."""

FEW = (
    "A few tiles are enough: two of each slide. Point at a tile and press D (diagnostic "
    "here) or S (looks alike, not diagnostic)."
)
PLENTY = "That is plenty: more tiles than four added nothing where it was tried."
WRONG = "Wrong tiles do harm, so each is shown once more before the mark is kept (M)."
NOT_COMPARED = "Comparing the tiles of the two slides…"
RESEARCH = "Research use only: not for diagnosis."


@dataclass(frozen=True)
class SideView:
    """What is said of one slide.

    Parameters
    ----------
    letter
        "A" (left) or "B" (right).
    slide_id
        The slide.
    title
        Slide and subtype.
    prediction
        What the model says of it; empty if it says nothing.
    missing
        What the slide lacks; empty if nothing.
    """

    letter: Letter
    slide_id: str
    title: str
    prediction: str = ""
    missing: str = ""


@dataclass(frozen=True)
class TileView:
    """One evidence tile in the list.

    Parameters
    ----------
    tile
        The tile.
    letter
        Which slide.
    what
        What was said of it.
    who
        By whom, when, and what a second expert said.
    own
        Whether this expert said so, and may take it back.
    """

    tile: EvidenceTile
    letter: Letter
    what: str
    who: str
    own: bool


@dataclass(frozen=True)
class TwinView:
    """What the twin review shows, but for the pixels.

    Parameters
    ----------
    sides
        The two slides.
    rows
        A sentence above the matching tiles.
    can_mark
        Whether the two can be a pair.
    mark
        How the pair is marked, or why it cannot be.
    own
        The mark by this expert, if there is one.
    tiles
        Evidence tiles of the pair.
    advice
        How many more tiles make sense.
    check
        That other experts' tiles wait for a second opinion; empty if none do.
    """

    sides: tuple[SideView, SideView]
    rows: str
    can_mark: bool
    mark: str
    own: PairMark | None
    tiles: tuple[TileView, ...]
    advice: str
    check: str = ""


def resolve_twin(session: Session, compared: Comparison | None) -> TwinView | None:
    """What the twin review shows.

    Parameters
    ----------
    session
        With the two slides in ``session.twin``.
    compared
        What their tiles have in common; ``None`` while that is being found out.

    Returns
    -------
    TwinView or None
        ``None`` if no two slides are compared, or the cohort has lost one.
    """
    pair = session.twin
    if pair is None or not all(s in session.cohort for s in pair):
        return None
    missing = ("", "") if compared is None else (compared.a.missing, compared.b.missing)
    sides = (_side(session, "A", pair[0], missing[0]), _side(session, "B", pair[1], missing[1]))
    marked = resolve_pair(pair, session.cohort, session.marks, session.expert)
    own = own_mark(session)
    read_only = session.project is not None and session.project.read_only
    sentence = "The project folder is read-only: nothing can be marked." if read_only else ""
    return TwinView(
        sides,
        _rows(compared),
        marked.can_mark and not read_only,
        sentence or marked.sentence or "Not marked yet.",
        own if own is not None and own.active else None,
        _tiles(session, pair),
        _advice(len(own_tiles(session))),
        _check(session),
    )


def _side(session: Session, letter: Letter, slide_id: str, missing: str) -> SideView:
    label = session.cohort[slide_id].label or "not labelled"
    return SideView(
        letter, slide_id, f"{letter}: {slide_id}, {label}", _predicted(session, slide_id), missing
    )


def _predicted(session: Session, slide_id: str) -> str:
    results = session.results
    result = results.slides.get(slide_id) if results is not None else None
    if results is None or result is None:
        return ""
    first = int(result.ranking[0])
    sure = probability(float(result.probabilities[first]))
    said = f"The model says {results.classes[first]} ({sure})"
    return f"{said}, without having seen this patient." if result.held_out else f"{said}."


def _rows(compared: Comparison | None) -> str:
    if compared is None:
        return NOT_COMPARED
    if compared.a.grid is None or compared.b.grid is None:
        return "Tiles that look alike are found once both slides are embedded."
    if not compared.rows:
        return "No tiles of the two look more alike than any others do."
    from_ = "the tiles that the model looked at most" if compared.by_attention else "all tiles"
    return (
        f"These areas look alike (among {from_}). Click one, or press ↓, to go there in both. "
        "0 is as alike as any two tiles, 1 the same."
    )


def _tiles(session: Session, pair: tuple[str, str]) -> tuple[TileView, ...]:
    found = []
    for tile in tiles_of_pair(session):
        letter: Letter = "A" if tile.slide_id == pair[0] else "B"
        own = tile.expert == session.expert
        found.append(TileView(tile, letter, kind_text(tile), _who(tile, own), own))
    return tuple(found)


def kind_text(tile: EvidenceTile) -> str:
    """What was said of a tile, in words."""
    return "Diagnostic here" if tile.kind == "diagnostic" else "Looks alike, not diagnostic"


def _who(tile: EvidenceTile, own: bool) -> str:
    said = f"{'you' if own else tile.expert}, {tile.time[:10]}"
    if tile.second_says:
        said += f"; {tile.second_says} by {tile.second_expert}"
    return f"{said}; not looked at again yet" if tile.waits else said


def _advice(n: int) -> str:
    if n == 0:
        return FEW
    return f"{PLENTY if n >= ENOUGH else FEW} {WRONG}"


def _check(session: Session) -> str:
    waiting = [t for t in others_tiles(session) if not t.second_says]
    if not waiting:
        return ""
    names = ", ".join(sorted({t.expert for t in waiting}))
    what = "1 tile" if len(waiting) == 1 else f"{len(waiting)} tiles"
    return f"{what} of {names} can be confirmed or disputed (C)."
