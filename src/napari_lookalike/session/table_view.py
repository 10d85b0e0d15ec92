"""What the marks together ask of the model, as values that a table can show: pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import RULES, margin_cosine, weights_for
from napari_lookalike.session.evidence import said_unchecked
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_rows import MarkRow, column, mark_rows
from napari_lookalike.session.table_watch import said_waiting

EMPTY = (
    "No look-alikes are marked yet. On the map, Ctrl-click two slides of different subtypes"
    " that look alike, then press Mark as look-alike."
)
NO_PROJECT = "No project is open."


@dataclass(frozen=True)
class Demand:
    """What the marks ask of one pair of subtypes."""

    pair: str = column("", "Subtype pair", "The two subtypes that are to be told apart.")
    marks: int = column(0, "Marks", "How many marks ask for it.")
    weight: float = column(
        0.0, "Strength", "What its marks together say: how easily the two are confused, 0 to 1."
    )
    margin: float = column(
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
        All marks, each with the number of its evidence tiles.
    demands
        Per pair of subtypes, the strongest first.
    summary
        How many marks are used, and why others are not.
    empty
        What to do where nothing is marked; else empty.
    """

    rows: tuple[MarkRow, ...]
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
    weights = weights_for(session.marks, session.cohort, classes, rule=config.marks_rule)
    strength = weights.class_strength
    of_pair = _marks_of_pairs(session, classes)
    used = [
        Demand(
            f"{classes[i]} / {classes[j]}",
            of_pair[i, j],
            round(float(strength[i, j]), 6),
            margin_cosine(float(strength[i, j]), config.gamma, config.tau),
        )
        for i, j in _pairs(strength)
    ]
    used.sort(key=lambda d: -d.weight)
    states = Counter(mark.status for mark in session.marks)
    active = sum(mark.active for mark in session.marks)
    said = [f"{_count(active, 'active mark')} on {_count(len(used), 'subtype pair')}"]
    said[0] += "".join(f", {states[s]} {s}" for s in ("disputed", "retired") if states[s])
    if config.marks_rule != "max":
        said.append(f"Of several marks of one pair, {RULES[config.marks_rule]}")
    said += [f"{_count(n, 'mark')} not used: {why}" for why, n in weights.left_out.items()]
    rows = mark_rows(session.marks, session.evidence)
    summary = [said_waiting(session.waiting), *said_unchecked(session), ". ".join(said) + "."]
    return TableView(rows, tuple(used), " ".join(filter(None, summary)), "")


def _marks_of_pairs(session: Session, classes: tuple[str, ...]) -> Counter[tuple[int, int]]:
    """(class, class) -> how many used marks join the two, by the labels of now."""
    index = {name: i for i, name in enumerate(classes)}
    label = {slide.slide_id: slide.label for slide in session.cohort}
    found: Counter[tuple[int, int]] = Counter()
    for mark in session.marks:
        sides = mark.sides
        if mark.level == "slide":
            sides = label.get(mark.slide_a, ""), label.get(mark.slide_b, "")
        if mark.active and mark.strength > 0 and set(sides) <= set(index):
            i, j = sorted((index[sides[0]], index[sides[1]]))
            found[i, j] += 1
    return found


def marked_subtypes(session: Session) -> tuple[tuple[str, str], ...]:
    """Pairs of subtypes that active marks join, as names in the order of the classes."""
    classes = model_classes(session)
    rule = train_config(session).marks_rule
    strength = weights_for(session.marks, session.cohort, classes, rule=rule).class_strength
    return tuple((classes[i], classes[j]) for i, j in _pairs(strength))


def _pairs(strength: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(strength) > 0)]


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
