"""Training a version again from what it noted, to see whether the same comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import ProjectError, TrainingError
from napari_lookalike.core.hard_negatives import HardNegativeTable, version_of
from napari_lookalike.core.model import CrossValidation, MilModel, Network
from napari_lookalike.core.pipeline.decided import decided
from napari_lookalike.core.pipeline.made import made_with, table_as_it_was
from napari_lookalike.core.pipeline.mark_weights import MarkWeights, marked_pairs
from napari_lookalike.core.pipeline.train import train_stages
from napari_lookalike.core.pipeline.training_data import (
    TrainingData,
    load_start,
    load_training_data,
)
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.version_list import read_card


@dataclass(frozen=True)
class Reproduction:
    """What came of training a version again.

    Parameters
    ----------
    version
        The version.
    same
        Whether every weight of every network came out the same, to the last bit.
    networks, numbers
        How many networks and weights were compared.
    differ
        How many weights are not the same.
    largest
        The largest absolute difference of two weights.
    answers
        Held-out slides that the networks trained again call by another name.
    marks
        Active marks of the table as it was.
    table_version
        Its version.
    changed
        What is not as it was then, in sentences: why weights may differ.
    """

    version: str
    same: bool
    networks: int
    numbers: int
    differ: int
    largest: float
    answers: tuple[str, ...]
    marks: int
    table_version: str
    changed: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """In a sentence for a person."""
        if self.same:
            return (
                f"{self.version} came out the same, to the last bit: {self.numbers} weights of "
                f"{self.networks} networks."
            )
        said = (
            f"{self.version} did not come out the same: {self.differ} of {self.numbers} weights "
            f"differ, by {self.largest:.2g} at most. "
        )
        if not self.answers:
            return f"{said}No held-out prediction changed."
        return f"{said}Held-out predictions that changed: {', '.join(self.answers)}."


def reproduce_version(root: Path | str, version: str, *, job: Job = SILENT) -> Reproduction:
    """Train a version again and compare; nothing is written.

    Used are the version's own configuration, seeds, folds, labels and start model, the
    slides that it was trained on, and the table as it was, replayed from its log.

    Parameters
    ----------
    root
        The project folder.
    version
        The version to train again.
    job
        Progress and cancel.

    Raises
    ------
    ModelError
        If the version or the one that it was fine-tuned from is not there or damaged, or the
        features are others now.
    TrainingError
        If a slide that it learnt from cannot be used any more; named with the reason.
    TableError
        If the table as it was cannot be told from its log.
    ProjectError
        If a slide that it learnt from is no longer in the project.
    """
    from napari_lookalike.core.checkpoints import load_model

    project = Project.open(root)
    project.check_version(version)
    model = load_model(project.version_dir(version))
    _, metrics = read_card(project.version_dir(version))
    log = HardNegativeTable(project.table_place).log()
    rows, tiles = table_as_it_was(log, {"table_version": model.table_version, **model.extras})
    held, present = metrics["slides"], project.cohort
    # Only in here, never saved: labels and slides as they were.
    project.cohort = cohort_as_it_was(present, model, held)
    data = load_training_data(project, job.part(0, 20))
    votes = model.extras.get("votes_then", {})
    bags = tuple(replace(bag, votes=votes.get(bag.slide_id, {})) for bag in data.bags)
    data = replace(data, bags=bags)
    _check_data(data, model)
    folds = np.array([model.folds.get(b.slide_id, -1) for b in data.bags], np.int64)
    parent = str(model.extras.get("start_from", ""))
    start = load_start(project, parent, data) if parent else None
    config = model.config
    marks = MarkWeights(project, data, config, rows, folds, tiles)
    if start is None and config.loss != "ce":
        # Somebody who ended a training early ended its second stage: the first was whole.
        first = replace(config, loss="ce", stop_after=0)
        no_marks = MarkWeights(project, data, first, (), folds)
        start, _ = train_stages(data, first, no_marks, folds, None, job.part(0, 2))
        job = job.part(1, 2)
    again, cv = train_stages(data, config, marks, folds, start, job)
    marked = marked_pairs(project.cohort, rows, data.classes, config.marks_rule)
    cv, _ = decided(cv, config, marked)
    changed = _software(model)
    if not _same_patients(present, held):
        changed.append("Some slides belong to other patients now; those of then were used.")
    table = version_of(rows), sum(row.active for row in rows)
    return _compared(version, (model, again), _answers(cv, held), table, tuple(changed))


def cohort_as_it_was(cohort: Cohort, model: MilModel, held: Mapping[str, Any]) -> Cohort:
    """The slides that a version was trained on, with the labels and patients that they had.

    Parameters
    ----------
    cohort
        As it is now: it still gives files, patients and centres.
    model
        The version.
    held
        Its ``metrics["slides"]``.

    Raises
    ------
    ProjectError
        If one is no longer there.
    """
    classes = held["classes"]
    label = {s: classes[y] for s, y in zip(held["slide_ids"], held["true"], strict=True)}
    gone = [s for s in model.folds if s not in cohort]
    if gone:
        raise ProjectError(
            f"{', '.join(gone)} had a part in the training and is no longer in the project.",
            "Add the slide again under its name, with its features.",
        )
    records = [replace(cohort[s], label=label.get(s, ""), excluded=False) for s in model.folds]
    if not _same_patients(cohort, held):
        patient = dict(zip(held["slide_ids"], held["patient"], strict=True))
        records = [
            replace(r, patient_id=f"patient {patient[r.slide_id]}") if r.slide_id in patient else r
            for r in records
        ]
    return replace(cohort, slides=tuple(records))


def _check_data(data: TrainingData, model: MilModel) -> None:
    there = {b.slide_id for b in data.bags if b.label}
    missing = [s for s in model.train_slide_ids if s not in there]
    if missing:
        why = next((n for n in data.notes if missing[0] in n), "It has no features that fit.")
        raise TrainingError(
            f"The training cannot be repeated without this slide. {why}",
            "Bring its features back, as they were.",
            missing[0],
        )


def _software(model: MilModel) -> list[str]:
    """What computes otherwise than it did."""
    then = model.extras.get("made_with")
    if not then:
        return ["The version did not note with which software it was trained."]
    now = made_with(model.config)
    return [
        f"{name}: {then[name]} then, {now[name]} now."
        for name in now
        if name in then and then[name] != now[name]
    ]


def _same_patients(cohort: Cohort, held: Mapping[str, Any]) -> bool:
    """Whether held-out slides are shared out to patients as they were."""
    pairs = {(cohort[s].group, p) for s, p in zip(held["slide_ids"], held["patient"], strict=True)}
    return len({g for g, _ in pairs}) == len({p for _, p in pairs}) == len(pairs)


def _compared(
    version: str,
    models: tuple[MilModel, MilModel],
    answers: tuple[str, ...],
    table: tuple[str, int],
    changed: tuple[str, ...],
) -> Reproduction:
    numbers = differ = 0
    largest = 0.0
    networks = _networks(models[0])
    for one, two in zip(networks, _networks(models[1]), strict=True):
        for a, b in _arrays(one, two):
            unlike = ~((a == b) | (np.isnan(a) & np.isnan(b)))
            numbers, differ = numbers + a.size, differ + int(unlike.sum())
            if unlike.any():
                largest = max(largest, float(np.abs(a - b)[unlike].max()))
    return Reproduction(
        version,
        same=differ == 0,
        networks=len(networks),
        numbers=numbers,
        differ=differ,
        largest=largest,
        answers=answers,
        marks=table[1],
        table_version=table[0],
        changed=changed,
    )


def _networks(model: MilModel) -> Sequence[Network]:
    return (model.final, *model.fold_networks)


def _arrays(one: Network, two: Network) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Pairs of arrays to compare: the weights, and the normalisation of features."""
    pairs = [(np.asarray(one.state[k]), np.asarray(two.state[k])) for k in one.state]
    pairs += [(one.mean, two.mean), (one.std, two.std)]
    return [(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs]


def _answers(cv: CrossValidation, held: Mapping[str, Any]) -> tuple[str, ...]:
    classes = held["classes"]
    now = {
        s: cv.classes[int(p.argmax())] for s, p in zip(cv.slide_ids, cv.probabilities, strict=True)
    }
    then = dict(zip(held["slide_ids"], held["predicted"], strict=True))
    return tuple(s for s, y in then.items() if s in now and now[s] != classes[y])
