"""Figures to read beside a map, all of them measured in the embedding space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_lookalike.core.evaluation import pair_figures
from napari_lookalike.core.measures.answers import Answers
from napari_lookalike.core.measures.centre_pairs import CentreLink, centre_links
from napari_lookalike.core.measures.geometry import geometry_figures
from napari_lookalike.core.measures.robustness import robustness_figures
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.projection import neighbour_change
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.results_here import results_here

MOST_NUMBERS, MOST_SLIDES, LEAST_SLIDES = 20_000_000, 2_000, 300
"""Neighbours take slides squared, the bootstrap slides x subtypes x embedding: above that,
patients are drawn."""
NEAREST_PAIRS = 6
"""So many pairs of subtypes are looked at besides the marked ones: those that lie nearest."""
NEIGHBOURS = 5

Pair = tuple[str, str]


@dataclass(frozen=True)
class Movement:
    """What a fine-tuning moved.

    Parameters
    ----------
    changed
        Median share of a slide's five nearest slides that are others now.
    most
        (slide_id, share) of the slides whose neighbours changed most, at most five.
    margins
        Pair "a | b" -> (before, after): how much nearer held-out slides of the two are to
        their own subtype, in cosine.
    """

    changed: float
    most: tuple[tuple[str, float], ...] = ()
    margins: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class MapFigures:
    """All of them.

    Parameters
    ----------
    version
        Whose map.
    slides, of
        How many held-out slides were measured, of how many.
    geometry, robustness
        As `measures.geometry` and `measures.robustness` give them.
    centres
        What the centre has to do with pairs that lie near each other.
    movement
        Against the model before; ``None`` without one.
    """

    version: str
    slides: int
    of: int
    geometry: dict[str, Any]
    robustness: dict[str, Any]
    centres: tuple[CentreLink, ...]
    movement: Movement | None = None


def map_figures(
    root: Path | str,
    version: str,
    before: str = "",
    pairs: Iterable[Pair] = (),
    seed: int = 0,
    *,
    job: Job = SILENT,
) -> MapFigures:
    """Measure a version's held-out slides.

    Parameters
    ----------
    root
        The project folder.
    version
        The model version.
    before
        The version before a fine-tuning; empty = there is none.
    pairs
        Marked pairs of subtypes.
    seed
        Of the bootstrap, and of what is drawn where there are too many slides.
    job
        Progress and cancel.

    Raises
    ------
    ModelError
        If a version has no results, or no held-out answers; train again with folds.
    """
    project = Project.open(root)
    results = results_here(project, version)
    site_of = {record.slide_id: record.site for record in project.cohort}
    whole = Answers.of(results, site_of)
    answers = at_most(whole, seed)
    marked = list(pairs)
    job.step(0, 3, "Measuring how subtypes lie")
    draws = answers.held.draws(seed)
    everyone = _all_pairs(answers.held.classes)
    geometry = geometry_figures(answers, everyone, draws)
    job.step(1, 3, "Measuring what the centre does")
    near = [*marked, *nearest_pairs(geometry)]
    robustness = robustness_figures(answers, draws)
    centres = centre_links(answers, near, seed)
    job.step(2, 3, "Measuring what moved")
    movement = None
    if before:
        movement = movement_of(results_here(project, before), results, marked, seed)
    n, of = len(answers.held.y), len(whole.held.y)
    return MapFigures(version, n, of, geometry, robustness, centres, movement)


def at_most(answers: Answers, seed: int) -> Answers:
    """The answers, or those of as many whole patients as can be measured in seconds."""
    n, dim = answers.embeddings.shape
    size = MOST_NUMBERS // max(1, dim * len(answers.held.classes))
    most = int(np.clip(size, LEAST_SLIDES, MOST_SLIDES))
    if n <= most:
        return answers
    held = answers.held
    order = np.random.default_rng(seed).permutation(int(held.patient.max()) + 1)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    rows = np.sort(np.argsort(rank[held.patient], kind="stable")[:most])
    part = replace(
        held,
        slide_ids=tuple(held.slide_ids[i] for i in rows.tolist()),
        patient=np.unique(held.patient[rows], return_inverse=True)[1].astype(np.int64),
        y=held.y[rows],
        predicted=held.predicted[rows],
        similarity=held.similarity[rows],
    )
    return Answers(
        part,
        answers.probabilities[rows],
        answers.embeddings[rows],
        answers.fold[rows],
        tuple(answers.centre[i] for i in rows.tolist()),
    )


def _all_pairs(classes: tuple[str, ...]) -> list[Pair]:
    return [(a, b) for i, a in enumerate(classes) for b in classes[i + 1 :]]


def nearest_pairs(geometry: dict[str, Any]) -> list[Pair]:
    """The pairs whose middles lie nearest, nearest first."""
    found = [
        (figures["separation"], name)
        for name, figures in geometry["pairs"].items()
        if figures["separation"] is not None
    ]
    pairs = [tuple(name.split(" | ", 1)) for _, name in sorted(found)[:NEAREST_PAIRS]]
    return [(a, b) for a, b in pairs]


def movement_of(
    before: ModelResults, after: ModelResults, pairs: Iterable[Pair], seed: int
) -> Movement | None:
    """What moved between two models; ``None`` with fewer than three slides in both."""
    both_have = [s for s in after.slides if s in before.slides]
    if len(both_have) > MOST_SLIDES:
        order = np.random.default_rng(seed).permutation(len(both_have))[:MOST_SLIDES]
        both_have = [both_have[i] for i in order.tolist()]
    was, now = (replace(r, slides={s: r.slides[s] for s in both_have}) for r in (before, after))
    changed = neighbour_change(was, now, NEIGHBOURS)
    if not changed:
        return None
    most = sorted(changed.items(), key=lambda item: (-item[1], item[0]))[:5]
    pairs = list(pairs)
    both = [pair_figures(r.metrics, pairs, seed) for r in (before, after) if "slides" in r.metrics]
    margins = {}
    if len(both) == 2:
        for name in both[0]:
            first, second = (figures[name]["margin"]["value"] for figures in both)
            if first is not None and second is not None:
                margins[name] = (float(first), float(second))
    median = float(np.median(list(changed.values())))
    return Movement(median, tuple((s, v) for s, v in most if v > 0), margins)
