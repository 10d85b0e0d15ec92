"""What the cases panel shows: the cohort by patient. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.prediction import case_prediction
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.session.session import Session

Verdict = Literal["", "correct", "wrong"]

HELD_OUT = "held out"
NEW_SLIDE = "new slide"
NO_PATIENT = "Patient not given"
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
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


def patient_titles(cohort: Cohort, show_patient_ids: bool = False) -> dict[str, str]:
    """slide_id -> title of its patient.

    Parameters
    ----------
    cohort
        The slides. Numbers follow the order in which patients come in it, so that a
        patient keeps its number while slides are relabelled or searched.
    show_patient_ids
        Whether the user asked to see them in clear.
    """
    numbers: dict[str, int] = {}
    titles = {}
    for record in cohort:
        if not record.patient_id:
            titles[record.slide_id] = NO_PATIENT
            continue
        number = numbers.setdefault(record.patient_id, len(numbers) + 1)
        shown = f"Patient {record.patient_id}" if show_patient_ids else f"Patient {number}"
        titles[record.slide_id] = shown
    return titles


def slides_of_case(cohort: Cohort, slide_id: str) -> tuple[SlideRecord, ...]:
    """The slides of the same patient that are not excluded, and the slide itself."""
    one = cohort[slide_id]
    return tuple(
        r for r in cohort if r.group == one.group and (not r.excluded or r.slide_id == slide_id)
    )


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
        everything.
        Patient ids are searched only where they are shown.
    embedded
        slide_ids that have features.
    failures
        slide_id -> why it could not be embedded.
    missing
        slide_ids whose file is not where it was.
    show_patient_ids
        Whether the user asked to see them.

    Returns
    -------
    tuple of CaseGroup
        In the order of the cohort; patients with no row left are not in it.
    """
    titles = patient_titles(cohort, show_patient_ids)
    count = _mark_counts(marks)
    words = search.casefold().split()
    failures = failures or {}
    groups: dict[str, list[CaseRow]] = {}
    first: dict[str, str] = {}
    said: dict[str, list[SlideResult]] = {}
    for record in cohort:
        state = _state(record, embedded, failures, missing)
        row = _row(record, results, state, count.get(record.slide_id, 0))
        is_first = first.setdefault(record.group, record.slide_id) == record.slide_id
        result = results.slides.get(record.slide_id) if results is not None else None
        if result is not None and (is_first or not record.excluded):
            said.setdefault(record.group, []).append(result)
        if _found(words, row, titles[record.slide_id]):
            groups.setdefault(record.group, []).append(row)
    return tuple(
        CaseGroup(titles[first[key]], tuple(rows), *_case(results, said.get(key)))
        for key, rows in groups.items()
    )


def cases_of(
    session: Session,
    search: str = "",
    *,
    missing: Collection[str] = (),
    show_patient_ids: bool = False,
) -> tuple[CaseGroup, ...]:
    """`resolve_cases` of a session."""
    return resolve_cases(
        session.cohort,
        session.results,
        session.marks,
        search,
        embedded=session.embedded,
        failures=session.failures,
        missing=missing,
        show_patient_ids=show_patient_ids,
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


def _row(record: SlideRecord, results: ModelResults | None, state: str, marks: int) -> CaseRow:
    row = CaseRow(
        record.slide_id,
        record.label,
        record.site,
        state=state,
        marks=marks,
        review=record.state,
    )
    result = results.slides.get(record.slide_id) if results is not None else None
    if results is None or result is None:
        return row
    top = int(result.ranking[0])
    prediction = results.classes[top]
    return CaseRow(
        row.slide_id,
        row.label,
        row.site,
        prediction,
        float(result.probabilities[top]),
        verdict_of(row.label, prediction),
        row.state,
        HELD_OUT if result.held_out else NEW_SLIDE,
        result.is_unlike,
        row.marks,
        row.review,
    )


def _found(words: Iterable[str], row: CaseRow, title: str) -> bool:
    shown = (title, row.slide_id, row.label, row.site, row.prediction, row.verdict, row.state)
    text = " ".join((*shown, row.seen, row.review)).casefold()
    starts = " " + _NOT_WORD.sub(" ", text)
    # Letters are looked for anywhere ("blastoma"), but "12" must begin a number or a name:
    # whoever types "patient 12" does not mean the slide S0312.
    return all(f" {w}" in starts or (not w[0].isdigit() and w in text) for w in words)


def results_of_case(
    cohort: Cohort, results: ModelResults, slide_id: str
) -> tuple[SlideResult, ...]:
    """What the model says of each slide of the same patient that it knows."""
    known = (results.slides.get(r.slide_id) for r in slides_of_case(cohort, slide_id))
    return tuple(r for r in known if r is not None)


def _case(results: ModelResults | None, said: list[SlideResult] | None) -> tuple[str, float | None]:
    if results is None or not said:
        return "", None
    whole = case_prediction(said, results.classes).differential
    return whole.first, whole.probabilities[0][1]
