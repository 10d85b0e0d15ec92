"""Session -> what the attention layer must show. Reads a slide's features; draws nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.attention import Overlay, attention_weights, display_range, overlay
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.core.tiles import TileGrid
from napari_lookalike.session.session import OverlaySettings


@dataclass(frozen=True, eq=False)
class OverlayView:
    """An attention map, ready to be drawn.

    Parameters
    ----------
    overlay
        One pixel per tile and where it lies.
    values
        float32 (n_tiles,) what is drawn, in the order of ``grid``.
    grid
        The slide's tiles.
    title
        Name of the layer.
    legend
        Class, normalisation and model, in words.
    limits
        (low, high) of the colours.
    """

    overlay: Overlay
    values: NDArray[np.float32]
    grid: TileGrid
    title: str
    legend: str
    limits: tuple[float, float]


@dataclass(frozen=True)
class LegendView:
    """What the colours of a slide's attention map mean; needs no file.

    Parameters
    ----------
    text
        Class, normalisation and model, in words.
    limits
        (low, high) of the colours, the same as the layer's.
    branches
        Classes whose attention can be drawn; empty for heads with one branch.
    """

    text: str
    limits: tuple[float, float]
    branches: tuple[str, ...] = ()


def resolve_legend(
    results: ModelResults, slide_id: str, settings: OverlaySettings
) -> LegendView | None:
    """The legend of a slide's attention map, or ``None`` if the model says nothing of it."""
    result = results.slides.get(slide_id)
    if result is None:
        return None
    branch = branch_index(results, slide_id, settings.branch)
    several = len(result.attention_logits) > 1
    return LegendView(
        legend_text(results, result, branch, settings),
        display_range(_shown(result, branch, settings)),
        results.classes if several else (),
    )


def legend_text(
    results: ModelResults, result: SlideResult, branch: int, settings: OverlaySettings
) -> str:
    """Class, normalisation and model, in words."""
    legend = f"{_attends_for(results, result, branch)} · {_normalisation(settings)}"
    return f"{legend} · model {results.version}, {_who(result)}"


def branch_index(results: ModelResults, slide_id: str, wanted: str) -> int:
    """Which attention branch is drawn.

    Parameters
    ----------
    wanted
        A class name; empty = the predicted class. Heads with one branch ignore it.
    """
    result = results.slides[slide_id]
    if len(result.attention_logits) == 1:
        return 0
    if wanted in results.classes:
        return results.classes.index(wanted)
    return int(result.ranking[0])


def resolve_overlay(
    project: Project, results: ModelResults, slide_id: str, settings: OverlaySettings
) -> OverlayView | None:
    """The attention map of a slide, or ``None`` if the model says nothing of it.

    Raises
    ------
    FeatureError
        If the slide was embedded anew since: the map would lie on other tiles.
    """
    result = results.slides.get(slide_id)
    if result is None:
        return None
    grid = project.load_features(slide_id).grid
    if result.attention_logits.shape[1] != len(grid):
        raise FeatureError(
            "It was embedded again after this model spoke, so its attention map no longer fits.",
            "Train or fine-tune again to see attention here.",
            slide_id,
        )
    return draw_overlay(results, slide_id, grid, settings)


def draw_overlay(
    results: ModelResults, slide_id: str, grid: TileGrid, settings: OverlaySettings
) -> OverlayView:
    """The attention map of a slide of ``results`` whose tiles lie on ``grid``."""
    result = results.slides[slide_id]
    branch = branch_index(results, slide_id, settings.branch)
    weights = settings.values == "weights"
    values = _shown(result, branch, settings)
    image = overlay(grid, values)
    title = f"Attention {'weights' if weights else 'logits'} · {slide_id}"
    legend = legend_text(results, result, branch, settings)
    return OverlayView(image, values, grid, title, legend, image.display_range)


def _shown(result: SlideResult, branch: int, settings: OverlaySettings) -> NDArray[np.float32]:
    logits = result.attention_logits
    shown = attention_weights(logits)[branch] if settings.values == "weights" else logits[branch]
    return np.asarray(shown, np.float32)


def _attends_for(results: ModelResults, result: SlideResult, branch: int) -> str:
    if len(result.attention_logits) == 1:
        return "Attention, all subtypes together"
    return f"Attention for {results.classes[branch]}"


def _normalisation(settings: OverlaySettings) -> str:
    if settings.values == "weights":
        return "softmax weights (sum 1 over the slide)"
    return "raw logits (before softmax)"


def _who(result: SlideResult) -> str:
    return "which never saw this patient" if result.held_out else "new slide"
