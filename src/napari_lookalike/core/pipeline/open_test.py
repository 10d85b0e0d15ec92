"""Opening the locked test set for a model version: counted, then answered by its final network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.errors import FeatureError, ModelError
from napari_lookalike.core.evaluation import evaluate
from napari_lookalike.core.heldout import unit
from napari_lookalike.core.locked_test import LockedTest, read_locked_test, record_opening
from napari_lookalike.core.measures import Answers, every_figure
from napari_lookalike.core.model import (
    CrossValidation,
    FeatureSource,
    MilModel,
    Prediction,
    check_source,
)
from napari_lookalike.core.pipeline.training_data import named
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult


def open_test_set(root: Path | str, version: str, *, job: Job = SILENT) -> dict[str, Any]:
    """Ask a version's final network about the locked test set, once more.

    The opening is counted before anything is computed, and is counted also if the
    computation then fails or is cancelled.

    Parameters
    ----------
    root
        The project folder.
    version
        A model version that was trained while the test set was locked.
    job
        Progress and cancel.

    Returns
    -------
    dict
        JSON values: ``balanced_accuracy``, ``macro_f1``, ``accuracy``, ``mcc``,
        ``macro_auc``, ``ece``, ``per_class_recall``, ``confusion_matrix``, ``n_slides``,
        ``n_patients``, ``measures`` and ``notes`` (slides that could not be asked about).

    Raises
    ------
    ProjectError
        If there is no test set, or the opening cannot be written down.
    ModelError
        If the version is missing or damaged, or learnt from a slide of the test set; or if
        no slide of the test set can be asked about.
    """
    from napari_lookalike.core.checkpoints import load_model
    from napari_lookalike.core.predictor import Predictor

    project = Project.open(root)
    project.check_writable()
    project.check_version(version)
    model = load_model(project.version_dir(version))
    locked = read_locked_test(project.root)
    if locked is not None:  # else record_opening says so
        _check_unseen(project, model, locked)
    locked = record_opening(project.root, version)
    bags, notes = _bags(project, model, locked, job)
    if not bags:
        raise ModelError(
            "No slide of the locked test set can be asked about.", "Embed its slides first."
        )
    predictor = Predictor(model)
    said = []
    for i, bag in enumerate(bags):
        job.step(i, len(bags), f"Test set, slide {bag.slide_id}")
        said.append(predictor.predict(bag.instances))
    job.step(len(bags), len(bags), "Figures of the test set")
    return {**_figures(project, model, bags, said), "notes": notes}


def _check_unseen(project: Project, model: MilModel, locked: LockedTest) -> None:
    away = {s.slide_id for s in locked.slides(project.cohort)} | set(locked.slide_ids)
    networks = (model.final, *model.fold_networks)
    seen = sorted({s for n in networks for s in n.train_slide_ids} & away)
    if seen:
        raise ModelError(
            "This model learnt from it, and it belongs to the locked test set.",
            "Train a new model from scratch.",
            seen[0],
        )


def _bags(
    project: Project, model: MilModel, locked: LockedTest, job: Job
) -> tuple[list[Bag], list[str]]:
    bags, notes = [], []
    records = [r for r in locked.slides(project.cohort) if r.label and not r.excluded]
    for i, record in enumerate(records):
        job.step(i, len(records), f"Loading features of slide {record.slide_id}")
        if record.label not in model.classes:
            notes.append(f"{record.slide_id}: the model does not know {record.label}.")
            continue
        try:
            features = project.load_features(record.slide_id)
            check_source(model, FeatureSource.of(features), record.slide_id)
        except (FeatureError, ModelError) as error:
            notes.append(str(named(error, record.slide_id)))
            continue
        bags.append(
            Bag(record.slide_id, record.group, features.instances, record.label, record.site)
        )
    return bags, notes


def _figures(
    project: Project, model: MilModel, bags: Sequence[Bag], said: Sequence[Prediction]
) -> dict[str, Any]:
    n = len(bags)
    p = np.stack([s.probabilities for s in said])
    z = np.stack([s.embedding for s in said])
    cv = CrossValidation(
        classes=model.classes,
        slide_ids=tuple(b.slide_id for b in bags),
        groups=tuple(b.group for b in bags),
        y=np.array([model.classes.index(b.label) for b in bags], np.int64),
        fold=np.zeros(n, np.int64),
        probabilities=p,
        embeddings=z,
        aligned=z,
        class_means=_class_means(project, model)[None],
        attention_logits=(),
        distances=np.array([s.distance for s in said], np.float32),
        networks=(),
    )
    metrics = evaluate(cv, seed=model.config.seed)
    slides = {
        b.slide_id: SlideResult(
            b.slide_id, s.probabilities, s.embedding, s.attention_logits, True, 0
        )
        for b, s in zip(bags, said, strict=True)
    }
    results = ModelResults("", model.classes, slides, metrics)
    answers = Answers.of(results, {b.slide_id: b.site for b in bags})
    more = every_figure(answers, (), model.config.seed)
    kept = ("balanced_accuracy", "macro_f1", "accuracy", "mcc", "per_class_recall")
    return {
        **{name: metrics[name] for name in (*kept, "confusion_matrix", "n_slides", "n_patients")},
        "macro_auc": more["macro_auc"],
        "ece": more["calibration"]["before"]["ece"],
        "measures": more,
    }


def _class_means(project: Project, model: MilModel) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(n_classes, embed_dim) of the final network's training slides, by their present labels."""
    means = np.full((len(model.classes), model.embed_dim), np.nan, np.float32)
    labels = [project.cohort[s].label if s in project.cohort else "" for s in model.train_slide_ids]
    for i, name in enumerate(model.classes):
        mine = np.array([label == name for label in labels])
        if mine.any():
            means[i] = unit(model.train_embeddings[mine].mean(axis=0).astype(np.float64))
    return means
