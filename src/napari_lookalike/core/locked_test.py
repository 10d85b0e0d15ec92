"""A locked test set: patients that are put away before the first mark, and seldom looked at.

Cross-validation says how well a model does on patients it never saw, but the people who
choose marks and settings by its figures have seen them. What is locked away here is left
out of training, prediction and maps, and is opened only when somebody asks for it; every
opening is counted, for a test set that is looked at often is one no longer.

Stored as ``locked_test.json`` in the project: slide_ids and fingerprints, no patients.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.folds import draw_patients
from napari_lookalike.core.project_file import write_atomic

if TYPE_CHECKING:
    from napari_lookalike.core.project import Project

FILE = "locked_test.json"
LEFT_TO_TRAIN = 2
"""So many patients of a subtype stay for training, whatever the share."""


@dataclass(frozen=True)
class Opening:
    """When the test set was opened, and for which model version."""

    time: str
    version: str


@dataclass(frozen=True)
class LockedTest:
    """A project's locked test set.

    Parameters
    ----------
    slide_ids
        Slides that were locked. All slides of their patients are, also later ones.
    fingerprints
        Their content ids (empty ones left out): a copy under another name is locked too.
    seed, share
        How the patients were drawn.
    locked_at
        ISO 8601 in UTC.
    openings
        Every look at it so far.
    """

    slide_ids: tuple[str, ...]
    fingerprints: tuple[str, ...]
    seed: int
    share: float
    locked_at: str
    openings: tuple[Opening, ...] = ()

    def slides(self, cohort: Cohort) -> tuple[SlideRecord, ...]:
        """Every slide of the cohort that is locked: by name, by content, or by patient."""
        names = set(self.slide_ids)
        # Also of slides that were opened for the first time after they were locked.
        later = {s.fingerprint for s in cohort if s.slide_id in names and s.fingerprint}
        contents = later | set(self.fingerprints)
        named = [s for s in cohort if s.slide_id in names or s.fingerprint in contents]
        groups = {s.group for s in named}
        return tuple(s for s in cohort if s.group in groups)


def read_locked_test(root: Path) -> LockedTest | None:
    """The test set of a project folder, or ``None`` if there is none.

    Raises
    ------
    ProjectError
        If the file is damaged: without it, test patients would be trained on.
    """
    try:
        data = json.loads((root / FILE).read_text(encoding="utf-8"))
        openings = tuple(Opening(str(o["time"]), str(o["version"])) for o in data["openings"])
        return LockedTest(
            tuple(map(str, data["slide_ids"])),
            tuple(map(str, data["fingerprints"])),
            int(data["seed"]),
            float(data["share"]),
            str(data["locked_at"]),
            openings,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise ProjectError(
            f"The locked test set ({FILE}) cannot be read.",
            "Restore the file from a copy. Nothing is trained until then.",
        ) from None


def locked_slide_ids(project: Project) -> frozenset[str]:
    """slide_ids of the cohort that are locked away; empty without a test set."""
    locked = read_locked_test(project.root)
    return frozenset(s.slide_id for s in locked.slides(project.cohort)) if locked else frozenset()


def locked_contents(project: Project) -> frozenset[str]:
    """Fingerprints of the locked slides, as far as they are known."""
    locked = read_locked_test(project.root)
    if locked is None:
        return frozenset()
    now = {s.fingerprint for s in locked.slides(project.cohort) if s.fingerprint}
    return frozenset({*locked.fingerprints, *now})


def lock_test_set(project: Project, share: float, seed: int = 0) -> LockedTest:
    """Choose test patients, stratified by subtype, and lock them away for good.

    Of each subtype ``round(share * n)`` of its n patients are drawn, at least one, but
    `LEFT_TO_TRAIN` stay. A patient with several subtypes counts for the rarest.

    Parameters
    ----------
    project
        A project without marks and without models: both would know the test patients.
    share
        Of the patients of each subtype, between 0 and 1.
    seed
        Of the draw.

    Raises
    ------
    ProjectError
        If there is a test set already, marks or models were made, the share leaves nothing
        to draw, or the folder cannot be written.
    """
    _check_untouched(project, share)
    usable = [s for s in project.cohort if s.label and not s.excluded]
    labels, groups = [s.label for s in usable], [s.group for s in usable]
    rng = np.random.default_rng(seed)
    drawn = _with_twins(usable, set(draw_patients(labels, groups, share, LEFT_TO_TRAIN, rng)))
    chosen = [s for s in project.cohort if s.group in drawn]
    if len({s.label for s in chosen if s.label}) < 2:
        raise ProjectError(
            "Too few patients are labelled for a test set with two subtypes.",
            f"A subtype needs {LEFT_TO_TRAIN + 1} patients; label more slides first.",
        )
    locked = LockedTest(
        tuple(s.slide_id for s in chosen),
        tuple(s.fingerprint for s in chosen if s.fingerprint),
        seed,
        share,
        _now(),
    )
    _write(project.root, locked)
    return locked


def _check_untouched(project: Project, share: float) -> None:
    from napari_lookalike.core.hard_negatives.outbox import whole_table

    project.check_writable()
    if not 0 < share < 1:
        raise ProjectError(f"The share {share:g} is not between 0 and 1.", "Say 0.2, for instance.")
    if read_locked_test(project.root) is not None:
        raise ProjectError("This project has a locked test set already.", "It is chosen once.")
    anew = "Make a new project from the same slides, and lock its test set first."
    if whole_table(project).rows():
        raise ProjectError("Slides were marked already: a test set chosen now is not unseen.", anew)
    if project.versions():
        raise ProjectError("Models were trained already, and have seen every patient.", anew)


def _with_twins(slides: list[SlideRecord], drawn: set[str]) -> set[str]:
    """The same patients, and those who hold a copy of one of their slides."""
    while True:
        contents = {s.fingerprint for s in slides if s.group in drawn and s.fingerprint}
        more = {s.group for s in slides if s.fingerprint in contents} | drawn
        if more == drawn:
            return drawn
        drawn = more


def record_opening(root: Path, version: str) -> LockedTest:
    """Count one more look at the test set; call it before the look.

    Raises
    ------
    ProjectError
        If there is no test set, or it cannot be written.
    """
    locked = read_locked_test(root)
    if locked is None:
        raise ProjectError(
            "This project has no locked test set.",
            "It is chosen with lock-test-set, before the first mark.",
        )
    locked = replace(locked, openings=(*locked.openings, Opening(_now(), version)))
    _write(root, locked)
    return locked


def _write(root: Path, locked: LockedTest) -> None:
    text = json.dumps(asdict(locked), indent=1)
    write_atomic(root / FILE, lambda p: _write_text(p, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
