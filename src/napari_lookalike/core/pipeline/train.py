"""Training a model version as a whole job.

Importing this module does not import torch: the window's process names these functions
and a process of its own runs them (`core.child`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.config_check import check_config
from napari_lookalike.core.encoders.adapter import read_adapter
from napari_lookalike.core.evaluation import compare, evaluate, most_confused, pair_figures
from napari_lookalike.core.hard_negatives import (
    HardNegativeTable,
    PairMark,
    PairWeights,
)
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.outbox import send_waiting
from napari_lookalike.core.heldout import named_pairs
from napari_lookalike.core.measures import Answers, every_figure
from napari_lookalike.core.model import CrossValidation, MilModel
from napari_lookalike.core.pipeline.decided import decided
from napari_lookalike.core.pipeline.evidence_control import note_effect, without_evidence
from napari_lookalike.core.pipeline.made import made_with, table_then
from napari_lookalike.core.pipeline.mark_weights import (
    MarkWeights,
    marked_pairs,
)
from napari_lookalike.core.pipeline.predict import PredictReport, ask, predict_slides
from napari_lookalike.core.pipeline.training_data import (
    TrainingData,
    folds_for,
    load_start,
    load_training_data,
)
from napari_lookalike.core.pipeline.version import write_version
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult, load_results
from napari_lookalike.core.thresholds import sentences

__all__ = ["PredictReport", "predict_slides", "train_project"]

MOST_CONFUSED = 3
"""So many pairs that nobody marked are evaluated besides the marked ones."""


def train_project(
    root: Path | str,
    config: TrainConfig,
    start_from: str | None = None,
    table_rows: Sequence[PairMark] | None = None,
    *,
    evidence: Sequence[EvidenceTile] | None = None,
    job: Job = SILENT,
) -> str:
    """Train a model version and write it, complete or not at all. It is not put in use.

    Slides without features, with features unlike most, and labels with one slide are
    left out of the training, each with a sentence in the card's ``notes``.

    Parameters
    ----------
    root
        The project folder.
    config
        How to train. Without ``start_from`` a model is first trained from scratch with
        cross-entropy; for another loss it is then fine-tuned.
    start_from
        Version to fine-tune. Its folds are kept, so no fold's network ever sees a
        patient that it will be asked about.
    table_rows
        Rows of the hard-negative table; ``None``: the project's. They choose the pairs
        that are evaluated; only the loss "expert" learns from them.
    evidence
        Evidence tiles; ``None``: the project's, and none where ``table_rows`` are given. Where
        any is learnt from, the folds are trained a second time without them, and the
        difference is in the metrics, under ``evidence``.
    job
        Progress and cancel; a cancelled training leaves nothing behind. Where it is asked to
        finish (`Job.finish`), what was learnt until then is judged and kept as a version.

    Returns
    -------
    str
        Name of the new version ("m003-expert"; "m003-expert-stopped").

    Raises
    ------
    TrainingError
        If the cohort cannot be trained as it is, or a setting means nothing.
    ModelError
        If ``start_from`` is not there, does not fit the features, or is damaged.
    TableError
        If the table cannot be read.
    ProjectError
        If the project cannot be written.
    """
    from napari_lookalike.core.predictor import Predictor

    check_config(config)
    project = Project.open(root)
    project.check_writable()
    send_waiting(project)
    table = HardNegativeTable(project.table_place)
    entries = len(table.log())
    rows = table.rows() if table_rows is None else table_rows
    if evidence is None:
        evidence = table.evidence() if table_rows is None else ()
    stages = 2 if start_from is None and config.loss != "ce" else 1
    data = load_training_data(project, _Label(job, stages))
    start = None if start_from is None else load_start(project, start_from, data)
    if start_from is not None:  # compared with in the end: if it cannot be, it is said now
        load_results(project.version_dir(start_from))
    folds, notes = folds_for(data, config, start)
    marks = MarkWeights(project, data, config, rows, folds, evidence)
    control = bool(marks.evidence.bags)
    work = job.part(0, 2) if control else job
    model: MilModel | None = None
    if stages == 2:
        model, cv = first_stage(data, config, folds, work.part(0, 2, "First stage, "))
        work = work.part(1, 2)
    if model is not None and model.config.stop_after:
        control = False  # stopped before anything was learnt from a mark
    else:
        start = start if model is None else model
        model, cv = train_stages(data, config, marks, folds, start, work)
    config = model.config
    stopped = _stopped_note(config, start_from is None and config.loss == "ce")
    pairs = marked_pairs(project.cohort, rows, data.classes, config.marks_rule)
    cv, thresholds = decided(cv, config, pairs)
    metrics = _metrics(project, cv, pairs, config.seed, start_from)
    card = marks.card()
    if control:
        rest = job.part(1, 2, "Without the evidence tiles, ")
        plain = without_evidence(data, config, marks, folds, start, rest)
        used = marks.evidence.n_tiles
        card["marks"].append(note_effect(metrics, plain, config, used, pairs))
    extras = {
        "loss": config.loss,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "start_from": start_from or "",
        "table_then": table_then(rows, entries if table_rows is None else None),
        "votes_then": {b.slide_id: dict(b.votes) for b in data.bags if b.votes},
        "made_with": made_with(config),
        "synthetic": project.cohort.synthetic,
        "tuned_encoder": read_adapter(project.settings.weights_path) is not None,
        "notes": [*stopped, *data.notes, *notes, *sentences(thresholds)],
        **card,
        **thresholds,
    }
    contents = {b.slide_id: b.content for b in data.bags}
    model = replace(model, extras=extras, contents=contents)
    job.step(1000 * stages, 1000 * stages, "Predicting every slide")
    slides = ask(Predictor(model), data.bags)
    metrics["measures"] = _measures(project, cv, slides, metrics, config.seed)
    kind = f"{config.loss}-stopped" if stopped else config.loss
    return write_version(project, kind, model, slides, metrics)


def _stopped_note(config: TrainConfig, from_scratch: bool) -> tuple[str, ...]:
    """What to know of a training that somebody stopped and kept."""
    if not config.stop_after:
        return ()
    planned = config.epochs if from_scratch else config.finetune_epochs
    return (
        f"Stopped after {config.stop_after} of {planned} passes, and kept: all networks, those "
        "of the folds too, had learnt as long.",
    )


def _measures(
    project: Project,
    cv: CrossValidation,
    slides: Mapping[str, SlideResult],
    metrics: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Further figures of the held-out slides, of the same pairs."""
    said = ModelResults("", cv.classes, slides, metrics)
    answers = Answers.of(said, {s.slide_id: s.site for s in project.cohort})
    return every_figure(answers, named_pairs(metrics["pairs"], cv.classes), seed)


class _Label(Job):
    """Passes on what is being done and the wish to stop, but holds the bar at its start."""

    def __init__(self, whole: Job, stages: int) -> None:
        super().__init__()
        self._whole, self._stages = whole, stages

    def step(self, done: int, total: int, what: str) -> None:
        """Report with the whole job's scale."""
        self._whole.step(0, 1000 * self._stages, f"{what} ({done + 1} of {total})")


def train_stages(
    data: TrainingData,
    config: TrainConfig,
    marks: MarkWeights,
    folds: NDArray[np.int64],
    start: MilModel | None,
    job: Job,
) -> tuple[MilModel, CrossValidation]:
    """One stage, or from scratch with another loss than cross-entropy: two.

    The same arguments give the same weights, on the same machine with the same software.
    """
    from napari_lookalike.core.training import train

    stages = 2 if start is None and config.loss != "ce" else 1
    if stages == 2:
        start, _ = first_stage(data, config, folds, job.part(0, 2, "First stage, "))
    return train(
        data.bags,
        data.classes,
        config,
        marks.all,
        marks.without_fold,
        folds,
        source=data.source,
        job=job.part(stages - 1, stages),
        start=start,
    )


def first_stage(
    data: TrainingData, config: TrainConfig, folds: NDArray[np.int64], job: Job
) -> tuple[MilModel, CrossValidation]:
    """From scratch with cross-entropy, without marks: what another loss starts from."""
    from napari_lookalike.core.training import train

    none = PairWeights.none(data.classes)
    return train(
        data.bags,
        data.classes,
        replace(config, loss="ce"),
        none,
        lambda _: none,
        folds,
        source=data.source,
        job=job,
    )


def _metrics(
    project: Project,
    cv: CrossValidation,
    marked: Sequence[tuple[str, str]],
    seed: int,
    start_from: str | None,
) -> dict[str, Any]:
    """Held-out figures of the marked and the most confused pairs, and against the former model."""
    metrics = evaluate(cv, marked, seed)
    metrics["marked_pairs"] = list(metrics["pairs"])
    metrics["pairs"] |= pair_figures(metrics, most_confused(metrics, MOST_CONFUSED), seed)
    if start_from is not None:
        before = load_results(project.version_dir(start_from)).metrics
        metrics["comparison"] = {"before": start_from, **compare(before, metrics, marked, seed)}
    return metrics
