"""Rows of the cases panel, and the search through them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from napari_lookalike.session.case_words import hits, text_of

Verdict = Literal["", "correct", "wrong"]

HELD_OUT = "held out"
NEW_SLIDE = "new slide"
NO_PATIENT = "Patient not given"


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One slide in the list.

    Parameters
    ----------
    slide_id
        The slide.
    label
        Its subtype; empty = not labelled.
    site
        Its centre.
    prediction
        Most probable subtype; empty where the model says nothing of it.
    probability
        Of the prediction, 0 to 1.
    verdict
        Whether the prediction is the label; empty where that cannot be said.
    state
        "embedded", "not embedded", "excluded", "file missing" or "failed: ...".
    seen
        "held out" (the model that spoke never saw the patient) or "new slide".
    unlike
        Whether it is unlike anything in the training set.
    marks
        Active marks that name the slide.
    review
        Review state of the record.
    patient
        Title of its patient ("Patient 3").
    margin
        Probability of the prediction minus that of the second subtype.
    columns
        (title, cell) of further columns of the manifest, of those that may be shown.
    """

    slide_id: str
    label: str = ""
    site: str = ""
    prediction: str = ""
    probability: float | None = None
    verdict: Verdict = ""
    state: str = ""
    seen: str = ""
    unlike: bool = False
    marks: int = 0
    review: str = ""
    patient: str = ""
    margin: float | None = None
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CaseGroup:
    """One patient.

    Parameters
    ----------
    title
        "Patient 3", or the patient id where the user asked for it.
    rows
        The patient's slides that the search lets through.
    prediction, probability
        Of the case (all the patient's slides together); empty and ``None`` if nothing
        is predicted.
    """

    title: str
    rows: tuple[CaseRow, ...]
    prediction: str = ""
    probability: float | None = None


@dataclass(eq=False)
class CaseMemory:
    """What was resolved before; rows of which nothing changed are taken from here.

    Parameters
    ----------
    rows
        slide_id -> (what the row was made of, the row).
    texts
        slide_id -> (row, what a search looks through).
    """

    rows: dict[str, tuple[tuple[object, ...], CaseRow]] = field(default_factory=dict)
    texts: dict[str, tuple[CaseRow, str]] = field(default_factory=dict)
    _listed: tuple[Sequence[CaseGroup], list[str]] = ((), [])

    def keep_only(self, slide_ids: Container[str]) -> None:
        """Forget other slides, those of a project that was open before."""
        for kept in (self.rows, self.texts):
            for slide_id in [s for s in kept if s not in slide_ids]:
                del kept[slide_id]

    def listed(self, groups: Sequence[CaseGroup]) -> list[str]:
        """What a search looks through, of every row of the groups, one after another."""
        if self._listed[0] is not groups:
            self._listed = groups, [self._text(row) for group in groups for row in group.rows]
        return self._listed[1]

    def _text(self, row: CaseRow) -> str:
        found = self.texts.get(row.slide_id)
        if found is None or found[0] is not row:
            found = self.texts[row.slide_id] = row, text_of(row)
        return found[1]


def searched(groups: Sequence[CaseGroup], search: str, memory: CaseMemory) -> tuple[CaseGroup, ...]:
    """The groups with only those rows that have every word of a search; see `resolve_cases`."""
    words = search.casefold().split()
    if not words:
        return tuple(groups)
    found = hits(memory.listed(groups), words)
    # Rows are asked for in the order in which the texts were listed.
    number = count()
    return only(groups, lambda _row: next(number) in found)


def only(groups: Iterable[CaseGroup], wanted: Callable[[CaseRow], bool]) -> tuple[CaseGroup, ...]:
    """The groups with only the wanted rows; what is said of a whole case stays."""
    kept = []
    for group in groups:
        rows = tuple(row for row in group.rows if wanted(row))
        if len(rows) == len(group.rows):
            kept.append(group)
        elif rows:
            kept.append(CaseGroup(group.title, rows, group.prediction, group.probability))
    return tuple(kept)
