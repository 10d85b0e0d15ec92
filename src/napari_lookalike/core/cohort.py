"""Slide records: what a cohort knows of each slide besides its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_lookalike.core.errors import ProjectError


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

    @property
    def group(self) -> str:
        """The patient, or the slide itself where no patient is given: never split by folds."""
        return self.patient_id or f"slide:{self.slide_id}"


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

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in use among slides that are not excluded, sorted."""
        return tuple(sorted({s.label for s in self.slides if s.label and not s.excluded}))

    def with_record(self, record: SlideRecord) -> Cohort:
        """A copy in which the record of that slide_id is replaced."""
        slides = list(self.slides)
        slides[self._index[self[record.slide_id].slide_id]] = record
        return replace(self, slides=tuple(slides))

    def with_added(self, records: tuple[SlideRecord, ...]) -> Cohort:
        """A copy with more slides at the end."""
        return replace(self, slides=(*self.slides, *records))

    def without(self, slide_id: str) -> Cohort:
        """A copy without that slide."""
        return replace(self, slides=tuple(s for s in self.slides if s.slide_id != slide_id))
