"""How evidence tiles look on napari's canvas: frames with a letter, in a Shapes layer.

The same colours as in the twin review, and told apart by shape too: a closed frame is
diagnostic, four corners look alike. Shapes of napari are as large as the slide makes them, so
they are made anew when the zoom changes: lines and letters then have the same size on every
screen. Coordinates are level-0 pixels, which the layer scales as its slide does, so whatever
turns or mirrors the slide takes them along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import Slide
from napari_lookalike.session.evidence_view import EvidenceFrame
from napari_lookalike.ui.layer_status import nothing, say_values
from napari_lookalike.ui.overlay_layers import KEY, layer_units
from napari_lookalike.ui.twin.marks_paint import COLOURS

KIND, NAME = "evidence", "Evidence tiles"
RIM = "#000000AA"
LINE_PX, RIM_PX, TAG_PX = 3.0, 6.0, 16.0
"""Widths of a line and of the dark rim under it, and edge of a letter's tag: screen pixels."""
TEXT_PT = 9
CORNER = 0.3
"""Each leg of a corner is so much of the tile's edge."""
INK = {"diagnostic": "white", "look-alike": "black", "disputed": "black"}

Drawn = tuple[str, NDArray[np.float64]]
"""(kind of shape, its points (row, column))."""


def add_evidence(
    viewer: Any, slide: Slide, frames: Sequence[EvidenceFrame], zoom: float, visible: bool
) -> Shapes:
    """A layer with a slide's evidence tiles; nobody can change what is in it.

    Parameters
    ----------
    viewer, slide
        Where, and over what.
    frames
        The tiles; at least one.
    zoom
        Screen pixels per unit of the world.
    visible
        Whether it is shown.
    """
    (mpp_x, mpp_y), units = layer_units(slide)
    shapes, features = _shapes(frames, (mpp_y, mpp_x), zoom)
    layer: Shapes = viewer.add_shapes(  # at once: an empty layer that is filled costs more
        **shapes,
        name=NAME,
        ndim=2,
        opacity=1.0,
        visible=visible,
        scale=(mpp_y, mpp_x),
        units=units,
        metadata={KEY: {"kind": KIND, "of_project": True}},
        features=features,
        text={"string": "{letter}", "size": TEXT_PT, "color": {"feature": "ink"}},
    )
    layer.editable = False
    say_values(layer, nothing)
    return layer


def draw(layer: Shapes, frames: Sequence[EvidenceFrame], zoom: float) -> None:
    """Show these frames and nothing else; see `add_evidence`."""
    row_scale, column_scale = (float(scale) for scale in layer.scale[-2:])
    shapes, features = _shapes(frames, (row_scale, column_scale), zoom)
    layer.data = []
    layer.features = {name: column[:0] for name, column in features.items()}  # napari keeps them
    layer.add(**shapes)
    layer.features = features
    layer.refresh_text()
    layer.editable = False  # new data may be edited, napari thinks


def tag_px0(scale: tuple[float, float], zoom: float) -> tuple[float, float]:
    """(width, height) of a letter's tag in level-0 pixels.

    Parameters
    ----------
    scale
        Units of the world per level-0 pixel: (rows, columns), as a layer has it.
    zoom
        Screen pixels per unit of the world.
    """
    return TAG_PX / (zoom * scale[1]), TAG_PX / (zoom * scale[0])


def _shapes(
    frames: Sequence[EvidenceFrame], scale: tuple[float, float], zoom: float
) -> tuple[dict[str, Any], dict[str, NDArray[np.object_]]]:
    """Rims, lines on them, and tags; and the letters that stand on the tags."""
    outlines = [(f, *one) for f in frames for one in _outline(f)]
    kinds, points = [kind for _, kind, _ in outlines], [p for _, _, p in outlines]
    n, m, pixel = len(outlines), len(frames), 2 / (zoom * sum(scale))
    tag, grounds = tag_px0(scale, zoom), [COLOURS[f.look] for f in frames]
    shapes = {
        "data": [*points, *points, *(_box(*_tag_place(f, tag), *tag) for f in frames)],
        "shape_type": [*kinds, *kinds, *["rectangle"] * m],
        "edge_width": [RIM_PX * pixel] * n + [LINE_PX * pixel] * n + [pixel] * m,
        "edge_color": [RIM] * n + [COLOURS[f.look] for f, _, _ in outlines] + grounds,
        "face_color": ["transparent"] * (2 * n) + grounds,
    }
    letters = [""] * (2 * n) + [f.letter for f in frames]
    inks = ["white"] * (2 * n) + [INK[f.look] for f in frames]
    return shapes, {"letter": np.array(letters, object), "ink": np.array(inks, object)}


def _tag_place(frame: EvidenceFrame, tag: tuple[float, float]) -> tuple[float, float]:
    """(x, y) of a tag's upper left corner: the tile's, or about its middle if it is small."""
    tile = frame.tile
    if tile.size >= 3 * max(tag):
        return tile.x, tile.y
    return tile.x + (tile.size - tag[0]) / 2, tile.y + (tile.size - tag[1]) / 2


def _outline(frame: EvidenceFrame) -> list[Drawn]:
    tile = frame.tile
    if frame.look == "diagnostic":
        return [("rectangle", _box(tile.x, tile.y, tile.size, tile.size))]
    box, leg = _box(tile.x, tile.y, tile.size, tile.size), CORNER * tile.size
    inwards = leg * np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    down, along = inwards * (1, 0), inwards * (0, 1)
    return [("path", np.array(legs)) for legs in zip(box + down, box, box + along, strict=True)]


def _box(x: float, y: float, width: float, height: float) -> NDArray[np.float64]:
    """Corners (row, column); napari puts pixel centres on whole numbers."""
    top, left = y - 0.5, x - 0.5
    bottom, right = top + height, left + width
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)], float)
