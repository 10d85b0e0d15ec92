"""What the teach panel shows, as one value: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.signed import percent
from napari_lookalike.core.version_compare import VersionComparison, changed_slides
from napari_lookalike.session.compare_view import (
    ComparedRow,
    CompareView,
    compared_rows,
    resolve_compare,
)
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import resolve_table

__all__ = [
    "ComparedRow",
    "TeachView",
    "compared_rows",
    "comparison_of",
    "model_text",
    "resolve_teach",
]


@dataclass(frozen=True)
class TeachView:
    """What the teach panel shows.

    Parameters
    ----------
    model
        Which model is in use and how good it is.
    used
        What the next training will use, and what it will leave out.
    action
        Text of the button.
    obstacle
        Why it cannot be pressed; empty if it can.
    fine_tune
        Whether it fine-tunes the model in use; else it trains a first one.
    on_trial
        Whether a new model waits to be kept or rolled back.
    outcome
        The new model beside the former one; ``None`` where none is on trial.
    """

    model: str
    used: str
    action: str
    obstacle: str
    fine_tune: bool
    on_trial: bool = False
    outcome: CompareView | None = None


def resolve_teach(session: Session) -> TeachView:
    """From the session to what the teach panel shows."""
    results, before = session.results, session.results_before
    table = resolve_table(session)
    fine_tune = results is not None
    return TeachView(
        model=model_text(results, on_trial=before is not None),
        used=_used(session, table.summary, fine_tune),
        action="Fine-tune with these pairs" if fine_tune else "Train a first model",
        obstacle=_obstacle(session, bool(table.demands)),
        fine_tune=fine_tune,
        on_trial=before is not None,
        outcome=_outcome(session),
    )


def model_text(results: ModelResults | None, *, on_trial: bool = False) -> str:
    """Which model is in use, with its held-out balanced accuracy."""
    if results is None:
        return "No model yet."
    head = HEAD_TITLES.get(str(results.card.get("head", "")), "")
    state = "New model, on trial" if on_trial else "Model in use"
    text = f"{state}: {results.version}" + (f", {head}" if head else "")
    figure = results.metrics.get("balanced_accuracy")
    if isinstance(figure, Mapping) and figure.get("value") is not None:
        text += f". Held-out balanced accuracy {percent(figure['value'])}"
        if figure.get("low") is not None and figure.get("high") is not None:
            text += f" ({100 * figure['low']:.0f} to {100 * figure['high']:.0f})"
    return f"{text}."


def comparison_of(
    results: ModelResults | None, before: ModelResults | None
) -> Mapping[str, Any] | None:
    """The stored comparison of the two (`core.comparison.compare`); ``None`` if there is none."""
    if results is None or before is None:
        return None
    found = results.metrics.get("comparison")
    if not isinstance(found, Mapping) or found.get("before") != before.version:
        return None
    return found


def _outcome(session: Session) -> CompareView | None:
    """The model on trial beside the former one, from what is known without computing."""
    results, before, found = session.results, session.results_before, session.comparison
    if results is None or before is None:
        return None
    noted = comparison_of(results, before)
    if found is None or (found.before, found.after) != (before.version, results.version):
        shared = len(before.slides.keys() & results.slides.keys())
        changed = changed_slides(before, results)
        found = VersionComparison(before.version, results.version, noted, changed, shared, None)
    elif found.figures is None:
        found = replace(found, figures=noted)
    return resolve_compare(_with_evidence(found, results))


def _with_evidence(found: VersionComparison, results: ModelResults) -> VersionComparison:
    """What the evidence tiles did on held-out slides: nobody keeps a model without seeing it."""
    sentence = str(results.metrics.get("evidence", {}).get("sentence", ""))
    if not sentence or (found.figures or {}).get("evidence"):
        return found
    return replace(found, notes=(sentence, *found.notes))


def _used(session: Session, summary: str, fine_tune: bool) -> str:
    if not fine_tune:
        labelled = [s for s in session.cohort if s.label and not s.excluded]
        return (
            f"{len(labelled)} labelled slides of {len(session.cohort.classes)} subtypes."
            " A first model needs no marks."
        )
    return f"To be used: {summary}" if summary else ""


def _obstacle(session: Session, any_demand: bool) -> str:
    if session.project is None:
        return "Open a project first."
    if session.project.read_only:
        return "The project folder is read-only: copy the project to train here."
    if session.results_before is not None:
        return "Keep the new model or roll back first."
    if session.results is not None and not any_demand:
        return "Mark two look-alikes on the map first: fine-tuning learns from the marks."
    if session.results is None and len(session.cohort.classes) < 2:
        return "Label slides of at least two subtypes first."
    return ""
