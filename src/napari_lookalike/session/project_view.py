"""Session -> the rows of the project's table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ScaleError

FIELD_OF = {"patient": "patient_id"}
"""Column -> field of the record, where the two differ."""

GONE = "The file is not where it was. Press Relink and choose the folder that holds it now."


def _column(title: str, help_: str, *, editable: bool = False) -> Any:
    return field(default="", metadata={"title": title, "help": help_, "editable": editable})


@dataclass(frozen=True)
class ProjectRow:
    """One slide as the project's table shows it; every cell is text."""

    slide_id: str = _column("Slide", "Its name in the program.")
    label: str = _column("Subtype", "Tumour subtype; empty = predict, do not train.", editable=True)
    state: str = _column("State", "Whether it can be used, and what is missing.")
    patient: str = _column("Patient", "Slides of one patient stay together.", editable=True)
    site: str = _column("Centre", "Centre or scanner.", editable=True)
    mpp: str = _column("mpp (µm)", "µm per pixel; empty = as the file says.", editable=True)
    stain: str = _column("Stain", "H&E or another; empty = guessed.", editable=True)
    label_source: str = _column("Label from", "Histology, IHC, molecular, …", editable=True)


def resolve_project_rows(
    cohort: Cohort,
    embedded: frozenset[str],
    failures: Mapping[str, str],
    show_patients: bool,
    missing: frozenset[str] = frozenset(),
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
    missing
        slide_ids whose file is not where it was.
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
            state=_state(record, embedded, failures, missing),
        )
        for record in cohort
    )


def _scale(record: SlideRecord) -> str:
    if record.level0_tiles:
        return "level-0 pixels"
    return "" if record.mpp is None else f"{record.mpp:g}"


def _state(
    record: SlideRecord,
    embedded: frozenset[str],
    failures: Mapping[str, str],
    missing: frozenset[str],
) -> str:
    if record.excluded:
        return "excluded"
    if record.slide_id in missing:
        return GONE
    if record.slide_id not in embedded:
        return failures.get(record.slide_id, "not embedded")
    return "embedded" if record.label else "embedded, no subtype"


def changed_fields(column: str, text: str) -> dict[str, Any]:
    """What a text in a column of the table means for the slide's record.

    Parameters
    ----------
    column
        An editable column of `ProjectRow`.
    text
        As the user typed it. For mpp: a decimal comma is understood; nothing means "as
        the file says", and tiles are then cut in micrometres again.

    Returns
    -------
    dict
        Field of `SlideRecord` -> value.

    Raises
    ------
    ScaleError
        If an mpp is no number.
    """
    if column != "mpp":
        return {FIELD_OF.get(column, column): text.strip()}
    mpp = mpp_of(text)
    return {"mpp": mpp} if mpp is not None else {"mpp": None, "level0_tiles": False}


def mpp_of(text: str) -> float | None:
    """µm per pixel as a person typed it; nothing is ``None``.

    Raises
    ------
    ScaleError
        If it is no number.
    """
    if not text.strip():
        return None
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise ScaleError(
            f"The mpp {text.strip()!r} is not a number.",
            "Give µm per pixel (0.25 for 40x, 0.5 for 20x), or nothing.",
        ) from None
