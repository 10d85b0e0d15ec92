"""One selection for map, cases and table; and which slide is on the canvas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_lookalike.core.attended import Place
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.session.session import Focus, Session


def select(session: Session, slide_ids: Iterable[str]) -> None:
    """Select these slides, in this order; those that the cohort lacks are passed over.

    Selecting what is selected already emits nothing, so views that answer to one another
    come to rest.
    """
    wanted = tuple(dict.fromkeys(s for s in slide_ids if s in session.cohort))
    if wanted != session.selection:
        session.selection = wanted


def toggle(session: Session, slide_id: str) -> None:
    """Take a slide into the selection, or out of it."""
    if slide_id in session.selection:
        select(session, (s for s in session.selection if s != slide_id))
    else:
        select(session, (*session.selection, slide_id))


def select_pointed_at(session: Session, slide_ids: Iterable[str]) -> None:
    """Select the slides whose layers the user chose in napari's layer list.

    One that is selected among others leaves them selected, as in `open_slide`: whoever
    changes the opacity of a layer keeps the pair that is being looked at. Slides that the
    cohort lacks say nothing.

    Parameters
    ----------
    session
        The state.
    slide_ids
        In the order in which they are to be selected.
    """
    known = tuple(dict.fromkeys(s for s in slide_ids if s in session.cohort))
    if len(known) > 1 or (known and known[0] not in session.selection):
        select(session, known)


def slide_in_cohort(cohort: Cohort, path: Path, fingerprint: str) -> str | None:
    """The slide of a cohort that a file is, which was opened by itself.

    Parameters
    ----------
    cohort
        The slides.
    path
        Where the file lies.
    fingerprint
        Its content id.

    Returns
    -------
    str or None
        slide_id: the one with that file, else one with the same content (a copy, or the
        same file by another way); ``None`` if there is neither.
    """
    same = None
    for record in cohort:
        if record.path == path:
            return record.slide_id
        if same is None and fingerprint and record.fingerprint == fingerprint:
            same = record.slide_id
    return same


def open_slide(session: Session, slide_id: str) -> None:
    """Bring a slide to the canvas, and select it unless it is selected among others.

    Raises
    ------
    ProjectError
        If the cohort has no such slide.
    """
    record = session.cohort[slide_id]
    if record.slide_id not in session.selection:
        select(session, (record.slide_id,))
    if session.slide_id != record.slide_id:
        session.slide_id = record.slide_id


SPAN = 6.0
"""How many tiles wide the view is when a slide opens at its hottest place."""


def look_at(session: Session, slide_id: str, place: Place | None) -> None:
    """Bring a place of a slide into view, if that slide is still the open one.

    Parameters
    ----------
    session
        The state.
    slide_id
        The slide.
    place
        Where (`core.attended.hottest_place`); ``None`` = nowhere in particular.
    """
    if place is None or session.slide_id != slide_id:
        return
    # The same place again, after the user looked elsewhere, is a new wish.
    session.focus = None
    session.focus = Focus(slide_id, place.x_px0, place.y_px0, SPAN * place.width_px0)


def next_slide(session: Session, visible: Sequence[str], by: int = 1) -> str | None:
    """Open the next slide of those that are listed.

    Parameters
    ----------
    session
        The state.
    visible
        slide_ids in the order in which they are shown (`resolve.visible_slides`).
    by
        Steps; -1 = the previous one. At either end it stays.

    Returns
    -------
    str or None
        The slide that is open now; ``None`` if none is listed.
    """
    if not visible:
        return None
    if session.slide_id in visible:
        at = visible.index(session.slide_id) + by
    else:  # the open slide is not in the list (a search hides it): begin at its end
        at = 0 if by > 0 else len(visible) - 1
    slide_id = visible[min(max(at, 0), len(visible) - 1)]
    select(session, (slide_id,))
    open_slide(session, slide_id)
    return slide_id


def previous_slide(session: Session, visible: Sequence[str]) -> str | None:
    """Open the previous slide of those that are listed; see `next_slide`."""
    return next_slide(session, visible, -1)
