"""Which two slides to look at next: side by side, or on the map."""

from __future__ import annotations

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.session import suggestions
from napari_lookalike.session.selection import select
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin import open_twin


def next_pair(session: Session) -> bool:
    """Show the next pair: the best suggestion, else a marked pair without evidence.

    Parameters
    ----------
    session
        The state. Where the pair is a suggestion, ``session.proposal`` holds what is
        known of it.

    Returns
    -------
    bool
        Whether there was one.
    """
    return _suggested(session) or _marked(session)


def select_suggested(session: Session) -> bool:
    """Select the two slides of the current suggestion, or of the one after it if they are.

    Parameters
    ----------
    session
        The state; the selection is replaced.

    Returns
    -------
    bool
        Whether there was another pair.
    """
    for _ in suggestions.queue(session):
        now = suggestions.current(session)
        fits = now is not None and all(slide in session.cohort for slide in now.slides)
        if now is not None and fits and set(now.slides) != set(session.selection):
            suggestions.show(session, now.key)
            select(session, now.slides)
            return True
        suggestions.next_suggestion(session)
    return False


def compare_suggestion(session: Session) -> None:
    """Show the suggestion that is current side by side, with what is known of it filled in.

    Raises
    ------
    ProjectError
        If there is no suggestion, or its slides cannot be shown (see `open_twin`).
    """
    proposal = suggestions.accept(session)
    open_twin(session, *proposal.slides)


def _suggested(session: Session) -> bool:
    """The current suggestion, or the one after it if that is what is shown already."""
    for _ in suggestions.queue(session):
        now = suggestions.current(session)
        if now is not None and all(now.slides) and set(now.slides) != set(session.twin or ()):
            try:
                compare_suggestion(session)
            except ProjectError:  # a slide that was removed, or is locked away: the next one
                session.proposal = None
            else:
                return True
        suggestions.next_suggestion(session)
    return False


def _marked(session: Session) -> bool:
    for a, b in _marked_without_evidence(session):
        try:
            open_twin(session, a, b)
        except ProjectError:  # as above
            continue
        return True
    return False


def _marked_without_evidence(session: Session) -> list[tuple[str, str]]:
    """Marked pairs of slides in order of their rows, beginning after the one that is shown."""
    mine = {
        t.mark
        for t in session.evidence
        if t.status == "active" and t.expert == session.expert and not t.waits
    }
    rows = [m for m in session.marks if m.level == "slide" and m.active]
    done = {frozenset(m.sides) for m in rows if m.id in mine}
    sides = {frozenset(m.sides): m.sides for m in reversed(rows)}
    pairs = list(dict.fromkeys(frozenset(m.sides) for m in rows))
    shown = frozenset(session.twin or ())
    if shown in pairs:
        at = pairs.index(shown)
        pairs = [*pairs[at + 1 :], *pairs[:at]]
    return [sides[p] for p in pairs if p not in done and p != shown]
