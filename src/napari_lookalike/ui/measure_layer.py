"""The layer that shows distances: a line with a light rim, and its length on a light plate.

Shapes of napari are as large as the slide makes them, so widths and plates are made anew when
the zoom or the orientation changes. The layer is found by its metadata, never by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Layer, Shapes

from napari_lookalike.ui.layer_status import nothing, say_values
from napari_lookalike.ui.view_controls import KEY

KIND = "measure"
COLOUR, RIM = "#0b2fd0", "white"
LINE_PX, RIM_PX = 2.5, 5.5
"""Widths in screen pixels."""
TEXT_PT = 9
PLATE_PX = (1.2 * TEXT_PT, 2.3 * TEXT_PT)
"""Of the plate under a length: width per character and height, screen pixels."""

Point = tuple[float, float]
Line = tuple[Point, Point]
"""Both ends, (row, column) in the world's units."""


def measure_layers(viewer: Any) -> list[Shapes]:
    """Layers that show distances, whatever they are called."""
    return [layer for layer in viewer.layers if layer.metadata.get(KEY, {}).get("kind") == KIND]


def raise_measures(viewer: Any) -> None:
    """Put distances over all that the program draws on their slide, but under another slide.

    What the user brings may lie over them.
    """
    layers = viewer.layers
    for layer in measure_layers(viewer):
        at = top = layers.index(layer)
        for i, other in enumerate(layers[at + 1 :], start=at + 1):
            kind = other.metadata.get(KEY, {}).get("kind")
            if kind == "slide":
                break
            top = i if kind else top
        if at < top:
            layers.move(at, top + 1)


def add_measure_layer(viewer: Any, slide: Layer) -> Shapes:
    """A layer for the distances on a slide, empty."""
    layer: Shapes = viewer.add_shapes(
        name="Distances",
        ndim=2,
        opacity=1.0,
        units=slide.units,
        metadata={KEY: {"kind": KIND}},
        features={"length": np.array([], dtype=object)},
        text={"string": "{length}", "size": TEXT_PT, "color": COLOUR},
    )
    say_values(layer, nothing)
    return layer


def draw(layer: Shapes, lines: Sequence[tuple[Line, str]], zoom: float, transposed: bool) -> None:
    """Show these distances and nothing else.

    Parameters
    ----------
    layer
        See `add_measure_layer`.
    lines
        Each with its length in words.
    zoom
        Screen pixels per unit of the world.
    transposed
        Whether rows of the world run along the screen's width.
    """
    layer.data = []
    layer.features = {"length": np.array([], dtype=object)}  # napari keeps those of gone shapes
    if not lines:
        return
    ends = [np.array(line) for line, _ in lines]
    plates = [_plate(line, text, zoom, transposed) for line, text in lines]
    n = len(lines)
    layer.add(
        [*ends, *ends, *plates],
        shape_type=["line"] * (2 * n) + ["rectangle"] * n,
        edge_width=[RIM_PX / zoom] * n + [LINE_PX / zoom] * n + [1 / zoom] * n,
        edge_color=[RIM] * n + [COLOUR] * (2 * n),
        face_color=["transparent"] * (2 * n) + [RIM] * n,
    )
    layer.features = {"length": [""] * (2 * n) + [text for _, text in lines]}
    layer.refresh_text()


def _plate(line: Line, text: str, zoom: float, transposed: bool) -> Any:
    """Corners of a plate over the middle of a line, level with the screen."""
    width, height = (PLATE_PX[0] * len(text) + 8) / zoom / 2, PLATE_PX[1] / zoom / 2
    if transposed:
        width, height = height, width
    row, column = (np.array(line[0]) + np.array(line[1])) / 2
    return np.array(
        [
            (row - height, column - width),
            (row - height, column + width),
            (row + height, column + width),
            (row + height, column - width),
        ]
    )
