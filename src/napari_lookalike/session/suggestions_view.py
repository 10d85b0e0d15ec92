"""What the panel Suggestions shows: pure."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.old_answers import UNKNOWN_TIME
from napari_lookalike.core.suggest import textbook
from napari_lookalike.core.suggest.coverage import Coverage, PairCoverage
from napari_lookalike.core.suggest.types import SOURCE_TITLES, Suggestion
from napari_lookalike.session.needs import count, rows_left_out
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggested import Proposal
from napari_lookalike.session.suggestions import coverage_of, current, queue

NO_PROJECT = "No project is open."
LOOKING = "Looking for pairs…"
NO_MODEL = (
    "There is no model yet, and no two labels of this cohort are a textbook pair. "
    "Train a model in Teach: what it confuses is suggested here."
)
DONE = "Nothing is left to suggest: every pair was marked or rejected. Undo brings the last back."
CONFIRM = "To be confirmed by a neuropathologist."
_CONFIRM = f" ({textbook.CONFIRM})"
METER_EMPTY = "No model yet: nothing is confused, and nothing to cover."


@dataclass(frozen=True)
class SideView:
    """One side of the card.

    Parameters
    ----------
    slide_id
        The slide that is shown; empty where none is known.
    label
        Its subtype.
    """

    slide_id: str
    label: str


@dataclass(frozen=True)
class CardView:
    """One suggestion.

    Parameters
    ----------
    level
        "slide" or "subtype".
    title
        What is suggested.
    sides
        The two slides.
    reasons
        (source, sentence), the strongest first.
    test
        What tells the two apart, with who is to confirm it; empty where nothing is known.
    notes
        Put off, rejected by others and why, looked at already: short sentences.
    """

    level: str
    title: str
    sides: tuple[SideView, SideView]
    reasons: tuple[tuple[str, str], ...]
    test: str = ""
    notes: str = ""


@dataclass(frozen=True)
class PairRow:
    """One confused pair of subtypes.

    Parameters
    ----------
    a, b
        The two subtypes.
    confused
        "4 of 22 slides".
    standing
        "nobody looked", "marked by Dr A", "rejected by Dr A".
    open
        Whether nobody looked.
    share
        Confused slides as a share of all confusions, 0 to 1.
    """

    a: str
    b: str
    confused: str
    standing: str
    open: bool
    share: float


@dataclass(frozen=True)
class SlideRow:
    """One slide to review, or set apart.

    Parameters
    ----------
    slide_id
        The slide.
    label
        Its subtype; "not labelled" where it has none.
    why
        Why it stands there.
    apart
        Whether it is unlike the labelled slides.
    """

    slide_id: str
    label: str
    why: str
    apart: bool = False


@dataclass(frozen=True)
class SuggestionsView:
    """All that the panel shows.

    Parameters
    ----------
    card
        The suggestion, or ``None``.
    position
        "3 of 27"; empty without a card.
    empty
        Why there is no card; empty with one.
    proposal
        A pair that waits to be marked: the form is shown instead of the card.
    can_answer
        Whether there is a card and the project can be written.
    covered
        Share of the confusions that somebody looked at, 0 to 1.
    meter
        The same in words.
    pairs
        Confused pairs, open ones first.
    review
        Slides to look at next, then those that are set apart.
    review_note
        How they were chosen, and from how many.
    method
        "entropy" or "kmeans".
    textbook
        Which table of textbook look-alikes is used, and what is wrong with it.
    """

    card: CardView | None = None
    position: str = ""
    empty: str = ""
    proposal: Proposal | None = None
    can_answer: bool = False
    covered: float = 1.0
    meter: str = ""
    pairs: tuple[PairRow, ...] = ()
    review: tuple[SlideRow, ...] = ()
    review_note: str = ""
    method: str = "entropy"
    textbook: str = ""


def resolve_suggestions(session: Session) -> SuggestionsView:
    """From the session to what the panel shows."""
    if session.project is None:
        return SuggestionsView(empty=NO_PROJECT)
    known = session.suggestions
    if known.found is None:
        return SuggestionsView(empty=LOOKING if known.looking else NO_MODEL)
    there, now = queue(session), current(session)
    covered = coverage_of(session)
    position = f"{there.index(now) + 1} of {len(there)}" if now is not None else ""
    nothing = DONE if known.found.hints.found else NO_MODEL
    return SuggestionsView(
        card=_card(now) if now is not None else None,
        position=position,
        empty="" if now is not None else nothing,
        proposal=session.proposal,
        can_answer=now is not None and not session.project.read_only,
        covered=covered.share,
        meter=_meter(covered, bool(known.found.matrix)),
        pairs=tuple(_pair(p, covered.confusions) for p in covered.pairs),
        review=_review(session),
        review_note=_review_note(session),
        method=known.found.review.method,
        textbook=_textbook(session),
    )


def _card(s: Suggestion) -> CardView:
    a, b = (SideView(x, label) for x, label in zip(s.slides, s.subtypes, strict=True))
    if s.level == "slide":
        title = f"Do these two slides look alike? ({a.label}, {b.label})"
    else:
        title = f"Do {a.label} and {b.label} look alike?"
    notes = []
    if s.later:
        notes.append("You put it off.")
    notes += [_rejected(answer) for answer in s.rejections]
    if s.looked_at:
        notes.append("The two subtypes were looked at already.")
    reasons = tuple((SOURCE_TITLES[h.source], h.text.replace(_CONFIRM, "")) for h in s.reasons)
    test = ""
    if s.test:
        confirm = any(_CONFIRM in h.text for h in s.reasons if h.source == "textbook")
        test = f"{s.test}. {CONFIRM}" if confirm else f"{s.test}."
    return CardView(s.level, title, (a, b), reasons, test, " ".join(notes))


def _rejected(answer: Decision) -> str:
    """Who said no, when, and why."""
    when = "" if answer.time.startswith(UNKNOWN_TIME) else f" on {answer.time[:10]}"
    why = f": {answer.note.rstrip('.')}" if answer.note else ""
    return f"Rejected by {answer.who or 'somebody'}{when if answer.time else ''}{why}."


def _meter(covered: Coverage, model: bool) -> str:
    if not model:
        return METER_EMPTY
    if not covered.confusions:
        return "The model confuses no held-out slide."
    left = count(covered.open_pairs, "pair")
    said = f"{covered.covered} of {count(covered.confusions, 'confusion')} looked at"
    return f"{said}, {left} open" if covered.open_pairs else f"{said}: no pair is open"


def _pair(p: PairCoverage, confusions: int) -> PairRow:
    who = f" by {p.who}" if p.who else ""
    standing = "nobody looked" if p.standing == "open" else f"{p.standing}{who}"
    a, b = p.subtypes
    return PairRow(
        a, b, f"{p.confused} of {p.of}", standing, p.standing == "open", p.confused / confusions
    )


def _review(session: Session) -> tuple[SlideRow, ...]:
    found = session.suggestions.found
    if found is None:
        return ()
    there = [(c.slide_id, c.why, False) for c in found.review.chosen]
    there += [(o.slide_id, o.why, True) for o in found.review.outside]
    return tuple(
        SlideRow(s, session.cohort[s].label or "not labelled", why, apart)
        for s, why, apart in there
        if s in session.cohort and session.cohort[s].state != "reviewed"
    )


def _review_note(session: Session) -> str:
    found = session.suggestions.found
    if found is None or not found.classes:
        return "Train a model in Teach: which slides to look at next follows from it."
    plan = found.review
    apart = count(len(plan.outside), "slide")
    said = f"{len(plan.chosen)} of {count(plan.pool, 'slide')} not yet reviewed"
    if plan.outside:
        said += f"; {apart} unlike the labelled ones set apart"
    return f"{said}."


def _textbook(session: Session) -> str:
    found = session.suggestions.found
    if found is None:
        return ""
    book = found.textbook
    whose = "The project's own table" if book.own else "The table that comes with the program"
    said = f"{whose} has {count(len(book.entries), 'textbook pair')}."
    if book.problems:
        said += f" {rows_left_out(book.problems)}"
    return said
