"""What panels and canvas show of a slide that is not embedded in full. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_lookalike.core.attention import Overlay, overlay
from napari_lookalike.core.early import EarlyAnswer, Said
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.overlay import OverlayView, draw_overlay
from napari_lookalike.session.session import OverlaySettings, Session

MAY_CHANGE = "it may change"
NO_MODEL = (
    "There is no model yet that could say something of it: embed all slides, then train a "
    "first model in Teach."
)


@dataclass(frozen=True)
class CoverageView:
    """The tiles that are embedded so far, ready to be tinted on the slide.

    Parameters
    ----------
    overlay
        1 where a tile is embedded, NaN elsewhere.
    title
        Name of the layer.
    """

    overlay: Overlay
    title: str


def early_of(session: Session) -> EarlyAnswer | None:
    """The early answer about the open slide by the model that is shown, or ``None``."""
    early, results = session.early, session.results
    if early is None or early.slide_id != session.slide_id:
        return None
    shown = "" if results is None else results.version
    return early if early.version == shown else None


def results_with(results: ModelResults | None, early: EarlyAnswer | None) -> ModelResults | None:
    """The model's results with an early answer among them, to be shown like any other."""
    if results is None or early is None or early.result is None:
        return results
    return replace(results, slides={**results.slides, early.slide_id: early.result})


def share_text(share: float) -> str:
    """A share in words; neither "0 %" of something nor "100 %" of something unfinished."""
    if share >= 1:
        return "100 %"
    percent = min(max(round(100 * share), 1), 99)
    return "under 1 %" if share < 0.01 else f"{percent} %"


def headline(early: EarlyAnswer) -> str:
    """That an answer is early, in a sentence."""
    return f"Early answer from {share_text(early.coverage)} of the tiles; {MAY_CHANGE}."


def agreement_text(said: Said | None) -> str:
    """How an early answer agrees with those before it, in a sentence; empty for the first."""
    if said is None or said.moved is None:
        return ""
    points = f"{100 * said.moved:.0f} points" if said.moved >= 0.005 else "under a point"
    if said.in_a_row == 1:
        return f"The one before named another subtype first ({points} moved)."
    return f"Same first subtype {said.in_a_row} times in a row, {points} moved since the last."


def early_text(early: EarlyAnswer) -> str:
    """What stands above an early prediction."""
    return f"{headline(early)} {agreement_text(early.said)}".strip()


def why_no_answer(early: EarlyAnswer) -> str:
    """Why a slide that is being embedded has no early prediction, and how far it is."""
    so_far = f"{share_text(early.coverage)} of its tiles are embedded so far."
    return f"{so_far} {early.obstacle or NO_MODEL}"


def stopped_text(coverage: float) -> str:
    """What stands above a prediction from features that a person stopped early."""
    return (
        f"From {share_text(coverage)} of the tiles: embedding was stopped there. "
        "Embed the slide again to complete it."
    )


def resolve_early_overlay(
    early: EarlyAnswer, results: ModelResults | None, settings: OverlaySettings
) -> OverlayView | CoverageView:
    """What lies over a slide that is being embedded: early attention, else its tiles.

    Parameters
    ----------
    early
        The early answer.
    results
        Of the model that gave it.
    settings
        How attention is drawn.
    """
    share = share_text(early.coverage)
    shown = results_with(results, early)
    if shown is None or early.result is None:
        ones = np.ones(len(early.grid), np.float32)
        title = f"Embedded so far ({share}) · {early.slide_id}"
        return CoverageView(overlay(early.grid, ones), title)
    view = draw_overlay(shown, early.slide_id, early.grid, settings)
    return replace(
        view,
        title=f"Early attention ({share}) · {early.slide_id}",
        legend=f"Early, from {share} of the tiles · {view.legend}",
    )
