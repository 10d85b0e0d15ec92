"""Slide records: what a cohort knows of each slide besides its pixels."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lookalike.core.errors import ProjectError

if TYPE_CHECKING:
    from napari_lookalike.core.manifest_columns import Column

_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"com{i}" for i in range(1, 10)}
    | {f"lpt{i}" for i in range(1, 10)}
)
MAX_SLIDE_ID = 100


def slide_id_problem(slide_id: str) -> str:
    """Why this cannot be a slide_id, as a sentence; empty if it can.

    Features and thumbnails are files named by slide_id, so it must be a safe file name on
    Linux, macOS and Windows alike.
    """
    if not slide_id:
        return "The slide_id is empty."
    if len(slide_id) > MAX_SLIDE_ID or len(slide_id.encode("utf-8", "replace")) > 2 * MAX_SLIDE_ID:
        return f"The slide_id is longer than {MAX_SLIDE_ID} characters."
    if _FORBIDDEN & set(slide_id) or any(unicodedata.category(c)[0] == "C" for c in slide_id):
        return 'The slide_id has one of / \\ : * ? " < > | or a control character in it.'
    if slide_id != slide_id.strip() or slide_id[0] == "." or slide_id[-1] == ".":
        return "The slide_id begins or ends with a space or a dot."
    if slide_id.split(".")[0].rstrip().lower() in _RESERVED:
        return "The slide_id is a name that Windows keeps for itself."
    return ""


def slide_id_key(slide_id: str) -> str:
    """What two slide_ids must not share: on many disks "S1" and "s1" are the same file."""
    return unicodedata.normalize("NFC", slide_id).casefold()


def check_slide_ids(slide_ids: Iterable[str]) -> None:
    """Refuse slide_ids that cannot be file names, or that differ only in upper and lower case.

    Raises
    ------
    ProjectError
        Naming the first that is wrong; give it another slide_id.
    """
    seen: dict[str, str] = {}
    for slide_id in slide_ids:
        sentence = slide_id_problem(slide_id)
        if sentence:
            raise ProjectError(
                sentence, "Give it a slide_id of letters, digits, - and _.", slide_id
            )
        key = slide_id_key(slide_id)
        if key in seen:
            raise ProjectError(
                f"{seen[key]} and {slide_id} differ only in upper and lower case.",
                "Give one of them another slide_id.",
                slide_id,
            )
        seen[key] = slide_id


@dataclass(frozen=True)
class SlideRecord:
    """One slide of a cohort.

    Parameters
    ----------
    slide_id
        Its name everywhere in the product. Unique in the cohort.
    path
        Where the file or folder lies. Never shown or exported unasked.
    patient_id
        Groups slides; folds never split a patient. Never shown unasked.
    label
        Tumour subtype; empty = not labelled (predicted, not trained on).
    site
        Centre or scanner; empty = not known.
    mpp
        µm per level-0 pixel given by the manifest or the user; ``None`` = as in the file.
    mpp_source
        "manifest" or "user" where ``mpp`` is given, else empty.
    level0_tiles
        The user chose "tiles in level-0 pixels" for a slide without mpp.
    stain
        "H&E", another stain's name, or empty = guess.
    label_source
        "histology", "IHC", "molecular", ... or empty.
    fingerprint
        Content id; empty until the slide was opened once.
    excluded
        Left out of embedding and training by the user.
    state
        Review state: "", "to review", "reviewed".
    more
        (column, cell) of further columns of the manifest, empty cells left out. Never
        exported or logged; which of them may be shown says `Cohort.columns`.
    """

    slide_id: str
    path: Path
    patient_id: str = ""
    label: str = ""
    site: str = ""
    mpp: float | None = None
    mpp_source: str = ""
    level0_tiles: bool = False
    stain: str = ""
    label_source: str = ""
    fingerprint: str = ""
    excluded: bool = False
    state: str = ""
    more: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def group(self) -> str:
        """The patient, or the slide itself where no patient is given: never split by folds."""
        return self.patient_id or f"slide:{self.slide_id}"

    @property
    def is_there(self) -> bool:
        """Whether the file can be seen: not on a share, or in a folder, that lets nobody in."""
        return os.path.exists(self.path)  # noqa: PTH110 - pathlib's raises there


@dataclass(frozen=True)
class Cohort:
    """Slides in a fixed order.

    Parameters
    ----------
    slides
        The records, unique by slide_id.
    name
        For a person.
    synthetic
        True for slides made by our generator: said wherever results show.
    """

    slides: tuple[SlideRecord, ...] = ()
    name: str = ""
    synthetic: bool = False
    _index: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for i, record in enumerate(self.slides):
            if record.slide_id in self._index:
                raise ProjectError(
                    f"Two slides are called {record.slide_id}.", "Give each slide its own slide_id."
                )
            self._index[record.slide_id] = i

    def __iter__(self) -> Iterator[SlideRecord]:
        return iter(self.slides)

    def __len__(self) -> int:
        return len(self.slides)

    def __contains__(self, slide_id: object) -> bool:
        return slide_id in self._index

    def __getitem__(self, slide_id: str) -> SlideRecord:
        try:
            return self.slides[self._index[slide_id]]
        except KeyError:
            raise ProjectError(
                f"There is no slide {slide_id} in this project.", "Add it first."
            ) from None

    @cached_property
    def by_group(self) -> dict[str, tuple[SlideRecord, ...]]:
        """`SlideRecord.group` -> its slides, in the cohort's order."""
        found: dict[str, list[SlideRecord]] = {}
        for record in self.slides:
            found.setdefault(record.group, []).append(record)
        return {group: tuple(records) for group, records in found.items()}

    @cached_property
    def patient_numbers(self) -> dict[str, int]:
        """patient_id -> number, from 1 on, in the order in which patients come.

        A patient keeps its number while slides are relabelled or searched.
        """
        patients = dict.fromkeys(s.patient_id for s in self.slides if s.patient_id)
        return {patient: i for i, patient in enumerate(patients, start=1)}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Further columns of the manifest that may be shown: none that may name a patient."""
        from napari_lookalike.core.manifest_columns import offered

        return offered(self)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in use among slides that are not excluded, sorted."""
        return tuple(sorted({s.label for s in self.slides if s.label and not s.excluded}))

    def with_record(self, record: SlideRecord) -> Cohort:
        """A copy in which the record of that slide_id is replaced."""
        slides = list(self.slides)
        slides[self._index[self[record.slide_id].slide_id]] = record
        return replace(self, slides=tuple(slides))

    def with_records(self, records: Iterable[SlideRecord]) -> Cohort:
        """A copy in which each record replaces the one of its slide_id."""
        new = {self[r.slide_id].slide_id: r for r in records}
        return replace(self, slides=tuple(new.get(s.slide_id, s) for s in self.slides))

    def with_added(self, records: tuple[SlideRecord, ...]) -> Cohort:
        """A copy with more slides at the end."""
        return replace(self, slides=(*self.slides, *records))

    def without(self, *slide_ids: str) -> Cohort:
        """A copy without these slides."""
        return replace(self, slides=tuple(s for s in self.slides if s.slide_id not in slide_ids))
