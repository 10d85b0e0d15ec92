"""Draws an imported map over the slide that has it."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from napari.layers import Image

from napari_lookalike.session.overlay import OverlayView
from napari_lookalike.session.session import ShownMap
from napari_lookalike.session.stored_maps import resolve_map_overlay
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.canvas import Canvas
from napari_lookalike.ui.layer_choice import by_itself
from napari_lookalike.ui.layer_status import of_tile, say_values
from napari_lookalike.ui.notify import report
from napari_lookalike.ui.overlay_layers import KEY, layer_units, our_layers
from napari_lookalike.ui.sessions import unwrap, workspace_for

COLORMAP = "viridis"
"""Another one than attention's, so that nobody takes the one for the other."""


class MapLayer:
    """The layer of the map that `Session.shown_map` names; none if the slide does not have it.

    Parameters
    ----------
    canvas
        What shows the slide; the viewer and the state are its. It removes all layers of a
        slide when another comes.
    """

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.session = canvas, canvas.session
        self._maps = Background(self.session)
        self._to_tell = False
        self.session.events.shown_map.connect(self._on_choice)
        canvas.viewer.layers.events.inserted.connect(self._on_layer)

    def _viewer(self) -> Any:
        return self.canvas.viewer

    def _on_choice(self, shown: ShownMap | None) -> None:
        self._to_tell = shown is not None
        self._show()

    def _on_layer(self, event: Any) -> None:
        about = event.value.metadata.get(KEY, {})
        if about.get("kind") == "slide" and about.get("slide_id") == self.session.slide_id:
            self._show()

    def _show(self, *_: object) -> None:
        self._maps.forget()
        self._remove()
        project, shown = self.session.project, self.session.shown_map
        slide_id = self.session.slide_id
        if project is None or shown is None or slide_id is None or self.canvas.slide is None:
            return
        work = partial(resolve_map_overlay, project, slide_id, shown)
        self._maps.run(work, self._draw, self._failed)

    def _failed(self, error: BaseException) -> None:
        report(self.session, error)

    @by_itself
    def _remove(self) -> None:
        viewer = self._viewer()
        if viewer is not None:
            for layer in our_layers(viewer, "imported map"):
                viewer.layers.remove(layer)

    @by_itself
    def _draw(self, view: OverlayView | None) -> None:
        viewer: Any = self._viewer()
        slide = self.canvas.slide
        self._remove()
        if viewer is None or view is None or slide is None:
            return
        mpp_xy, units = layer_units(slide)
        layer = Image(
            view.overlay.image,
            name=view.title,
            colormap=COLORMAP,
            contrast_limits=view.limits,
            interpolation2d="nearest",
            opacity=0.5,
            scale=view.overlay.napari_scale(mpp_xy),
            translate=view.overlay.napari_translate(mpp_xy),
            units=units,
            metadata={KEY: {"kind": "imported map", "of_project": True, "legend": view.legend}},
        )
        say_values(layer, of_tile)
        viewer.add_layer(layer)
        # Active, so that the value under the pointer is in the status bar.
        viewer.layers.selection.active = layer
        if self._to_tell:
            self._to_tell = False
            low, high = view.limits
            self.session.say(f"{view.legend}. Dark is {low:.3g}, bright {high:.3g}.")


_made: weakref.WeakKeyDictionary[Any, MapLayer] = weakref.WeakKeyDictionary()


def map_layer_for(viewer: Any) -> MapLayer:
    """The viewer's, made at the first call."""
    viewer = unwrap(viewer)
    if viewer not in _made:
        _made[viewer] = MapLayer(workspace_for(viewer).canvas)
    return _made[viewer]
