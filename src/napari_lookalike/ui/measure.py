"""Distances on a slide, drawn over it: two clicks or a drag. They are kept nowhere.

The layer that shows them is found by its metadata, belongs to no project, and goes away with
its slide.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from math import hypot
from typing import Any

from napari.layers import Layer, Shapes
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_lookalike.session.power import length_text
from napari_lookalike.ui.layer_choice import is_unasked, unasked
from napari_lookalike.ui.measure_layer import (
    KIND,
    Line,
    Point,
    add_measure_layer,
    draw,
    measure_layers,
    raise_measures,
)
from napari_lookalike.ui.view_controls import KEY, ViewControls
from napari_lookalike.ui.viewer_names import camera, is_open

SAME_PLACE_PX = 4.0
"""A press and a release nearer than this are a click, not a drag."""


class Measure:
    """Measures distances in one viewer. Window's thread.

    Attributes
    ----------
    changed
        Signal: measuring began or ended, or a distance came or went.

    Parameters
    ----------
    controls
        Of the same viewer.
    """

    changed = Signal()

    def __init__(self, controls: ViewControls) -> None:
        self._controls = controls
        self._lines: list[Line] = []
        self._start: Point | None = None
        self._pointer: Point | None = None
        self._slide: weakref.ref[Layer] | None = None
        self.active = False
        viewer = controls.viewer
        controls.moved.connect(self._on_move)
        # After control has returned: whoever brings a layer may have more to do with it.
        self._soon = QTimer(singleShot=True, interval=0)
        self._soon.timeout.connect(self._stay_in_front)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.selection.events.active.connect(self._on_active)

    @property
    def lengths(self) -> tuple[str, ...]:
        """What was measured, for a person, in order."""
        return tuple(self._text(line) for line in self._lines)

    # -- beginning and ending -----------------------------------------------------

    def begin(self) -> bool:
        """Let clicks on the canvas measure; ``False`` without a slide."""
        slide = self._controls.layer()
        if slide is None:
            return False
        if self.active:
            return True
        if self._slide is not None and self._slide() is not slide:
            self.clear()
        self._slide = weakref.ref(slide)
        viewer = self._controls.viewer
        with unasked(viewer):
            layer = self._layer() or self._new_layer(slide)
            layer.visible = True
            layer.mode = "pan_zoom"
            layer.mouse_pan = False  # a drag measures
            layer.cursor = "crosshair"
            viewer.layers.selection.active = layer  # none is active for a moment
        self.active = True
        viewer.mouse_drag_callbacks.append(self._on_press)
        viewer.mouse_move_callbacks.append(self._on_hover)
        self.changed.emit()
        return True

    def end(self) -> None:
        """Let clicks do again what they did; distances stay until `clear`."""
        if not self.active:
            return
        self.active = False
        self._start = None
        viewer = self._controls.viewer
        for callbacks, ours in (
            (viewer.mouse_drag_callbacks, self._on_press),
            (viewer.mouse_move_callbacks, self._on_hover),
        ):
            if ours in callbacks:
                callbacks.remove(ours)
        layer = self._layer()
        if layer is not None:
            layer.cursor = "standard"
            layer.mouse_pan = True
            self._show()
            slide = None if self._slide is None else self._slide()
            if viewer.layers.selection.active is layer and slide in viewer.layers:
                with unasked(viewer):
                    viewer.layers.selection.active = slide
        self.changed.emit()

    def toggle(self) -> bool:
        """Begin, or end; ``False`` without a slide."""
        if self.active:
            self.end()
            return True
        return self.begin()

    def clear(self) -> None:
        """Take all distances away, and the layer with them."""
        self.end()
        self._lines = []
        for layer in measure_layers(self._controls.viewer):
            self._controls.viewer.layers.remove(layer)
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        gone = event.value
        if self._slide is not None and gone is self._slide():
            self._slide = None
            self.clear()
        elif gone.metadata.get(KEY, {}).get("kind") == KIND:  # the user deleted it
            self._lines = []
            self.end()
            self.changed.emit()

    def _on_active(self, *_: object) -> None:
        viewer, layer = self._controls.viewer, self._layer()
        if not self.active or viewer.layers.selection.active is layer:
            return
        if layer is not None and is_unasked(viewer):  # a new attention map, say
            self._soon.start()
        else:
            self.end()

    def _on_inserted(self, _event: Any) -> None:
        self._soon.start()

    def _stay_in_front(self) -> None:
        """Nothing that the program brings covers the distances or ends the measuring."""
        viewer = self._controls.viewer
        if not is_open(viewer):
            return
        raise_measures(viewer)
        layer = self._layer()
        if self.active and layer is not None:
            with unasked(viewer):
                viewer.layers.selection.active = layer

    # -- the mouse ----------------------------------------------------------------

    def _on_press(self, _viewer: Any, event: Any) -> Iterator[None]:
        if event.button != 1 or not self.active:
            return
        begun = self._start is not None
        first = self._start or self._place(event)
        self._start = first
        yield
        dragged = False
        while event.type == "mouse_move":
            dragged = dragged or self._apart(first, self._place(event)) > SAME_PLACE_PX
            self._show(self._place(event))
            yield
        if not self._asked_for():  # ended by a key meanwhile
            return
        last = self._place(event)
        # vispy passes over moves that come in quick succession: a flick has none.
        if begun or dragged or self._apart(first, last) > SAME_PLACE_PX:
            self._start = None
            if self._apart(first, last) > 0:
                self._lines.append((first, last))
            self._show()
            self.changed.emit()

    def _asked_for(self) -> bool:
        return self.active

    def _on_hover(self, _viewer: Any, event: Any) -> None:
        if self._start is not None:
            self._show(self._place(event))

    @staticmethod
    def _place(event: Any) -> Point:
        row, column = event.position[-2:]
        return float(row), float(column)

    def _apart(self, a: Point, b: Point) -> float:
        """Screen pixels between two places."""
        zoom: float = camera(self._controls.viewer).zoom
        return hypot(a[0] - b[0], a[1] - b[1]) * zoom

    # -- the layer ----------------------------------------------------------------

    def _layer(self) -> Shapes | None:
        found = measure_layers(self._controls.viewer)
        return found[0] if found else None

    def _new_layer(self, slide: Layer) -> Shapes:
        layer = add_measure_layer(self._controls.viewer, slide)
        layer.bind_key("Escape", self._on_escape, overwrite=True)
        return layer

    def _on_escape(self, _layer: Shapes) -> None:
        self.end()

    def _text(self, line: Line) -> str:
        facts = self._controls.facts
        (y0, x0), (y1, x1) = line
        return length_text(hypot(y1 - y0, x1 - x0), facts is not None and facts.mpp is not None)

    def _show(self, pointer: Point | None = None) -> None:
        """Draw all distances, and the one that is being made up to the pointer."""
        layer = self._layer()
        if layer is None:
            return
        lines = list(self._lines)
        self._pointer = pointer
        if self._start is not None and pointer is not None and pointer != self._start:
            lines.append((self._start, pointer))
        shown = [(line, self._text(line)) for line in lines]
        zoom = float(camera(self._controls.viewer).zoom)
        draw(layer, shown, zoom, self._controls.orientation.transposed)

    def _on_move(self) -> None:
        if self._lines or self._start is not None:
            self._show(self._pointer)
