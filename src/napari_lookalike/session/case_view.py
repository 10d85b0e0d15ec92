"""What the cases panel shows: the cohort by patient. Pure.

Ten thousand slides are resolved at a stroke of a key: a `CaseMemory` keeps what did not
change since, and what a model says comes as columns (`case_said`).
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.session.case_rows import (
    HELD_OUT,
    NEW_SLIDE,
    NO_PATIENT,
    CaseGroup,
    CaseMemory,
    CaseRow,
    Verdict,
    searched,
)
from napari_lookalike.session.case_said import Said, said_of
from napari_lookalike.session.session import Session

__all__ = ["NO_PATIENT", "CaseGroup", "CaseRow", "Verdict", "cases_of", "resolve_cases"]

_NOTHING: tuple[str, float | None] = ("", None)


def patient_title(cohort: Cohort, record: SlideRecord, show_patient_ids: bool = False) -> str:
    """Title of a slide's patient ("Patient 3").

    Parameters
    ----------
    cohort
        The slides, which number the patients.
    record
        One of them.
    show_patient_ids
        Whether the user asked to see them in clear.
    """
    if not record.patient_id:
        return NO_PATIENT
    shown = record.patient_id if show_patient_ids else cohort.patient_numbers[record.patient_id]
    return f"Patient {shown}"


def patient_titles(cohort: Cohort, show_patient_ids: bool = False) -> dict[str, str]:
    """slide_id -> `patient_title`, of all slides."""
    return {r.slide_id: patient_title(cohort, r, show_patient_ids) for r in cohort}


def slides_of_case(cohort: Cohort, slide_id: str) -> tuple[SlideRecord, ...]:
    """The slides of the same patient that are not excluded, and the slide itself."""
    same = cohort.by_group[cohort[slide_id].group]
    return tuple(r for r in same if not r.excluded or r.slide_id == slide_id)


def resolve_cases(
    cohort: Cohort,
    results: ModelResults | None = None,
    marks: Iterable[PairMark] = (),
    search: str = "",
    *,
    embedded: Collection[str] = (),
    failures: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    show_patient_ids: bool = False,
    memory: CaseMemory | None = None,
) -> tuple[CaseGroup, ...]:
    """The cohort by patient.

    Parameters
    ----------
    cohort
        The slides.
    results
        What the model says of them.
    marks
        The hard-negative table.
    search
        Words that must all occur in what a row shows, in upper or lower case; empty =
        everything. "centre:basel" must occur in that column; further columns of the
        manifest that may be shown count too.
        Patient ids are searched only where they are shown.
    embedded
        slide_ids that have features.
    failures
        slide_id -> why it could not be embedded.
    missing
        slide_ids whose file is not where it was.
    show_patient_ids
        Whether the user asked to see them.
    memory
        Of the calls before, on the same cohort; makes this one quicker and the same.

    Returns
    -------
    tuple of CaseGroup
        In the order of the cohort; patients with no row left are not in it.
    """
    memory = CaseMemory() if memory is None else memory
    titles = patient_titles(cohort, show_patient_ids)
    more = {column.name: column.title for column in cohort.columns}
    count = _mark_counts(marks)
    failures = failures or {}
    said = said_of(results) if results is not None else None
    groups: dict[str, list[CaseRow]] = {}
    speakers: dict[str, list[int]] = {}
    for record in cohort:
        slide_id, group = record.slide_id, record.group
        state = _state(record, embedded, failures, missing)
        cells = tuple((more[name], cell) for name, cell in record.more if name in more)
        made_of = (record, results, state, count.get(slide_id, 0), titles[slide_id], cells)
        kept = memory.rows.get(slide_id)
        if kept is None or kept[0] != made_of:
            kept = memory.rows[slide_id] = made_of, _row(record, said, *made_of[2:])
        is_first = group not in groups
        groups.setdefault(group, []).append(kept[1])
        if said is not None and (is_first or not record.excluded) and slide_id in said.row_of:
            speakers.setdefault(group, []).append(said.row_of[slide_id])
    whole = _cases(said, [speakers.get(group, []) for group in groups])
    found = tuple(
        CaseGroup(rows[0].patient, tuple(rows), *case)
        for rows, case in zip(groups.values(), whole, strict=True)
    )
    return searched(found, search, memory)


@dataclass(eq=False)
class _Kept:
    """What `cases_of` found for one session, and what it was made of."""

    made_of: tuple[object, ...] = ()
    groups: tuple[CaseGroup, ...] = ()
    memory: CaseMemory = field(default_factory=CaseMemory)


_sessions: weakref.WeakKeyDictionary[Session, _Kept] = weakref.WeakKeyDictionary()


def cases_of(session: Session, search: str = "") -> tuple[CaseGroup, ...]:
    """`resolve_cases` of a session; at once where nothing changed since the last call."""
    kept, made_of = _sessions.setdefault(session, _Kept()), _made_of(session)
    # The session's values are replaced and never changed: the same object says the same.
    same = len(kept.made_of) == len(made_of) and all(map(is_, kept.made_of, made_of))
    if not same:
        kept.memory.keep_only(session.cohort)
        kept.groups = resolve_cases(
            session.cohort,
            session.results,
            session.marks,
            embedded=session.embedded,
            failures=session.failures,
            missing=session.missing,
            show_patient_ids=session.show_patient_ids,
            memory=kept.memory,
        )
        kept.made_of = made_of
    return searched(kept.groups, search, kept.memory)


def remember_cases(session: Session, groups: tuple[CaseGroup, ...], memory: CaseMemory) -> None:
    """Take over what was resolved from the values that the session has now.

    Parameters
    ----------
    session
        Without failures or missing files, and with patients numbered.
    groups, memory
        What `resolve_cases` gave, and its memory.
    """
    _sessions[session] = _Kept(_made_of(session), groups, memory)


def _made_of(session: Session) -> tuple[object, ...]:
    return (
        session.cohort,
        session.results,
        session.marks,
        session.embedded,
        session.failures,
        session.missing,
        session.show_patient_ids,
    )


def visible_slides(groups: Iterable[CaseGroup]) -> tuple[str, ...]:
    """slide_ids in the order in which they are listed (for next and previous)."""
    return tuple(row.slide_id for group in groups for row in group.rows)


def verdict_of(label: str, prediction: str) -> Verdict:
    """Whether a prediction is right; empty where there is no label or no prediction."""
    if not label or not prediction:
        return ""
    return "correct" if label == prediction else "wrong"


def _mark_counts(marks: Iterable[PairMark]) -> dict[str, int]:
    found: dict[str, int] = {}
    for mark in marks:
        if mark.active and mark.level == "slide":
            for slide_id in mark.sides:
                found[slide_id] = found.get(slide_id, 0) + 1
    return found


def _state(
    record: SlideRecord,
    embedded: Collection[str],
    failures: Mapping[str, str],
    missing: Collection[str],
) -> str:
    slide_id = record.slide_id
    if record.excluded:
        return "excluded"
    if slide_id in embedded:
        return "embedded"
    if slide_id in missing:
        return "file missing"
    if slide_id in failures:
        return f"failed: {failures[slide_id]}"
    return "not embedded"


def _row(
    record: SlideRecord,
    said: Said | None,
    state: str,
    marks: int,
    patient: str,
    cells: tuple[tuple[str, str], ...],
) -> CaseRow:
    slide_id, label = record.slide_id, record.label
    at = None if said is None else said.row_of.get(slide_id)
    if said is None or at is None:
        return CaseRow(
            slide_id, label, record.site, state=state, marks=marks, review=record.state,
            patient=patient, columns=cells,
        )  # fmt: skip
    first = said.first[at]
    return CaseRow(
        slide_id,
        label,
        record.site,
        first,
        said.probability[at],
        verdict_of(label, first),
        state,
        HELD_OUT if said.held_out[at] else NEW_SLIDE,
        said.unlike[at],
        marks,
        record.state,
        patient,
        said.margin[at],
        cells,
    )


def results_of_case(
    cohort: Cohort, results: ModelResults, slide_id: str
) -> tuple[SlideResult, ...]:
    """What the model says of each slide of the same patient that it knows."""
    known = (results.slides.get(r.slide_id) for r in slides_of_case(cohort, slide_id))
    return tuple(r for r in known if r is not None)


def _cases(
    said: Said | None, speakers: Sequence[Sequence[int]]
) -> Sequence[tuple[str, float | None]]:
    return [_NOTHING] * len(speakers) if said is None else said.cases(speakers)
