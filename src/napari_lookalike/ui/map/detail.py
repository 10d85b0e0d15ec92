"""How much of the map is drawn: a density, every dot in view, or pictures of the slides."""

from __future__ import annotations

from typing import Literal

from napari_lookalike.ui.map.geometry import View

Detail = Literal["density", "dots", "pictures"]

MOST_DOTS = 6000
"""In view; more are drawn as a density. Dots on one another hide how many they are."""
MOST_PICTURES = 24
PICTURES_FROM = 1.5
"""Zoom, against the whole map, from which on pictures take the place of dots."""
REACH_PX = 20.0
"""Dots whose centre lies so far outside are drawn too: a part of them may be seen."""


def detail(in_view: int, zoom: float, *, every_dot: bool, pictures: bool) -> Detail:
    """How a view is drawn.

    Parameters
    ----------
    in_view
        Points in view.
    zoom
        Scale against the one at which all is seen.
    every_dot
        The user wants dots where a density would be drawn.
    pictures
        There are pictures, and the user wants them.
    """
    if in_view > MOST_DOTS and not every_dot:
        return "density"
    if pictures and 0 < in_view <= MOST_PICTURES and zoom >= PICTURES_FROM:
        return "pictures"
    return "dots"


def radius(n: int, zoom: float) -> float:
    """Of a point, widget pixels: smaller where many would be in view at this zoom."""
    about = n / max(zoom, 1.0) ** 2
    return 6.5 if about <= 150 else 5.0 if about <= 600 else 3.6 if about <= 4000 else 2.0


def corners(view: View, reach: float = REACH_PX) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lower and upper corner of what is seen, data coordinates, with some room around it."""
    left, bottom = view.to_data(-reach, view.size[1] + reach)
    right, top = view.to_data(view.size[0] + reach, -reach)
    return (left, bottom), (right, top)
