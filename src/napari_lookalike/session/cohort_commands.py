"""Edits of the cohort that can be undone: fields, exclusion, adding and removing slides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ProjectError, ScaleError
from napari_lookalike.core.geometry import MPP_PLAUSIBLE_UM
from napari_lookalike.session.needs import count, writable_project_of
from napari_lookalike.session.session import Session

TITLES = {
    "label": "label",
    "patient_id": "patient",
    "site": "centre",
    "mpp": "mpp",
    "stain": "stain",
    "label_source": "label source",
    "state": "review state",
    "excluded": "exclusion",
    "level0_tiles": "tiles in level-0 pixels",
}
"""Fields of a record that a person may edit -> title."""


class _CohortEdit(ABC):
    """An edit that turns a cohort into another; knows the way back."""

    text: str

    @abstractmethod
    def forward(self, cohort: Cohort) -> Cohort:
        """The cohort after the edit; remembers what `backward` needs."""

    @abstractmethod
    def backward(self, cohort: Cohort) -> Cohort:
        """The cohort with the edit taken back, and nothing else."""

    def apply(self, session: Session) -> bool:
        """Do it; whether anything changed."""
        return _put(session, self.forward(writable_project_of(session).cohort))

    def undo(self, session: Session) -> None:
        """Take it back."""
        _put(session, self.backward(writable_project_of(session).cohort))


def _put(session: Session, cohort: Cohort) -> bool:
    project = writable_project_of(session)
    if cohort == project.cohort:
        return False
    project.save(cohort=cohort)
    # Slides that went away must leave the canvas before views look them up in the cohort.
    session.selection = tuple(s for s in session.selection if s in project.cohort)
    if session.slide_id is not None and session.slide_id not in project.cohort:
        session.slide_id = None
    session.cohort = project.cohort
    return True


class EditRecord(_CohortEdit):
    """Change fields of one slide or of several at once.

    Parameters
    ----------
    slide_ids
        The slides: one slide_id or several.
    **changes
        Field (see `TITLES`) -> new value; text is stripped. ``mpp`` becomes the user's,
        and ``None`` gives the file's own back.

    Raises
    ------
    ScaleError
        If an mpp is out of the plausible range.
    ValueError
        If a field cannot be edited.
    """

    def __init__(self, slide_ids: str | Iterable[str], **changes: Any) -> None:
        self.slide_ids = (slide_ids,) if isinstance(slide_ids, str) else tuple(slide_ids)
        wrong = sorted(set(changes) - set(TITLES))
        if wrong or not changes:
            raise ValueError(f"not an editable field of a slide: {wrong}")
        self.text = f"Set {TITLES[next(iter(changes))]} of {_named(self.slide_ids)}"
        self._changes = _checked(changes)
        self._before: dict[str, dict[str, Any]] = {}

    def forward(self, cohort: Cohort) -> Cohort:
        """The cohort with the new values."""
        records = [cohort[s] for s in self.slide_ids]
        self._before = {
            r.slide_id: {name: getattr(r, name) for name in self._changes} for r in records
        }
        return cohort.with_records(replace(r, **self._changes) for r in records)

    def backward(self, cohort: Cohort) -> Cohort:
        """The cohort with the former values of these fields."""
        there = {s: old for s, old in self._before.items() if s in cohort}
        return cohort.with_records(replace(cohort[s], **old) for s, old in there.items())


class ExcludeSlide(EditRecord):
    """Leave slides out of embedding and training, or take them in again.

    Parameters
    ----------
    slide_ids
        One slide_id or several.
    excluded
        ``False`` takes them in again.
    """

    def __init__(self, slide_ids: str | Iterable[str], excluded: bool = True) -> None:
        super().__init__(slide_ids, excluded=excluded)
        self.text = f"{'Exclude' if excluded else 'Include'} {_named(self.slide_ids)}"


class AddSlides(_CohortEdit):
    """Add slides at the end of the cohort.

    Parameters
    ----------
    records
        Their slide_ids must be new.
    """

    def __init__(self, records: Iterable[SlideRecord]) -> None:
        self.records = tuple(records)
        self.text = f"Add {_named([r.slide_id for r in self.records])}"

    def forward(self, cohort: Cohort) -> Cohort:
        """The cohort with them."""
        return cohort.with_added(self.records)

    def backward(self, cohort: Cohort) -> Cohort:
        """The cohort without them; edits of them made meanwhile come back with a redo."""
        self.records = tuple(cohort[r.slide_id] for r in self.records if r.slide_id in cohort)
        return cohort.without(*(r.slide_id for r in self.records))


class RemoveSlides(_CohortEdit):
    """Take slides out of the project. Files, features and marks stay where they are.

    Parameters
    ----------
    slide_ids
        One slide_id or several.
    """

    def __init__(self, slide_ids: str | Iterable[str]) -> None:
        self.slide_ids = (slide_ids,) if isinstance(slide_ids, str) else tuple(slide_ids)
        self.text = f"Remove {_named(self.slide_ids)}"
        self._removed: list[tuple[int, SlideRecord]] = []

    def forward(self, cohort: Cohort) -> Cohort:
        """The cohort without them."""
        wanted = {cohort[s].slide_id for s in self.slide_ids}
        self._removed = [(i, r) for i, r in enumerate(cohort) if r.slide_id in wanted]
        return cohort.without(*wanted)

    def backward(self, cohort: Cohort) -> Cohort:
        """The cohort with them where they were."""
        slides = list(cohort)
        for i, record in self._removed:
            slides.insert(i, record)
        return replace(cohort, slides=tuple(slides))


class RelinkSlides(_CohortEdit):
    """Point slides to where their files lie now; nothing else of them changes.

    Parameters
    ----------
    paths
        slide_id -> file. Slides that the project no longer has are passed over.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.paths = dict(paths)
        self.text = f"Relink {_named(self.paths)}"
        self._before: dict[str, Path] = {}

    def forward(self, cohort: Cohort) -> Cohort:
        """The cohort with the new paths."""
        self._before = {s: cohort[s].path for s in self.paths if s in cohort}
        return _moved(cohort, self.paths)

    def backward(self, cohort: Cohort) -> Cohort:
        """The cohort with the former paths."""
        return _moved(cohort, self._before)


def _moved(cohort: Cohort, paths: Mapping[str, Path]) -> Cohort:
    there = {s: path for s, path in paths.items() if s in cohort}
    return cohort.with_records(replace(cohort[s], path=path) for s, path in there.items())


def _named(slide_ids: Iterable[str]) -> str:
    ids = tuple(slide_ids)
    return ids[0] if len(ids) == 1 else count(len(ids), "slide")


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    clean = {k: v.strip() if isinstance(v, str) else v for k, v in changes.items()}
    if "mpp" not in clean:
        return clean
    mpp = clean["mpp"]
    low, high = MPP_PLAUSIBLE_UM
    if mpp is None:
        return {**clean, "mpp_source": ""}
    if not isinstance(mpp, int | float) or not low <= mpp <= high:
        raise ScaleError(
            f"{mpp} is not a plausible mpp.",
            f"Give µm per pixel between {low:g} and {high:g} (0.25 for 40x, 0.5 for 20x).",
        )
    # With a scale, tiles are cut in micrometres again unless the same edit says otherwise.
    return {"level0_tiles": False, **clean, "mpp": float(mpp), "mpp_source": "user"}


def add_new_slides(session: Session, records: Iterable[SlideRecord]) -> tuple[str, ...]:
    """Add those slides that are not in the project yet (undoable).

    Parameters
    ----------
    session
        The state.
    records
        From a manifest or a folder.

    Returns
    -------
    tuple of str
        slide_ids of the project under which slides were there already: by content, or by
        the same file.

    Raises
    ------
    ProjectError
        If another slide of the project has such a slide_id.
    """
    cohort = writable_project_of(session).cohort
    by_content = {r.fingerprint: r.slide_id for r in cohort if r.fingerprint}
    by_path = {r.path: r.slide_id for r in cohort}
    new, already = [], []
    for record in records:
        known = by_content.get(record.fingerprint) or by_path.get(record.path)
        if known is not None:
            already.append(known)
        elif record.slide_id in cohort:
            raise ProjectError(
                f"Another slide of the project is called {record.slide_id}.",
                "Give the new slide another slide_id.",
            )
        else:
            new.append(record)
    if new:
        session.history.do(AddSlides(new))
    return tuple(already)
