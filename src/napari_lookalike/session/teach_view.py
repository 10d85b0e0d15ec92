"""What the teach panel shows, as one value: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from napari_lookalike.core.comparison import verdict
from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import resolve_table

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True)
class ComparedRow:
    """One figure before and after the fine-tuning.

    Parameters
    ----------
    name
        What it is.
    before, after
        As text.
    change
        The difference with its 95 % interval, as text.
    tone
        "good" or "bad" where the interval leaves no doubt; else empty.
    """

    name: str
    before: str
    after: str
    change: str
    tone: Tone = ""


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
    fell
        Classes whose recall fell, one sentence each: shown first.
    verdict
        Whether the new model is better on the marked pairs, honestly.
    rows
        Figures side by side.
    """

    model: str
    used: str
    action: str
    obstacle: str
    fine_tune: bool
    on_trial: bool = False
    fell: tuple[str, ...] = ()
    verdict: str = ""
    rows: tuple[ComparedRow, ...] = ()


def resolve_teach(session: Session) -> TeachView:
    """From the session to what the teach panel shows."""
    results, before = session.results, session.results_before
    table = resolve_table(session)
    fine_tune = results is not None
    compared = comparison_of(results, before)
    return TeachView(
        model=model_text(results, on_trial=before is not None),
        used=_used(session, table.summary, fine_tune),
        action="Fine-tune with these pairs" if fine_tune else "Train a first model",
        obstacle=_obstacle(session, bool(table.demands)),
        fine_tune=fine_tune,
        on_trial=before is not None,
        fell=fallen(compared),
        verdict=_verdict(compared, before),
        rows=compared_rows(compared),
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
        text += f". Held-out balanced accuracy {figure['value']:.2f}"
        if figure.get("low") is not None and figure.get("high") is not None:
            text += f" ({figure['low']:.2f} to {figure['high']:.2f})"
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


def compared_rows(compared: Mapping[str, Any] | None) -> tuple[ComparedRow, ...]:
    """Marked pairs first, then balanced accuracy, then the recall of each class."""
    if compared is None:
        return ()
    rows = []
    for name, figures in compared["pairs"].items():
        pair = name.replace(" | ", " / ")
        rows.append(_row(f"{pair}: confused", figures["confusion"], percent=True, less=True))
        rows.append(_row(f"{pair}: margin (cosine)", figures["margin"]))
    rows.append(_row("Balanced accuracy", compared["balanced_accuracy"], percent=True))
    for name, figures in compared["per_class_recall"].items():
        rows.append(_row(f"{name}: recall ({_slides(figures['n'])})", figures, percent=True))
    return tuple(rows)


def fallen(compared: Mapping[str, Any] | None) -> tuple[str, ...]:
    """A sentence for each class whose recall fell, the deepest fall first."""
    if compared is None:
        return ()
    recall = compared["per_class_recall"]
    names = sorted(compared["got_worse"], key=lambda n: recall[n]["difference"]["value"] or 0.0)
    return tuple(
        f"{name}: recall fell from {recall[name]['before']:.0%} to {recall[name]['after']:.0%}"
        f" ({_slides(recall[name]['n'])})."
        for name in names
    )


def _row(
    name: str, figures: Mapping[str, Any], *, percent: bool = False, less: bool = False
) -> ComparedRow:
    change = figures["difference"]
    text = "–"
    tone: Tone = ""
    value, low, high = change["value"], change["low"], change["high"]
    if value is not None:
        text = _number(value, percent, signed=True)
        if low is not None and high is not None:
            ends = f"{_number(low, percent, signed=True)} to {_number(high, percent, signed=True)}"
            text += f" ({ends})"
            if low > 0 or high < 0:
                tone = "good" if (high < 0) is less else "bad"
    before, after = figures["before"], figures["after"]
    return ComparedRow(name, _number(before, percent), _number(after, percent), text, tone)


def _slides(n: int) -> str:
    return "1 slide" if n == 1 else f"{n} slides"


def _number(value: float | None, percent: bool, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    number = f"{100 * value:+.0f}" if percent else f"{value:+.2f}"
    if not signed:
        number = number.lstrip("+")
    elif float(number) == 0:
        number = number.lstrip("+-")
    return number.replace("-", "−") + (" %" if percent and not signed else "")


def _verdict(compared: Mapping[str, Any] | None, before: ModelResults | None) -> str:
    if before is None:
        return ""
    if compared is None:
        return "The two models were not compared on the same held-out slides."
    # Classes that got worse stand above, so the verdict need not list them again.
    return verdict({**compared, "got_worse": []})


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
