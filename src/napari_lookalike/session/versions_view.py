"""What the panel of model versions shows, as values: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.version_list import VersionFacts
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import Session

LOSS_TITLES = {
    "ce": "subtypes alone",
    "supcon": "contrast of subtypes",
    "expert": "taught by look-alikes",
}


@dataclass(frozen=True)
class VersionRow:
    """One version, as text.

    Parameters
    ----------
    version
        Its name.
    state
        "in use", "on trial", or empty.
    trained
        When, in the reader's time.
    parent
        What it was fine-tuned from; "–" if from scratch.
    how
        Its way of learning.
    marks
        How many look-alikes its table held, with the table's version.
    figure
        Held-out balanced accuracy with its interval.
    details
        All of it in sentences, for a tooltip and a screen reader.
    problem
        Why it cannot be used; empty if it can.
    """

    version: str
    state: str
    trained: str
    parent: str
    how: str
    marks: str
    figure: str
    details: str
    problem: str = ""


@dataclass(frozen=True)
class VersionsView:
    """What the panel shows.

    Parameters
    ----------
    rows
        The versions, newest first.
    empty
        Why there are none; empty if there are.
    can_use, can_try, can_reproduce
        Why the chosen version cannot be used, tried or trained again; empty if it can.
    """

    rows: tuple[VersionRow, ...]
    empty: str
    can_use: str
    can_try: str
    can_reproduce: str


def resolve_versions(
    session: Session, found: Sequence[VersionFacts], chosen: str = ""
) -> VersionsView:
    """From the session, the versions on the disk and the chosen one to what is shown.

    Parameters
    ----------
    session
        The state.
    found
        From `list_versions`.
    chosen
        Name of the version that the user points at; empty = none.
    """
    trial = session.results.version if session.results and session.results_before else ""
    in_use = _in_use(session, found)
    rows = tuple(
        version_row(facts, in_use=facts.version == in_use, on_trial=facts.version == trial)
        for facts in reversed(found)
    )
    facts = next((f for f in found if f.version == chosen), None)
    return VersionsView(
        rows,
        _empty(session, found),
        _use_obstacle(session, facts, in_use),
        _try_obstacle(session, facts, in_use),
        _reproduce_obstacle(facts),
    )


def default_against(found: Sequence[VersionFacts], version: str, in_use: str) -> str:
    """What a version is compared with first: the one that it was made from, else that in use.

    Parameters
    ----------
    found
        The versions.
    version
        The chosen one.
    in_use
        The project's model.
    """
    good = [f.version for f in found if not f.problem and f.version != version]
    parent = next((f.parent for f in found if f.version == version), "")
    wanted = [v for v in (parent, in_use) if v in good]
    older = [v for v in good if v < version]
    return next(iter([*wanted, *older[::-1], *good]), "")


def version_row(
    facts: VersionFacts, *, in_use: bool | None = None, on_trial: bool = False
) -> VersionRow:
    """One version as text.

    Parameters
    ----------
    facts
        The version.
    in_use
        Whether it is the project's model; ``None``: as the facts say.
    on_trial
        Whether it waits to be kept or rolled back.
    """
    used = facts.in_use if in_use is None else in_use
    state = "on trial" if on_trial else "in use" if used else ""
    how = LOSS_TITLES.get(facts.loss, facts.loss)
    marks = _marks(facts)
    figure = figure_text(facts.figures.get("balanced_accuracy"))
    trained = when(facts.trained_at)
    head = HEAD_TITLES.get(facts.head, facts.head)
    lines = [
        f"{facts.version} ({state})" if state else facts.version,
        facts.problem or f"{head}, {how}",
        f"Trained {trained} from {facts.parent or 'nothing (from scratch)'}",
        f"Encoder {facts.encoder}",
        f"Table of look-alikes: {facts.table_version}",
        f"{count(facts.slides, 'slide')} held out, balanced accuracy {figure}",
    ]
    return VersionRow(
        facts.version,
        state,
        when(facts.trained_at, short=True),
        facts.parent or "–",
        how,
        marks,
        figure,
        "\n".join(lines),
        facts.problem,
    )


def when(iso: str, *, short: bool = False) -> str:
    """A time in the reader's time zone ("2026-05-31 14:00", short "31 May 14:00"), or "–"."""
    try:
        time = datetime.fromisoformat(iso)
    except ValueError:
        return "–"
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone().strftime("%d %b %H:%M" if short else "%Y-%m-%d %H:%M")


def figure_text(figure: Mapping[str, Any] | None) -> str:
    """A share with its interval ("81 % (70–90)")."""
    if not figure or figure.get("value") is None:
        return "–"
    text = f"{100 * figure['value']:.0f} %"
    if figure.get("low") is not None and figure.get("high") is not None:
        text += f" ({100 * figure['low']:.0f}–{100 * figure['high']:.0f})"
    return text


def _marks(facts: VersionFacts) -> str:
    if not facts.marks:
        return "–"
    return f"{facts.marks} ({facts.table_version.partition('-')[2]})"


def _in_use(session: Session, found: Sequence[VersionFacts]) -> str:
    """The session knows of a change before the disk is read again."""
    if session.project is not None and session.project.current_version is not None:
        return session.project.current_version
    return next((f.version for f in found if f.in_use), "")


def _empty(session: Session, found: Sequence[VersionFacts]) -> str:
    if session.project is None:
        return "No project is open. Open one, or make a new one, in Project."
    return "" if found else "No model yet. Train a first one in Teach."


def _use_obstacle(session: Session, facts: VersionFacts | None, in_use: str) -> str:
    if facts is None:
        return "Choose a version first."
    if facts.problem:
        return facts.problem
    if session.project is not None and session.project.read_only:
        return "The project folder is read-only: copy the project to change its model."
    if facts.version == in_use and session.results_before is None:
        return "This version is in use."
    return ""


def _try_obstacle(session: Session, facts: VersionFacts | None, in_use: str) -> str:
    if session.results_before is not None:
        return "A model is on trial: keep it or roll back in Teach first."
    return _use_obstacle(session, facts, in_use)


def _reproduce_obstacle(facts: VersionFacts | None) -> str:
    if facts is None:
        return "Choose a version first."
    return facts.problem
