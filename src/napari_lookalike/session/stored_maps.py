"""Session -> which imported maps the slide on the canvas has, and what is drawn of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.attention import display_range, overlay
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.interop.maps import load_map, map_names
from napari_lookalike.core.project import Project
from napari_lookalike.session.overlay import OverlayView
from napari_lookalike.session.session import Session, ShownMap


def available_maps(session: Session) -> tuple[ShownMap, ...]:
    """Every value of every map that the slide on the canvas has; damaged maps are left out."""
    project, slide_id = session.project, session.slide_id
    if project is None or slide_id is None:
        return ()
    found: list[ShownMap] = []
    for name in map_names(project.root, slide_id):
        try:
            columns = load_map(project.root, name, slide_id).columns
        except LookalikeError:
            continue
        found += [ShownMap(name, column) for column in columns]
    return tuple(found)


def resolve_map_overlay(project: Project, slide_id: str, shown: ShownMap) -> OverlayView | None:
    """What is drawn of an imported map, or ``None`` if the slide does not have it.

    Parameters
    ----------
    project
        The open project.
    slide_id
        The slide on the canvas.
    shown
        Which map, and which of its values.

    Raises
    ------
    FeatureError
        If it is damaged.
    """
    if shown.name not in map_names(project.root, slide_id):
        return None
    found = load_map(project.root, shown.name, slide_id)
    if shown.column not in found.columns:
        return None
    values = np.asarray(found.values[:, found.columns.index(shown.column)], np.float32)
    image = overlay(found.grid, values)
    legend = f"{shown.column}, as {found.source} says; not this project's model"
    return OverlayView(
        image,
        values,
        found.grid,
        f"{shown.name} · {shown.column} · {slide_id}",
        legend,
        limits(values),
    )


def limits(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Probabilities keep their meaning: their colours go from 0 to 1. Others are spread."""
    there = values[np.isfinite(values)]
    if there.size and there.min() >= 0 and there.max() <= 1 and there.max() > 0.05:
        return 0.0, 1.0
    return display_range(values)
