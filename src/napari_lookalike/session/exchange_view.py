"""Report of an import -> what the dialog shows before anything is written. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_lookalike.core.encoders.imported import imported_identity
from napari_lookalike.core.interop.report import HOW, ImportReport
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import Session

LISTED = 6
"""Slides and sentences that are written out."""


def _column(title: str, help_: str) -> Any:
    return field(default="", metadata={"title": title, "help": help_, "editable": False})


@dataclass(frozen=True)
class FactRow:
    """One line of what was inferred."""

    what: str = _column("What", "What it is about.")
    value: str = _column("Value", "What was found.")
    sure: str = _column("How sure", "Where the value is from.")
    why: str = _column("Why", "From what it was concluded.")
    doubtful: bool = field(default=False, metadata={"shown": False})


@dataclass(frozen=True)
class SlideRow:
    """One slide of an import."""

    slide_id: str = _column("Slide", "Its name in the program.")
    state: str = _column("State", "Whether it can be imported.")
    tiles: str = _column("Tiles", "Vectors in the file.")
    note: str = _column("Note", "Why not, or what looks wrong.")


@dataclass(frozen=True)
class ReportView:
    """What the dialog shows of a report.

    Parameters
    ----------
    facts, slides
        Rows of its two tables; slides with a problem or a warning first.
    summary
        What can be imported, in sentences.
    doubts
        What to look at before saying yes; empty if nothing.
    button
        What the button says; empty if there is nothing to import.
    """

    facts: tuple[FactRow, ...]
    slides: tuple[SlideRow, ...]
    summary: str
    doubts: str
    button: str


def resolve_report(report: ImportReport) -> ReportView:
    """What the dialog shows of a report.

    Parameters
    ----------
    report
        Of a check, or of an import that is done.
    """
    facts = tuple(
        FactRow(f.field, f.value, HOW[f.how], f.why, f.how == "guessed") for f in report.facts
    )
    rows = sorted((_slide_row(s) for s in report.slides), key=lambda row: not row.note)
    n = len(report.good)
    button = "" if report.written or not n else f"Import {count(n, 'slide')}"
    return ReportView(facts, tuple(rows), _summary(report), _doubts(report), button)


def slides_to_ask(session: Session, report: ImportReport) -> frozenset[str]:
    """Imported slides of which the model in use has to speak: those of its own encoder.

    Parameters
    ----------
    session
        The state, after the import.
    report
        Of an import that is done.
    """
    results = session.results
    if results is None or report.content != "features":
        return frozenset()
    if results.card.get("encoder") != imported_identity(report.name):
        return frozenset()
    return frozenset(s.slide_id for s in report.slides if s.written)


def _slide_row(slide: Any) -> SlideRow:
    if slide.problem:
        state = "left out"
    elif slide.written:
        state = "imported"
    else:
        state = "ready"
    note = slide.problem or " ".join(slide.warnings)
    return SlideRow(slide.slide_id, state, f"{slide.tiles:,}" if slide.tiles else "", note)


def _summary(report: ImportReport) -> str:
    n = len(report.good)
    verb = "imported" if report.written else "can be imported"
    parts = [f"{report.title}: {count(n, 'slide')} {verb}."]
    if report.problems:
        parts.append(f"{count(len(report.problems), 'slide')} left out.")
    if report.absent:
        parts.append(f"Nothing was found for {count(len(report.absent), 'slide')}.")
    if report.unmatched:
        verb = "belong" if len(report.unmatched) > 1 else "belongs"
        parts.append(f"{count(len(report.unmatched), 'file')} {verb} to no slide of the project.")
    if not report.written:
        parts.append("Nothing was written yet.")
    return " ".join(parts)


def _doubts(report: ImportReport) -> str:
    guessed = [f.field for f in report.facts if f.how == "guessed"]
    parts = []
    if guessed:
        parts.append(f"Guessed, so please check: {', '.join(guessed)}.")
    warned = report.warnings
    parts += list(warned[:LISTED])
    if len(warned) > LISTED:
        parts.append(f"… and {len(warned) - LISTED} more in the table.")
    return " ".join(parts)
