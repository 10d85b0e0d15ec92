"""Everything that the queue, the coverage and the review list are made of, in one look."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.locked_test import locked_slide_ids
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.suggest.confused import confusion_matrix
from napari_lookalike.core.suggest.find import find_hints
from napari_lookalike.core.suggest.material import gather, usable
from napari_lookalike.core.suggest.review import Method, ReviewPlan, review_next
from napari_lookalike.core.suggest.textbook import Textbook, read_textbook
from napari_lookalike.core.suggest.types import Hints

BUDGET = 10
"""Slides to review next, at a time."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in a project.

    Parameters
    ----------
    hints
        What speaks for pairs.
    classes, matrix
        The confusion matrix of the held-out slides that may be shown; empty without a model.
    review
        What to review next; empty without a model.
    textbook
        The table of textbook look-alikes in use.
    labels
        slide_id -> label of labelled slides that may be suggested.
    """

    hints: Hints
    classes: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    review: ReviewPlan
    textbook: Textbook
    labels: dict[str, str]


def look(
    project: Project,
    cohort: Cohort,
    results: ModelResults | None,
    *,
    budget: int = BUDGET,
    method: Method = "entropy",
    seed: int = 0,
) -> Found:
    """Look for pairs and for slides to review; seconds for ten thousand slides.

    Parameters
    ----------
    project
        For its locked test set and its own table of textbook look-alikes.
    cohort
        Its slides.
    results
        What the model in use says, or ``None``.
    budget, method, seed
        See `review_next`.

    Raises
    ------
    ProjectError
        If the list of locked slides is damaged.
    ManifestError
        If the project's own textbook table cannot be read.
    """
    locked = locked_slide_ids(project)
    textbook = read_textbook(project.root)
    hints = find_hints(cohort, results, textbook, locked=locked)
    labels = {s.slide_id: s.label for s in usable(cohort, locked) if s.label}
    if results is None or not results.slides:
        return Found(hints, (), (), ReviewPlan(method=method), textbook, labels)
    material = gather(cohort, results, locked)
    matrix = tuple(tuple(int(n) for n in row) for row in confusion_matrix(material))
    review = review_next(material, budget, method=method, seed=seed)
    return Found(hints, results.classes, matrix, review, textbook, labels)
