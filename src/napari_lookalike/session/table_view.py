"""What the marks together ask of the model, as values that a table can show: pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.weights import aggregate, margin_cosine, weights_for
from napari_lookalike.session.session import Session

EMPTY = (
    "No look-alikes are marked yet. On the map, Ctrl-click two slides of different subtypes"
    " that look alike, then press Mark as look-alike."
)
NO_PROJECT = "No project is open."


def _column(default: Any, title: str, help_: str) -> Any:
    return field(default=default, metadata={"title": title, "help": help_})


@dataclass(frozen=True)
class Demand:
    """What the marks ask of one pair of subtypes."""

    pair: str = _column("", "Subtype pair", "The two subtypes that are to be told apart.")
    marks: int = _column(0, "Marks", "How many marks ask for it.")
    weight: float = _column(
        0.0, "Strength", "The strongest of its marks: how easily the two are confused, 0 to 1."
    )
    margin: float = _column(
        0.0,
        "Margin",
        "How much further apart, in cosine similarity, fine-tuning asks the two to be.",
    )


@dataclass(frozen=True)
class TableView:
    """What the look-alikes panel shows.

    Parameters
    ----------
    rows
        All marks.
    demands
        Per pair of subtypes, the strongest first.
    summary
        How many marks are used, and why others are not.
    empty
        What to do where nothing is marked; else empty.
    """

    rows: tuple[PairMark, ...]
    demands: tuple[Demand, ...]
    summary: str
    empty: str


def train_config(session: Session) -> TrainConfig:
    """The project's training settings, or the defaults."""
    return session.project.settings.train if session.project is not None else TrainConfig()


def model_classes(session: Session) -> tuple[str, ...]:
    """The model's classes, or the cohort's labels where there is no model."""
    return session.results.classes if session.results is not None else session.cohort.classes


def resolve_table(session: Session) -> TableView:
    """From the session to what the look-alikes panel shows."""
    if not session.marks:
        return TableView((), (), "", EMPTY if session.project is not None else NO_PROJECT)
    config, classes = train_config(session), model_classes(session)
    weights = weights_for(session.marks, session.cohort, classes)
    used = [_demand(i, j, session, classes, config) for i, j in _pairs(weights.class_strength)]
    used.sort(key=lambda d: -d.weight)
    active = sum(mark.active for mark in session.marks)
    retired = len(session.marks) - active
    said = [f"{_count(active, 'active mark')} on {_count(len(used), 'subtype pair')}"]
    if retired:
        said[0] += f", {retired} retired"
    said += [f"{_count(n, 'mark')} not used: {why}" for why, n in weights.left_out.items()]
    return TableView(session.marks, tuple(used), ". ".join(said) + ".", "")


def marked_subtypes(session: Session) -> tuple[tuple[str, str], ...]:
    """Pairs of subtypes that active marks join, as names in the order of the classes."""
    classes = model_classes(session)
    strength = weights_for(session.marks, session.cohort, classes).class_strength
    return tuple((classes[i], classes[j]) for i, j in _pairs(strength))


def _pairs(strength: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(strength) > 0)]


def _demand(
    i: int, j: int, session: Session, classes: tuple[str, ...], config: TrainConfig
) -> Demand:
    def label_of(slide_id: str) -> str:
        return session.cohort[slide_id].label if slide_id in session.cohort else ""

    marks = 0
    weight = 0.0
    for mark in session.marks:
        own = float(aggregate([mark], classes, label_of)[i, j])
        marks += own > 0
        weight = max(weight, own)
    return Demand(
        f"{classes[i]} / {classes[j]}",
        marks,
        weight,
        margin_cosine(weight, config.gamma, config.tau),
    )


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
