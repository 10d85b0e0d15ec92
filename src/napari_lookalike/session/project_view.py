"""Session -> the rows of the project's table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_lookalike.core.cohort import Cohort, SlideRecord

EDITABLE = ("label", "patient", "site", "mpp", "stain", "label_source")
FIELD_OF = {"patient": "patient_id"}
"""Column -> field of the record, where the two differ."""


def _column(title: str, help_: str, *, editable: bool = False) -> Any:
    return field(default="", metadata={"title": title, "help": help_, "editable": editable})


@dataclass(frozen=True)
class ProjectRow:
    """One slide as the project's table shows it; every cell is text."""

    slide_id: str = _column("Slide", "Its name in the program.")
    label: str = _column("Subtype", "Tumour subtype; empty = predict, do not train.", editable=True)
    patient: str = _column("Patient", "Slides of one patient stay together.", editable=True)
    site: str = _column("Centre", "Centre or scanner.", editable=True)
    mpp: str = _column("mpp (µm)", "µm per pixel; empty = as the file says.", editable=True)
    stain: str = _column("Stain", "H&E or another; empty = guessed.", editable=True)
    label_source: str = _column("Label from", "Histology, IHC, molecular, …", editable=True)
    state: str = _column("State", "Whether it can be used, and what is missing.")


def resolve_project_rows(
    cohort: Cohort,
    embedded: frozenset[str],
    failures: Mapping[str, str],
    show_patients: bool,
) -> tuple[ProjectRow, ...]:
    """The table's rows, in the cohort's order.

    Parameters
    ----------
    cohort
        The slides.
    embedded
        slide_ids that have features.
    failures
        slide_id -> why it could not be embedded.
    show_patients
        False: patients are numbered, since a patient id can identify a child.
    """
    numbers: dict[str, int] = {}
    for record in cohort:
        numbers.setdefault(record.group, len(numbers) + 1)
    return tuple(
        ProjectRow(
            slide_id=record.slide_id,
            label=record.label,
            patient=record.patient_id if show_patients else f"Patient {numbers[record.group]}",
            site=record.site,
            mpp=_scale(record),
            stain=record.stain,
            label_source=record.label_source,
            state=_state(record, embedded, failures),
        )
        for record in cohort
    )


def _scale(record: SlideRecord) -> str:
    if record.level0_tiles:
        return "level-0 pixels"
    return "" if record.mpp is None else f"{record.mpp:g}"


def _state(record: SlideRecord, embedded: frozenset[str], failures: Mapping[str, str]) -> str:
    if record.excluded:
        return "excluded"
    if record.slide_id in embedded:
        return "embedded"
    return failures.get(record.slide_id, "not embedded")
