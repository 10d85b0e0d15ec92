"""Suggestions: what the panel, the twin review and the keys call.

`queue` is one expert's list, best first; `current` is the one that is shown. `accept` makes
it a `Proposal` with everything filled in (``session.proposal``), which `mark_proposal`
stores; `reject` and `later` answer it at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from napari_lookalike.core.errors import LookalikeError, ProjectError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.outbox import table_for
from napari_lookalike.core.suggest.coverage import Coverage, coverage
from napari_lookalike.core.suggest.decisions import Decision, latest, read_decisions
from napari_lookalike.core.suggest.everything import Found
from napari_lookalike.core.suggest.rank import looked_at, rank
from napari_lookalike.core.suggest.types import Key, Level, Suggestion
from napari_lookalike.session.marks import NeedsExpertName
from napari_lookalike.session.needs import open_project_of
from napari_lookalike.session.selection import select
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggested import Proposal, Suggested
from napari_lookalike.session.suggestion_commands import Decide, MarkSuggested


@dataclass(frozen=True, eq=False)
class Ranked:
    """A queue, and what it was made of.

    Parameters
    ----------
    of
        What was found, the answers, the marks, the expert.
    queue
        The suggestions, best first.
    """

    of: tuple[object, ...]
    queue: tuple[Suggestion, ...]


_queues: weakref.WeakKeyDictionary[Session, Ranked] = weakref.WeakKeyDictionary()


def queue(session: Session) -> tuple[Suggestion, ...]:
    """The suggestions for this expert, best first; empty until somebody looked."""
    work = to_rank(session)
    if work is not None:
        keep_ranked(session, work())
    kept = _queues.get(session)
    return kept.queue if kept is not None and session.suggestions.found is not None else ()


def to_rank(session: Session) -> Callable[[], Ranked] | None:
    """What makes the queue anew, for a thread; ``None`` if the one that is kept still holds.

    Tenths of a second for ten thousand slides. `keep_ranked` takes the result.
    """
    known, kept = session.suggestions, _queues.get(session)
    if known.found is None:
        return None
    of = (known.found, known.decisions, session.marks, session.expert)
    # The same objects, not equal ones: comparing thousands of rows would cost more than it saves.
    if kept is not None and all(a is b for a, b in zip(kept.of, of, strict=True)):
        return None
    return partial(_ranked, *of)


def keep_ranked(session: Session, ranked: Ranked) -> None:
    """Take a queue that was made; it is used as long as what it was made of holds."""
    _queues[session] = ranked


def _ranked(
    found: Found, decisions: tuple[Decision, ...], marks: tuple[PairMark, ...], expert: str
) -> Ranked:
    made = rank(found.hints, marks, decisions, expert, found.labels)
    return Ranked((found, decisions, marks, expert), made)


def current(session: Session) -> Suggestion | None:
    """The suggestion that is shown, or ``None`` if there is none."""
    there = queue(session)
    at = session.suggestions.at
    return next((s for s in there if s.key == at), there[0] if there else None)


def next_suggestion(session: Session, by: int = 1) -> Suggestion | None:
    """Go on to the next suggestion without an answer, round to the first after the last.

    Parameters
    ----------
    session
        The state.
    by
        Steps; -1 = the one before.

    Returns
    -------
    Suggestion or None
        What is shown now.
    """
    there, now = queue(session), current(session)
    if now is None:
        return None
    target = there[(there.index(now) + by) % len(there)]
    show(session, target.key)
    return target


def show(session: Session, key: Key | None) -> None:
    """Show this suggestion; what was about to be marked is put away."""
    session.proposal = None
    if session.suggestions.at != key:
        session.suggestions = replace(session.suggestions, at=key)


def show_subtypes(session: Session, a: str, b: str) -> Suggestion | None:
    """Show the best suggestion of two subtypes, or of two slides of them.

    Returns
    -------
    Suggestion or None
        ``None`` if there is none: all of them were marked or rejected.
    """
    wanted = {a, b}
    found = next((s for s in queue(session) if set(s.subtypes) == wanted), None)
    if found is not None:
        show(session, found.key)
    return found


def propose_pair(
    session: Session,
    a: str,
    b: str,
    *,
    level: Level = "slide",
    strength: float = 0.75,
    reason: str = "",
    test: str = "",
    sources: tuple[str, ...] = (),
    answers: Key | None = None,
) -> Proposal:
    """Make two slides the current pair, with everything filled in that is known of them.

    The two are selected, so map, cases and the twin review show them. Nothing is stored
    before `mark_proposal`.

    Parameters
    ----------
    session
        The state; ``session.proposal`` is replaced.
    a, b
        slide_ids; for a pair of subtypes, two slides that show it.
    level
        Whether the mark is to join the slides or their subtypes.
    strength, reason, test
        What to fill in.
    sources
        What had spoken for it, for the log.
    answers
        The suggestion that a mark would answer, if it is one.

    Raises
    ------
    ProjectError
        If no project is open, or it lacks a slide.
    """
    open_project_of(session)
    first, second = session.cohort[a], session.cohort[b]
    select(session, (a, b))
    session.proposal = Proposal(
        level, (a, b), (first.label, second.label), strength, reason, test, sources, answers
    )
    return session.proposal


def accept(session: Session) -> Proposal:
    """Make the suggestion that is shown the current pair; see `propose_pair`.

    Raises
    ------
    ProjectError
        If there is no suggestion, or the cohort no longer has its slides.
    """
    s = _shown(session)
    if not all(s.slides):
        raise ProjectError(
            "No two slides of these subtypes can be shown.", "Label a slide of each, or reject it."
        )
    book = next((h for h in s.reasons if h.source == "textbook"), None)
    expert = next((h for h in s.reasons if h.source == "expert"), None)
    reason = expert or book
    return propose_pair(
        session,
        *s.slides,
        level=s.level,
        strength=s.strength,
        reason=_why(reason.text) if reason is not None else "",
        test=s.test,
        sources=tuple(h.source for h in s.reasons),
        answers=s.key,
    )


def _why(text: str) -> str:
    """The reason itself, without who stands for it and who marked it."""
    if " marked them (" in text:
        return text.partition("): ")[2].removesuffix(".")
    return text.rpartition(" (")[0]


def mark_proposal(
    session: Session, level: Level, strength: float, reason: str, **more: Any
) -> PairMark:
    """Store the current pair as a mark, and go on to the next suggestion (undoable).

    Parameters
    ----------
    session
        With a ``proposal``.
    level, strength, reason
        As the expert filled them in.
    **more
        Other columns of a mark, such as ``test``.

    Raises
    ------
    NeedsExpertName
        If nobody said who marks.
    TableError
        If it is no pair of two different subtypes, or cannot be written.
    ProjectError
        If no pair waits to be marked, or the project is read-only.
    """
    proposal = session.proposal
    if proposal is None:
        raise ProjectError("No pair waits to be marked.", "Accept a suggestion first.")
    _check_expert(session)
    a, b = (session.cohort[s] for s in proposal.slides)
    of_slides: dict[str, Any] = {}
    if level == "slide":
        of_slides = {
            "slide_a": a.slide_id,
            "slide_b": b.slide_id,
            "fingerprint_a": a.fingerprint,
            "fingerprint_b": b.fingerprint,
        }
    mark = PairMark(
        level=level,
        subtype_a=proposal.subtypes[0],
        subtype_b=proposal.subtypes[1],
        strength=strength,
        reason=reason,
        expert=session.expert,
        model_version=_version(session),
        **of_slides,
        **more,
    )
    command = MarkSuggested(mark, acceptance(session, proposal, level))
    go_on(session, lambda: session.history.do(command))
    session.proposal = None
    return command.mark


def acceptance(session: Session, proposal: Proposal, level: Level) -> Decision:
    """The answer that a mark of a proposal gives: what was suggested was accepted; not kept yet.

    Also where the expert marked two slides and their subtypes had been suggested.
    """
    answered = proposal.answers or (level, *replace(proposal, level=level).sides)
    of: Level = "slide" if answered[0] == "slide" else "subtype"
    return _decision(session, "accept", of, answered[1:], proposal.sources)


def go_on(session: Session, do: Callable[[], object]) -> None:
    """Do what answers the suggestion that is shown, and let the next one follow it."""
    following = _following(session)
    do()
    session.suggestions = replace(session.suggestions, at=following)


def reject(session: Session, note: str = "") -> None:
    """Say that the pair that is shown is no look-alike (undoable); it does not come back.

    Parameters
    ----------
    session
        The state.
    note
        Why, for colleagues; may be empty.

    Raises
    ------
    NeedsExpertName
        If nobody said who says so.
    ProjectError
        If there is no suggestion, or the project is read-only.
    """
    _answer(session, "reject", note.strip())


def later(session: Session) -> None:
    """Put the suggestion that is shown at the end of the queue (undoable); see `reject`."""
    _answer(session, "later")


def _answer(session: Session, what: Any, note: str = "") -> None:
    s = _shown(session)
    _check_expert(session)
    following = _following(session)
    sources = tuple(h.source for h in s.reasons)
    decision = _decision(session, what, s.level, (s.a, s.b), sources)
    session.history.do(Decide(replace(decision, note=note)))
    show(session, following)


def _decision(
    session: Session, what: Any, level: Level, sides: tuple[str, str], sources: tuple[str, ...]
) -> Decision:
    unique = tuple(dict.fromkeys(sources))
    decision = Decision(
        what, level, *sides, session.expert, "", "", "", _version(session), unique
    )  # fmt: skip
    if level == "subtype":
        return decision
    a, b = (session.cohort[s].fingerprint if s in session.cohort else "" for s in sides)
    return replace(decision, fingerprint_a=a, fingerprint_b=b)


def _shown(session: Session) -> Suggestion:
    s = current(session)
    if s is None:
        raise ProjectError("There is no suggestion.", "Train a model, or mark pairs on the map.")
    return s


def _check_expert(session: Session) -> None:
    if not session.expert:
        raise NeedsExpertName("Nobody said yet who answers.", "Type your name or initials.")


def _following(session: Session) -> Key | None:
    """What comes after the suggestion that is shown; the first again after the last."""
    there, now = queue(session), current(session)
    if now is None or len(there) < 2:
        return None
    return there[(there.index(now) + 1) % len(there)].key


def _version(session: Session) -> str:
    return session.results.version if session.results is not None else ""


# ---- what the part that looks for pairs calls


def begin_looking(session: Session, *, anew: bool = False) -> None:
    """Say that somebody looks for pairs; with ``anew`` what another project had is forgotten.

    Answers that the project keeps are read; where they cannot be, that is said.
    """
    known = Suggested() if anew else session.suggestions
    if anew:
        session.proposal = None
    project = session.project
    decisions = known.decisions
    if project is not None:
        try:
            decisions = read_decisions(project.root, table_for(project))
        except LookalikeError as error:
            session.say(str(error), "warning")
    session.suggestions = replace(known, looking=project is not None, decisions=decisions)


def take(session: Session, found: Found) -> None:
    """Take what was found."""
    session.suggestions = replace(session.suggestions, found=found, looking=False)


def stop_looking(session: Session) -> None:
    """Nothing could be found."""
    session.suggestions = replace(session.suggestions, found=None, looking=False)


def coverage_of(session: Session) -> Coverage:
    """Which confusions of the model in use somebody has looked at."""
    known = session.suggestions
    if known.found is None:
        return Coverage()
    looked = looked_at(session.marks, latest(known.decisions).values(), known.found.labels)
    return coverage(known.found.classes, known.found.matrix, looked)
