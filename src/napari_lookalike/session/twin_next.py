"""Which two slides to compare next."""

from __future__ import annotations

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin import open_twin


def next_pair(session: Session) -> bool:
    """Show the next pair: of those that are marked, one without evidence by this expert.

    Parameters
    ----------
    session
        The state.

    Returns
    -------
    bool
        Whether there was one.
    """
    for a, b in _marked_without_evidence(session):
        try:
            open_twin(session, a, b)
        except ProjectError:  # a slide that was removed, or is locked away: the next one
            continue
        return True
    return False


def _marked_without_evidence(session: Session) -> list[tuple[str, str]]:
    """Marked pairs of slides in order of their rows, beginning after the one that is shown."""
    mine = {t.mark for t in session.evidence if t.status == "active" and t.expert == session.expert}
    rows = [m for m in session.marks if m.level == "slide" and m.active]
    done = {frozenset(m.sides) for m in rows if m.id in mine}
    pairs = list(dict.fromkeys(frozenset(m.sides) for m in rows))
    sides = {frozenset(m.sides): m.sides for m in rows}
    shown = frozenset(session.twin or ())
    if shown in pairs:
        at = pairs.index(shown)
        pairs = [*pairs[at + 1 :], *pairs[:at]]
    return [sides[p] for p in pairs if p not in done and p != shown]
