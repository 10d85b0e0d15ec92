"""Asking a model version about slides, as a whole job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lookalike.core.bags import Bag, bag_of
from napari_lookalike.core.errors import LookalikeError, ModelError
from napari_lookalike.core.locked_test import locked_slide_ids
from napari_lookalike.core.model import FeatureSource, MilModel, check_source
from napari_lookalike.core.pipeline.training_data import named
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import SlideResult, load_results, save_results
from napari_lookalike.core.results_here import content_here

if TYPE_CHECKING:
    from napari_lookalike.core.predictor import Predictor


LOCKED = (
    "It belongs to the locked test set, which is not predicted.",
    "Open the test set with the command report, if it is time.",
)
"""What happened and what to do, where somebody asks about a slide that was put away."""


@dataclass(frozen=True)
class PredictReport:
    """What came of `predict_slides`.

    Parameters
    ----------
    predicted
        slide_ids that have a result now.
    problems
        A sentence for each slide that has none.
    coverage
        slide_id -> share of its tiles that were asked about, of each in ``predicted``;
        below 1 where a person stopped the embedding.
    """

    predicted: tuple[str, ...]
    problems: tuple[str, ...] = ()
    coverage: Mapping[str, float] = field(default_factory=dict)


def ask(predictor: Predictor, bags: Sequence[Bag]) -> dict[str, SlideResult]:
    """What the model says of each bag: held out where it was trained on the patient."""
    return {
        b.slide_id: ask_one(predictor, b, tuple(o.slide_id for o in bags if o.group == b.group))
        for b in bags
    }


def ask_one(predictor: Predictor, bag: Bag, same_patient: tuple[str, ...]) -> SlideResult:
    """What the model says of one bag; ``same_patient`` are the slides of its patient.

    A slide that only has the name of one that the model was trained beside is a new one.
    """
    name = bag.slide_id
    if not predictor.model.is_other(name, bag.content):
        said = predictor.predict(bag.instances, name, same_patient)
    else:
        others = tuple(s for s in same_patient if s != name)
        said = predictor.predict(bag.instances, None, others)
    return SlideResult(
        bag.slide_id,
        said.probabilities,
        said.embedding,
        said.attention_logits,
        said.held_out,
        said.fold,
        said.unlike,
        bag.content,
    )


def known_of_patient(project: Project, model: MilModel, slide_id: str) -> tuple[str, ...]:
    """The patient's slides, without those that the model knows another slide by the name of."""
    patient = project.cohort.by_group[project.cohort[slide_id].group]
    return tuple(
        s.slide_id
        for s in patient
        if s.slide_id not in model.contents
        or not model.is_other(s.slide_id, content_here(project, s.slide_id))
    )


def predict_slides(
    root: Path | str, version: str, slide_ids: Sequence[str], *, job: Job = SILENT
) -> PredictReport:
    """Ask a model version about slides, and add what it says to its results.

    A slide that cannot be predicted is named in the report; the others go on. Results
    are written once, at the end: a cancelled job changes nothing.

    Parameters
    ----------
    root
        The project folder.
    version
        The model version.
    slide_ids
        Embedded slides; a slide that has a result already gets a new one.
    job
        Progress and cancel.

    Raises
    ------
    ModelError
        If the version is missing or damaged.
    ProjectError
        If the project cannot be written.
    """
    from napari_lookalike.core.checkpoints import load_model
    from napari_lookalike.core.predictor import Predictor

    project = Project.open(root)
    project.check_writable()
    project.check_version(version)
    folder = project.version_dir(version)
    predictor = Predictor(load_model(folder))
    results = load_results(folder)
    slides, problems = dict(results.slides), []
    locked = locked_slide_ids(project)
    coverage: dict[str, float] = {}
    for i, slide_id in enumerate(slide_ids):
        job.step(i, len(slide_ids), f"Predicting slide {slide_id}")
        try:
            if slide_id in locked:
                raise ModelError(*LOCKED)
            slides[slide_id], coverage[slide_id] = _asked(project, predictor, slide_id)
        except LookalikeError as error:
            problems.append(str(named(error, slide_id)))
    if coverage:
        save_results(folder, replace(results, slides=slides))
    return PredictReport(tuple(coverage), tuple(problems), coverage)


def _asked(project: Project, predictor: Predictor, slide_id: str) -> tuple[SlideResult, float]:
    """What the model says of a slide, and of which share of its tiles."""
    record = project.cohort[slide_id]
    features = project.load_features(slide_id)
    check_source(predictor.model, FeatureSource.of(features), slide_id)
    same = known_of_patient(project, predictor.model, slide_id)
    return ask_one(predictor, bag_of(record, features), same), features.coverage
