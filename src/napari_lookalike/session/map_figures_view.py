"""The figures beside the map, in words: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_lookalike.core.measures.centre_pairs import CentreLink
from napari_lookalike.core.pipeline.map_figures import MapFigures, Movement
from napari_lookalike.core.signed import decimals, percent
from napari_lookalike.session.session import Session

NOT_ON_MAP = (
    "Measured in the embedding space on held-out slides, not on the map, whose distances mislead."
)
MOST_PAIRS = 4
ROBUST_FROM = 0.5
"""Below it a slide's nearest neighbours of another kind share its centre more often than
neighbours of its own kind come from other centres."""


@dataclass(frozen=True)
class FigureRow:
    """One line.

    Parameters
    ----------
    name, value
        What it is and how much, for a person.
    tip
        What it means, and which way is better.
    """

    name: str
    value: str
    tip: str


@dataclass(frozen=True)
class FiguresView:
    """What the fold beside the map shows.

    Parameters
    ----------
    rows
        Figures.
    warnings
        Sentences to heed.
    note
        What was measured.
    """

    rows: tuple[FigureRow, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = NOT_ON_MAP


@dataclass(frozen=True)
class FiguresAsked:
    """What figures are of; they are measured again when it changes.

    Parameters
    ----------
    version, before
        The model shown, and the one before a fine-tuning (empty = none).
    pairs
        Pairs of subtypes of active marks, sorted.
    """

    version: str
    before: str
    pairs: tuple[tuple[str, str], ...]


def figures_asked(session: Session) -> FiguresAsked | None:
    """What to measure now; ``None`` without a project or a model with held-out answers."""
    results = session.results
    if session.project is None or results is None or "slides" not in results.metrics:
        return None
    before = session.results_before
    pairs = {(m.subtype_a, m.subtype_b) for m in session.marks if m.active and m.subtype_a}
    ordered = {(min(p), max(p)) for p in pairs if p[1]}
    return FiguresAsked(
        results.version, before.version if before is not None else "", tuple(sorted(ordered))
    )


def resolve_figures(figures: MapFigures, marked: tuple[tuple[str, str], ...] = ()) -> FiguresView:
    """From figures to lines.

    Parameters
    ----------
    figures
        From `core.pipeline.map_figures`.
    marked
        Pairs of subtypes of active marks: they come first.
    """
    geometry = figures.geometry
    rows = [
        FigureRow(
            "Compactness",
            _figure(geometry["compactness"]),
            "How far slides are from the middle of their own subtype (cosine distance)."
            " Smaller is tighter.",
        ),
        FigureRow(
            "Separation",
            _figure(geometry["separation"]),
            "How far the middles of the subtypes are from each other (cosine distance)."
            " Larger is further apart.",
        ),
        FigureRow(
            "Silhouette",
            _figure(geometry["silhouette"]),
            "−1 to 1: whether slides are nearer to their own subtype than to the next one."
            " Below 0 they are not.",
        ),
        *_pair_rows(geometry, marked),
        *_robustness_rows(figures.robustness),
        *(_movement_rows(figures.movement) if figures.movement is not None else ()),
    ]
    warnings = [_centre_sentence(link) for link in figures.centres if link.explained]
    warnings += _robustness_warning(figures.robustness)
    return FiguresView(tuple(rows), tuple(warnings), _note(figures))


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure.get("value") is None:
        return "cannot be said"
    low, high = figure.get("low"), figure.get("high")
    interval = "" if low is None or high is None else f" ({decimals(low)} to {decimals(high)})"
    return f"{decimals(figure['value'])}{interval}"


def _pair_rows(geometry: Mapping[str, Any], marked: tuple[tuple[str, str], ...]) -> list[FigureRow]:
    """The pairs that lie among each other most, marked ones first."""
    share = {
        name: figures["knn_confusion"]["value"]
        for name, figures in geometry["pairs"].items()
        if figures["knn_confusion"]["value"]
    }
    names = {" | ".join(pair) for pair in marked}
    order = sorted(share, key=lambda name: (name not in names, -share[name], name))
    tip = (
        f"Share of the {geometry['neighbours']} nearest slides of a slide of the one that are"
        " of the other. 0 is best."
    )
    return [
        FigureRow(
            f"{name.replace(' | ', ' and ')}{' (marked)' if name in names else ''}",
            f"{percent(share[name])} among each other",
            tip,
        )
        for name in order[:MOST_PAIRS]
    ]


def _robustness_rows(robustness: Mapping[str, Any]) -> list[FigureRow]:
    tip = (
        "Of neighbours that share either the subtype or the centre with a slide, the share"
        " that has its subtype from another centre. 1 is best, near 0 the centre decides."
    )
    if robustness["index"] is None:
        return [FigureRow("Robustness Index", "cannot be said", str(robustness["note"]))]
    return [FigureRow("Robustness Index", _figure(robustness["index"]), tip)]


def _robustness_warning(robustness: Mapping[str, Any]) -> list[str]:
    index = robustness["index"]
    if index is None or index["high"] is None or index["high"] >= ROBUST_FROM:
        return []
    return [
        "Slides lie together by centre more than by subtype. What looks like a group may be"
        " a scanner or a stain."
    ]


def _centre_sentence(link: CentreLink) -> str:
    return (
        f"{link.a} and {link.b} lie near each other partly because of their centre: of the"
        f" nearest slides of the other subtype {percent(link.same)} come from the same centre,"
        f" where {percent(link.expected)} would if the centre played no part (p = {link.p:.3f})."
    )


def _movement_rows(movement: Movement) -> list[FigureRow]:
    rows = [
        FigureRow(
            "Neighbours that changed",
            f"{percent(movement.changed)} (median)",
            "Share of a slide's five nearest slides that are others after the fine-tuning.",
        )
    ]
    if movement.most:
        text = ", ".join(f"{slide_id} ({percent(share)})" for slide_id, share in movement.most)
        rows.append(FigureRow("Moved most", text, "Slides whose neighbours changed most."))
    tip = "How much nearer slides of the two lie to their own subtype (cosine). Larger is better."
    rows += [
        FigureRow(
            f"Margin of {name.replace(' | ', ' and ')}", f"{decimals(was)} → {decimals(now)}", tip
        )
        for name, (was, now) in movement.margins.items()
    ]
    return rows


def _note(figures: MapFigures) -> str:
    if figures.slides == figures.of:
        return NOT_ON_MAP
    return f"{NOT_ON_MAP} {figures.slides:,} of {figures.of:,} slides, whole patients drawn."
