"""Asking a model about a slide that is still being embedded; see `core.early`.

Importing this module does not import torch: the window looks at `glance` every two seconds.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lookalike.core.bags import bag_of
from napari_lookalike.core.early import EarlyAnswer, Said, compared
from napari_lookalike.core.embed.partial import partial_features
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.errors import LookalikeError, ModelError
from napari_lookalike.core.features import Features, read_header
from napari_lookalike.core.locked_test import read_locked_test
from napari_lookalike.core.model import FeatureSource, check_source
from napari_lookalike.core.pipeline.predict import LOCKED, ask_one, known_of_patient
from napari_lookalike.core.pipeline.training_data import named
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import SlideResult

if TYPE_CHECKING:
    from napari_lookalike.core.predictor import Predictor


@dataclass(frozen=True)
class Glance:
    """How far a slide is, as the disk tells.

    Parameters
    ----------
    written
        When its feature file was written, in nanoseconds; 0 if there is none.
    coverage
        Share of the slide's tiles in it; below 1 where a person stopped there. 0 if there is
        no feature file.
    stamp
        Changes with every part that is added; empty if there is no part.
    """

    written: int = 0
    coverage: float = 0.0
    stamp: tuple[int, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether a feature file is there."""
        return self.written > 0


def glance(project: Project, slide_id: str, before: Glance) -> Glance:
    """Look how far a slide is: cheap enough for every two seconds, but for a thread.

    Parameters
    ----------
    project
        The project.
    slide_id
        The slide.
    before
        What was seen before: a file that has not changed is not opened again.
    """
    if slide_id not in project.cohort:
        return Glance()
    try:
        path = project.features_path(slide_id)
    except LookalikeError:  # the encoder is unknown here, say: the Embed panel tells why
        return Glance()
    stamp = _stamp(parts_folder(path))
    try:
        written = path.stat().st_mtime_ns
    except OSError:
        return Glance(stamp=stamp)
    if written == before.written:
        return Glance(written, before.coverage, stamp)
    header = read_header(path)
    return Glance(stamp=stamp) if header is None else Glance(written, header.coverage, stamp)


def early_prediction(
    root: Path | str,
    version: str,
    slide_id: str,
    before: Said | None = None,
    *,
    job: Job = SILENT,
) -> EarlyAnswer | None:
    """Ask a model about the tiles of a slide that are embedded so far.

    A slide of the training cohort is answered by the fold's network that never saw its
    patient, as `predict_slides` does. Nothing is written.

    Parameters
    ----------
    root
        The project folder.
    version
        The model version; empty to look at the coverage only.
    slide_id
        The slide.
    before
        The gist of the early answer before this one, of the same slide and version.
    job
        Cancel.

    Returns
    -------
    EarlyAnswer or None
        ``None`` if no tile is there: not begun, or finished meanwhile. Where the model
        cannot be asked (it was trained on another encoder's features, its file is damaged,
        or the slide belongs to the locked test set) the answer has its coverage and says why.

    Raises
    ------
    ProjectError
        If the folder is no project any more.
    """
    project = Project.open(root)
    if slide_id not in project.cohort:
        return None
    path = project.features_path(slide_id)
    job.step(0, 2, f"Looking at the tiles of {slide_id}")
    if version:  # loaded while the first tiles are encoded: their answer is then there at once
        with contextlib.suppress(LookalikeError):  # told with the answer
            _predictor(project, version)
    if not parts_folder(path).is_dir():
        return None
    started = time.perf_counter()
    features = partial_features(path)
    if features is None or not 0 < features.coverage < 1:
        return None  # nothing yet, or finished while we looked
    found = EarlyAnswer(slide_id, features.coverage, features.grid, version)
    took = time.perf_counter() - started
    if version:
        job.step(1, 2, f"Asking the model about {slide_id}")
        try:
            _check_not_locked(project, features)
            predictor = _predictor(project, version)
            started = time.perf_counter()
            result = _asked(project, predictor, features)
        except LookalikeError as error:
            found = replace(found, obstacle=str(named(error, slide_id)))
        else:
            said = compared(result, len(features), before)
            found = replace(found, result=result, said=said)
            took += time.perf_counter() - started
    return replace(found, seconds=took)


def _check_not_locked(project: Project, features: Features) -> None:
    """Refuse a slide of the locked test set, also one that is known by its content only."""
    locked = read_locked_test(project.root)
    if locked is None:
        return
    record = project.cohort[features.slide_id]
    known = replace(record, fingerprint=record.fingerprint or features.fingerprint)
    if any(s.slide_id == known.slide_id for s in locked.slides(project.cohort.with_record(known))):
        raise ModelError(*LOCKED)


def _asked(project: Project, predictor: Predictor, features: Features) -> SlideResult:
    slide_id = features.slide_id
    check_source(predictor.model, FeatureSource.of(features), slide_id)
    same = known_of_patient(project, predictor.model, slide_id)
    return ask_one(predictor, bag_of(project.cohort[slide_id], features), same)


def _predictor(project: Project, version: str) -> Predictor:
    """The model of a version, kept: it is asked every few seconds."""
    from napari_lookalike.core.checkpoints import CARD

    project.check_version(version)
    folder = project.version_dir(version)
    try:
        written = (folder / CARD).stat().st_mtime_ns
    except OSError:
        written = 0  # `load_model` says what is wrong
    return _kept(folder, written)


@lru_cache(maxsize=1)
def _kept(folder: Path, written: int) -> Predictor:
    del written  # part of the key: a model that was written anew is read anew
    from napari_lookalike.core.checkpoints import load_model
    from napari_lookalike.core.predictor import Predictor

    return Predictor(load_model(folder))


def _stamp(folder: Path) -> tuple[int, ...]:
    """Number of parts, their size and the newest's time; empty without a folder."""
    count = size = newest = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    facts = entry.stat()
                except FileNotFoundError:  # small parts are merged while we look
                    continue
                count += 1
                size += facts.st_size
                newest = max(newest, facts.st_mtime_ns)
    except OSError:  # not begun, or finished while we looked
        return ()
    return (count, size, newest)
