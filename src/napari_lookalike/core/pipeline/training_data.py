"""What a training reads of a project: bags, classes, folds, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag, bag_of
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.duplicates import content_of, joined
from napari_lookalike.core.errors import FeatureError, LookalikeError, TrainingError
from napari_lookalike.core.features import Features
from napari_lookalike.core.folds import fold_notes, make_folds
from napari_lookalike.core.locked_test import locked_contents, locked_slide_ids
from napari_lookalike.core.model import FeatureSource, MilModel, check_source
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.votes import load_votes

MAP_FROM = 1 << 30
"""Feature files of more bytes than this in all stay on the disk and are mapped into memory.
Smaller cohorts are read: a network drive that goes away then harms no training."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training reads of a project.

    Parameters
    ----------
    bags
        Every slide that the model can be asked about. A bag whose label is not in
        ``classes`` has an empty label: it is predicted, not trained on.
    classes
        Labels with at least two slides, sorted.
    source
        Which features the bags hold.
    notes
        What was left out and why, in sentences.
    locked
        slide_ids of the locked test set: no bag of them is here.
    """

    bags: tuple[Bag, ...]
    classes: tuple[str, ...]
    source: FeatureSource
    notes: tuple[str, ...]
    locked: frozenset[str] = frozenset()


def load_training_data(project: Project, job: Job = SILENT) -> TrainingData:
    """Features and labels of every slide that is not excluded.

    Slides without features, with features unlike those of most others, and labels with
    one slide are left out of the training with a note; the rest goes on. The locked test
    set is not read. Copies of a slide under several names share a group.

    Raises
    ------
    TrainingError
        If no slide has features, fewer than two subtypes have two slides, or copies of a
        slide have different labels.
    ProjectError
        If the locked test set cannot be read.
    """
    locked = locked_slide_ids(project)
    records = [r for r in project.cohort if not r.excluded and r.slide_id not in locked]
    found: list[tuple[Bag, FeatureSource]] = []
    notes = [_locked_note(project, locked)] if locked else []
    contents: dict[str, str] = {}
    votes = load_votes(project.root)
    hidden = locked_contents(project)
    mapped = _size(project, [r.slide_id for r in records]) > MAP_FROM
    for i, record in enumerate(records):
        job.step(i, len(records), f"Loading features of slide {record.slide_id}")
        try:
            features = project.load_features(record.slide_id, mapped=mapped)
            _check_instances(features)
        except FeatureError as error:
            notes.append(f"Not used: {named(error, record.slide_id)}")
            continue
        if features.fingerprint and features.fingerprint in hidden:
            notes.append(
                f"Not used: {record.slide_id} is a copy of a slide of the locked test set."
            )
            continue
        if features.coverage < 1:
            notes.append(
                f"{record.slide_id} counts with {features.coverage:.0%} of its tiles: its "
                "embedding was stopped there."
            )
        bag = replace(bag_of(record, features), votes=votes.get(record.slide_id, {}))
        contents[bag.slide_id] = content_of(record.fingerprint or features.fingerprint, bag)
        found.append((bag, FeatureSource.of(features)))
    if not found:
        raise TrainingError("No slide has features yet.", "Embed the slides first.")
    usual = Counter(source for _, source in found).most_common(1)[0][0]
    odd = [bag.slide_id for bag, source in found if source != usual]
    if odd:
        notes.append(
            f"Not used: the tiles of {', '.join(odd)} were cut or encoded otherwise than most."
        )
    alike, copies = joined([bag for bag, source in found if source == usual], contents)
    bags, classes, more = _trainable(alike)
    return TrainingData(bags, classes, usual, (*notes, *copies, *more), locked)


def _size(project: Project, slide_ids: Sequence[str]) -> int:
    """Bytes of the feature files that are there."""
    files = (project.features_path(slide_id) for slide_id in slide_ids)
    return sum(file.stat().st_size for file in files if file.is_file())


def _locked_note(project: Project, locked: frozenset[str]) -> str:
    patients = len({project.cohort[s].group for s in locked})
    return (
        f"{len(locked)} slides of {patients} patients are the locked test set: not trained on "
        "and not predicted."
    )


def named(error: LookalikeError, slide_id: str) -> LookalikeError:
    """The same error with the slide's name, which a reader of files does not know."""
    return type(error)(error.what, error.remedy, error.slide or slide_id)


def _check_instances(features: Features) -> None:
    """Refuse what would spoil the training of all other slides."""
    if not len(features.instances):
        raise FeatureError("It has no tiles.", "Exclude it.", features.slide_id)
    if not np.isfinite(features.instances.sum(dtype=np.float64)):
        raise FeatureError(
            "Its features are not all numbers.", "Embed it again.", features.slide_id
        )


def _trainable(bags: Sequence[Bag]) -> tuple[tuple[Bag, ...], tuple[str, ...], tuple[str, ...]]:
    """Bags without the labels that have one slide; the classes; notes."""
    counts = Counter(b.label for b in bags if b.label)
    classes = tuple(sorted(name for name, n in counts.items() if n >= 2))
    single = sorted(name for name, n in counts.items() if n == 1)
    notes = tuple(
        f"{name} has one slide: it is predicted, not trained on. Label another slide of it."
        for name in single
    )
    if len(classes) < 2:
        raise TrainingError(
            f"{'Only one subtype' if classes else 'No subtype'} has two embedded slides or more.",
            "Label at least two slides of at least two subtypes, and embed them.",
        )
    kept = tuple(b if b.label in classes else replace(b, label="") for b in bags)
    return kept, classes, notes


def folds_for(
    data: TrainingData, config: TrainConfig, start: MilModel | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Fold of every bag, and what to know of them."""
    labels = [b.label for b in data.bags]
    groups = [b.group for b in data.bags]
    patients = len({g for g, label in zip(groups, labels, strict=True) if label})
    k = max(2, min(config.folds, patients))
    notes = [] if k == config.folds else [f"{k} folds, because there are {patients} patients."]
    fresh = make_folds(labels, groups, k, config.seed)
    folds = fresh if start is None else _kept_folds(data, fresh, start)
    return folds, (*notes, *fold_notes(labels, groups, folds))


def load_start(project: Project, version: str, data: TrainingData) -> MilModel:
    """The version to fine-tune.

    Raises
    ------
    ModelError
        If it is missing, damaged, or was trained on other features.
    TrainingError
        If it learnt from the locked test set.
    """
    from napari_lookalike.core.checkpoints import load_model

    project.check_version(version)
    start = load_model(project.version_dir(version))
    check_source(start, data.source)
    seen = sorted(data.locked & set(start.train_slide_ids))
    if seen:
        raise TrainingError(
            "The model was trained on it, and it belongs to the locked test set.",
            "Train a new model from scratch.",
            seen[0],
        )
    return start


def _kept_folds(data: TrainingData, fresh: NDArray[np.int64], start: MilModel) -> NDArray[np.int64]:
    """The folds of the model that is fine-tuned; new patients are dealt to the smallest."""
    if start.classes != data.classes:
        raise TrainingError(
            f"Model and cohort differ in their subtypes: {', '.join(start.classes)} against "
            f"{', '.join(data.classes)}.",
            "Train a new model from scratch.",
        )
    k = len(start.fold_networks)
    of_group: dict[str, int] = {}
    for bag in data.bags:
        if bag.slide_id in start.folds:
            of_group.setdefault(bag.group, start.folds[bag.slide_id])
    sizes = Counter(of_group.values())
    for bag, fold in zip(data.bags, fresh, strict=True):
        if bag.group not in of_group and fold >= 0:
            smallest = min(range(k), key=lambda i: (sizes[i], i))
            of_group[bag.group] = smallest
            sizes[smallest] += 1
    folds = [start.folds.get(b.slide_id, of_group.get(b.group, -1)) for b in data.bags]
    _check_crossing(data, folds)
    _check_same_slides(data, start)
    return np.array(folds, np.int64)


def _check_crossing(data: TrainingData, folds: Sequence[int]) -> None:
    """Refuse a patient (or a slide under two names) that lies on both sides of a fold."""
    first: dict[str, tuple[str, int]] = {}
    for bag, fold in zip(data.bags, folds, strict=True):
        other, before = first.setdefault(bag.group, (bag.slide_id, fold))
        if before != fold:
            raise TrainingError(
                f"{other} and {bag.slide_id} belong to one patient (or are one slide), but the "
                "model that is fine-tuned learnt from one while it was asked about the other.",
                "Train a new model from scratch.",
            )


def _check_same_slides(data: TrainingData, start: MilModel) -> None:
    """Refuse a model that was trained on other slides under the names of these."""
    others = [b.slide_id for b in data.bags if start.is_other(b.slide_id, b.content)]
    if others:
        more = f", nor of {len(others) - 1} more" if len(others) > 1 else ""
        raise TrainingError(
            "The model that is fine-tuned learnt from another slide that is called the same: its "
            f"folds say nothing of this one{more}.",
            "Train a new model from scratch.",
            others[0],
        )
