"""Further columns of a manifest: which may be shown, and which may tell who the patient is.

A manifest may have columns that the program does not know (age group, scanner, sex). They are
kept with the slides so that the map can be coloured by them, unless they look as if they named
somebody. The rule is in docs/design/privacy.md; it is strict, since a column that is left out by
mistake costs a colour, and one that is shown by mistake may name a child.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari_lookalike.core.privacy import without_paths

if TYPE_CHECKING:
    from napari_lookalike.core.cohort import Cohort, SlideRecord

FEW_NUMBERS = 7
"""Up to so many different numbers are shown as categories, more on a scale."""
MOST_TEXTS = 20
"""A column of text with more different values is not offered: they may be names."""
MOST_LETTERS = 40
"""A longer cell is free text, and may say anything."""

_IDENTITY = frozenset(
    {
        *("name", "names", "surname", "surnames", "forename", "forenames", "initials", "nom"),
        *("prenom", "vorname", "nachname", "mrn", "dob", "birth", "born", "naissance", "ssn"),
        *("nhs", "ahv", "insurance", "address", "adresse", "street", "strasse", "zip", "zipcode"),
        *("postcode", "postal", "plz", "phone", "telephone", "telefon", "mobile", "fax", "email"),
        *("mail", "id", "ids", "uid", "guid", "uuid", "identifier", "accession", "date", "datum"),
        *("file", "path", "folder", "directory", "url", "link", "barcode", "comment", "comments"),
        *("note", "notes", "remark", "remarks", "bemerkung", "bemerkungen", "kommentar"),
    }
)
"""Words that make a column one that names somebody."""
_PERSON = frozenset(
    {"patient", "patients", "pat", "person", "subject", "case", "fall", "child", "donor"}
)
_THING = frozenset(
    {"slide", "sample", "specimen", "block", "lab", "hospital", "study", "record", "chart"}
)
_NUMBER = frozenset({"number", "no", "nr", "nummer", "num", "code", "key", "pseudonym"})
"""Nothing but these (patient, case no, study code) numbers somebody; a thing alone does not."""

_SUFFIX = re.compile(
    r"\.(svs|ndpi|scn|mrxs|tiff?|dcm|czi|vms|vmu|bif|vsi|svslide|jpe?g|png|zarr|h5|zip)$", re.I
)
_DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
    r"|\d{1,2}[. /-]{0,2}[^\W\d_]{3,9}[. ,/-]{0,2}\d{2,4}"
    r"|[^\W\d_]{3,9}[. ]{1,2}\d{1,2},? \d{4}"
    r"|\b\d{1,2}[./-](?:19|20)\d\d\b|\b(?:19|20)\d\d[./-]\d{1,2}\b"
    r"|\b(?:jan|feb|m[aä]r|apr|mai|may|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*[. -]{0,2}"
    r"(?:19|20)\d\d",
    re.I,
)
_DICOM_OR_LISTED_NAME = re.compile(r"\^|^[^\W\d_][\w'-]+, ?[^\W\d_][\w' .-]+$")
_LONG_NUMBER = re.compile(r"\d{5}")
_LEAST_NUMBER_OF_SOMEBODY = 10_000


@dataclass(frozen=True)
class Column:
    """A further column that may be shown.

    Parameters
    ----------
    name
        As in the manifest.
    kind
        "categories" (text, or few different numbers) or "numbers" (a scale).
    """

    name: str
    kind: Literal["categories", "numbers"]

    @property
    def title(self) -> str:
        """For a person: "age_group" is "Age group"."""
        text = self.name.replace("_", " ").strip()
        return text[:1].upper() + text[1:]


def number_of(text: str) -> float | None:
    """A cell as a number, a decimal comma understood; ``None`` if it is none."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def may_identify(name: str, values: Iterable[str]) -> bool:
    """Whether a column's name, or any of its cells, looks as if it told who somebody is.

    Parameters
    ----------
    name
        Title of the column.
    values
        Its cells.
    """
    return _names_somebody(name) or any(_tells(value) for value in set(values))


def _names_somebody(name: str) -> bool:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # "patientName"
    words = {part for word in re.findall(r"[^\W\d_]+", parted) for part in _parts(word.lower())}
    if any(w.endswith("name") or "birth" in w or "geburt" in w for w in words):
        return True
    number = words <= _PERSON | _THING | _NUMBER and not words <= _THING
    return number or not words.isdisjoint(_IDENTITY)


def _parts(word: str) -> tuple[str, ...]:
    """The two words of "patientid" or "casenumber"; else the word itself."""
    for first in (*_PERSON, *_THING):
        rest = word.removeprefix(first)
        if rest != word and rest in _IDENTITY | _NUMBER:
            return first, rest
    return (word,)


def _tells(value: str) -> bool:
    """Whether a cell looks like a path, a file, a date, a person, a long number or free text."""
    number = number_of(value)
    if number is not None:
        # Hospital numbers, and dates as Excel counts them.
        return number.is_integer() and abs(number) >= _LEAST_NUMBER_OF_SOMEBODY
    return (
        len(value) > MOST_LETTERS
        or any(c in value for c in "\n\r\\@")
        or without_paths(value) == "<path>"
        or sum(c.isdigit() for c in value) >= 8
        or any(
            pattern.search(value)
            for pattern in (_SUFFIX, _DATE, _DICOM_OR_LISTED_NAME, _LONG_NUMBER)
        )
    )


def left_out(rows: Sequence[Mapping[str, str]], known: Collection[str]) -> tuple[str, ...]:
    """Further columns of a table that must not come into a project.

    Parameters
    ----------
    rows
        Column -> cell, of every row.
    known
        Columns that the program knows; they are not judged.
    """
    names = dict.fromkeys(name for row in rows for name in row if name not in known)
    cells = {name: {row[name] for row in rows if row.get(name)} for name in names}
    return tuple(name for name in names if cells[name] and may_identify(name, cells[name]))


def offered(cohort: Cohort) -> tuple[Column, ...]:
    """Further columns by which the slides of a cohort may be shown, as the manifest has them.

    Columns that look like an identity are left out (`may_identify`), those that repeat the
    patient ids or the names of the files, and text that is nearly all different: more values
    than half the patients who have one, or more than `MOST_TEXTS`.
    """
    records: dict[str, list[tuple[SlideRecord, str]]] = {}
    for record in cohort:
        for name, value in record.more:
            records.setdefault(name, []).append((record, value))
    found = ((name, _kind(name, cells)) for name, cells in records.items())
    return tuple(Column(name, kind) for name, kind in found if kind is not None)


def _kind(
    name: str, cells: list[tuple[SlideRecord, str]]
) -> Literal["categories", "numbers"] | None:
    """How a column is shown; ``None`` = not at all."""
    values = {value for _, value in cells}
    if may_identify(name, values) or _repeats_an_id(cells):
        return None
    if all(number_of(value) is not None for value in values):
        return "categories" if len(values) <= FEW_NUMBERS else "numbers"
    # By patient and not by slide: ten slides of a child have the same name.
    patients = len({record.group for record, _ in cells})
    return "categories" if len(values) <= min(MOST_TEXTS, patients // 2) else None


def _repeats_an_id(cells: list[tuple[SlideRecord, str]]) -> bool:
    """Whether half of the cells or more say the patient id or the name of the file."""
    hits = sum(_is_id(record, value.casefold()) for record, value in cells)
    return 2 * hits >= len(cells)


def _is_id(record: SlideRecord, value: str) -> bool:
    patient = record.patient_id.casefold()
    # Parts of an id too, where it is long enough not to stand in a word by chance.
    inside = len(patient) >= 4 and patient in value
    files = (record.path.name.casefold(), record.path.stem.casefold())
    return inside or value in (patient, record.slide_id.casefold(), *files)
