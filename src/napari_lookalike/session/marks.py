"""Marking look-alikes: what the map and the table call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from napari_lookalike.core.errors import LookalikeError, TableError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.csv_io import ImportReport, export_csv
from napari_lookalike.core.hard_negatives.jsonl_io import export_jsonl
from napari_lookalike.core.hard_negatives.weights import Rule
from napari_lookalike.session.expert import keep_expert
from napari_lookalike.session.mark_commands import (
    EditMark,
    ImportMarks,
    MarkPair,
    RestoreMark,
    RetireMark,
)
from napari_lookalike.session.needs import count, open_project_of, rows_left_out
from napari_lookalike.session.pair_view import find_mark
from napari_lookalike.session.rule_command import ChooseRule
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_watch import said_disputed


class NeedsExpertName(LookalikeError):
    """A mark needs the name of who makes it; ask for it, then `set_expert`."""


def set_expert(session: Session, name: str) -> None:
    """Say who marks; kept for the next time on this computer.

    Raises
    ------
    NeedsExpertName
        If the name is empty.
    """
    name = name.strip()
    if not name:
        raise NeedsExpertName("A mark needs a name.", "Type your name or initials.")
    session.expert = name
    keep_expert(name)


def mark_pair(
    session: Session, a: str, b: str, reason: str = "", strength: float = 1.0, **more: Any
) -> PairMark:
    """Mark two slides as look-alikes (undoable).

    Parameters
    ----------
    session
        The state.
    a, b
        slide_ids of slides with different labels.
    reason
        Why they look alike.
    strength
        How easily they are confused, 0 to 1.
    **more
        Other columns of a mark: ``features``, ``test``, ``test_result``, ``confidence``.

    Returns
    -------
    PairMark
        As it is in the table: the former row, changed, if this expert had marked the pair.

    Raises
    ------
    NeedsExpertName
        If nobody said who marks.
    TableError
        If it is no pair of two different subtypes, or cannot be written.
    ProjectError
        If no project is open, it is read-only, or lacks a slide.
    """
    first, second = session.cohort[a], session.cohort[b]
    return _mark(
        session,
        PairMark(
            level="slide",
            slide_a=a,
            slide_b=b,
            subtype_a=first.label,
            subtype_b=second.label,
            fingerprint_a=first.fingerprint,
            fingerprint_b=second.fingerprint,
            strength=strength,
            reason=reason,
            **more,
        ),
    )


def mark_subtypes(
    session: Session,
    subtype_a: str,
    subtype_b: str,
    reason: str = "",
    strength: float = 1.0,
    **more: Any,
) -> PairMark:
    """Mark two subtypes as look-alikes (undoable); see `mark_pair`."""
    return _mark(
        session,
        PairMark(
            level="subtype",
            subtype_a=subtype_a,
            subtype_b=subtype_b,
            strength=strength,
            reason=reason,
            **more,
        ),
    )


def mark_slides(
    session: Session,
    a: str,
    b: str,
    strength: float,
    reason: str,
    level: Literal["slide", "subtype"] = "slide",
    **more: Any,
) -> PairMark:
    """Mark two slides, or (``level="subtype"``) the subtypes that they stand for."""
    if level == "slide":
        return mark_pair(session, a, b, reason, strength, **more)
    labels = session.cohort[a].label, session.cohort[b].label
    return mark_subtypes(session, *labels, reason, strength, **more)


def _mark(session: Session, mark: PairMark) -> PairMark:
    open_project_of(session)
    if not session.expert:
        raise NeedsExpertName("Nobody said yet who marks.", "Type your name or initials.")
    version = session.results.version if session.results is not None else ""
    command = MarkPair(replace(mark, expert=session.expert, model_version=version))
    session.history.do(command)
    return command.mark


def existing_mark(session: Session, a: str, b: str) -> PairMark | None:
    """The active mark of two slides in either order, this expert's own first."""
    found = find_mark(session.marks, a, b, session.expert)
    return found if found is not None and found.active else None


def change(session: Session, mark_id: int, **changes: Any) -> None:
    """Change columns of a mark (undoable); says so where a colleague was faster."""
    command = EditMark(mark_id, **changes)
    session.history.do(command)
    if command.disputed:
        session.say(said_disputed(mark_id), "warning")


def agree(session: Session, mark_id: int) -> None:
    """Agree with a colleague's mark (undoable).

    Raises
    ------
    NeedsExpertName
        If nobody said who agrees.
    TableError
        If it is one's own: whoever proposes a mark agrees with it anyway.
    """
    _judge(session, mark_id, "agreed")


def dispute(session: Session, mark_id: int) -> None:
    """Disagree with a mark, which is then not used until it is settled (undoable).

    Raises
    ------
    NeedsExpertName
        If nobody said who disagrees.
    """
    _judge(session, mark_id, "disputed")


def _judge(session: Session, mark_id: int, status: str) -> None:
    if not session.expert:
        raise NeedsExpertName("Nobody said yet who marks.", "Type your name or initials.")
    mark = next((m for m in session.marks if m.id == mark_id), None)
    own = mark is not None and mark.expert == session.expert
    if own and status == "agreed" and mark is not None and mark.status == "proposed":
        raise TableError(
            "This is your own mark: agreement has to come from a colleague.",
            "Ask one to look at it; a proposed mark is used all the same.",
        )
    change(session, mark_id, status=status)


def choose_rule(session: Session, rule: Rule) -> None:
    """Choose how several experts' marks of one pair become one weight (undoable).

    Raises
    ------
    ProjectError
        If no project is open, or it is read-only.
    """
    session.history.do(ChooseRule(rule))


def retire(session: Session, mark_id: int) -> None:
    """Take a mark out of use; it stays in the table (undoable)."""
    session.history.do(RetireMark(mark_id))


def restore(session: Session, mark_id: int) -> None:
    """Take a retired mark into use again (undoable)."""
    session.history.do(RestoreMark(mark_id))


def import_marks(session: Session, path: Path) -> ImportReport:
    """Bring in the marks of a CSV or JSON Lines file (undoable), and say what came of it.

    Rows that are wrong are left out; the first of them are named.
    """
    command = ImportMarks(path)
    session.history.do(command)
    report = command.report
    said = f"{count(report.added, 'mark')} added, {report.updated} updated."
    if report.answers:
        said += f" {count(report.answers, 'answer')} to suggestions added."
    if report.problems:
        said += f" {rows_left_out(report.problems)}"
    session.say(said, "warning" if report.problems else "info")
    return report


def export_marks(session: Session, path: Path) -> int:
    """Write all marks to a CSV file, or with their tiles to a JSON Lines file, and say so.

    Returns
    -------
    int
        How many marks were written.
    """
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        n = export_jsonl(
            session.marks, session.evidence, path, session.cohort, session.suggestions.decisions
        )
    else:
        n = export_csv(session.marks, path, session.cohort)
    session.say(f"{count(n, 'mark')} exported.")
    return n
