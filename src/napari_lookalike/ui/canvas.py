"""Binds napari's canvas to the session: slide, tissue and attention layers, and the camera.

Layers are views of the session. They are found by ``layer.metadata["napari-lookalike"]``,
never by name, since the user may rename or delete any of them.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image, Layer

from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.tissue import TissueMask, find_tissue
from napari_lookalike.session.overlay import OverlayView, resolve_overlay
from napari_lookalike.session.session import Focus, OverlaySettings, Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.slide_layer import add_slide, layer_complete
from napari_lookalike.ui.viewer_names import camera, canvas_size

KEY = "napari-lookalike"
COLORMAP = "plasma"


def our_layers(viewer: Any, kind: str | None = None) -> list[Layer]:
    """Layers of the project's open slide: of that kind ("slide", "tissue", "attention") or all.

    A slide that was opened by itself belongs to no project and is left alone.
    """
    found = []
    for layer in viewer.layers:
        about = layer.metadata.get(KEY, {})
        if about.get("of_project") and kind in (None, about.get("kind")):
            found.append(layer)
    return found


def layer_units(slide: Slide) -> tuple[tuple[float, float], tuple[str, str]]:
    """``(mpp_x, mpp_y)`` and napari units: micrometres if the scale is known, else pixels."""
    if slide.scale.mpp_x is None or slide.scale.mpp_y is None:
        return (1.0, 1.0), ("pixel", "pixel")
    return (slide.scale.mpp_x, slide.scale.mpp_y), ("um", "um")


class Canvas:
    """The slide on the canvas and what lies over it.

    Slow reading happens in threads; an answer that comes after the user went on to
    another slide is dropped (each request has a number).

    Parameters
    ----------
    viewer
        The napari viewer.
    session
        The state that it shows.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer, self.session = weakref.ref(viewer), session
        self.slide: Slide | None = None
        self.overlay: OverlayView | None = None
        self._background = Background(session)
        events = session.events
        events.slide_id.connect(self._on_slide)
        events.results.connect(self._on_overlay)
        events.overlay.connect(self._on_overlay_settings)
        events.focus.connect(self._on_focus)
        events.tissue.connect(self._find_tissue)
        events.show_tissue.connect(self._on_show_tissue)
        if session.slide_id:
            self._on_slide(session.slide_id)

    def close(self) -> None:
        """Let go of the session and the file."""
        events = self.session.events
        events.slide_id.disconnect(self._on_slide)
        events.results.disconnect(self._on_overlay)
        events.overlay.disconnect(self._on_overlay_settings)
        events.focus.disconnect(self._on_focus)
        events.tissue.disconnect(self._find_tissue)
        events.show_tissue.disconnect(self._on_show_tissue)
        self._background.forget()
        if self.slide is not None:
            self.slide.close()
            self.slide = None

    @property
    def viewer(self) -> Any:
        """The viewer; held weakly, since the viewer's workspace holds this canvas."""
        return self._viewer()

    @property
    def loading(self) -> bool:
        """Whether something is being read that will change what is shown."""
        slides = our_layers(self.viewer, "slide")
        return self._background.busy or not all(layer_complete(layer) for layer in slides)

    def _on_slide(self, slide_id: str | None) -> None:
        self._background.forget()
        for layer in our_layers(self.viewer):
            self.viewer.layers.remove(layer)
        if self.slide is not None:
            self.slide.close()
        self.slide = self.overlay = None
        project = self.session.project
        if slide_id is not None and project is not None:
            self._background.run(partial(project.open_slide, slide_id), self._show_slide)

    def _show_slide(self, slide: Slide) -> None:
        slide_id = self.session.slide_id or slide.name
        self.slide = slide
        layer = add_slide(self.viewer, slide, slide_id)
        layer.metadata[KEY] = {**layer.metadata[KEY], "of_project": True}
        self.viewer.layers.selection.active = layer
        self._look_at(self.session.focus)
        self._on_overlay()
        self._find_tissue()

    def _find_tissue(self, *_: object) -> None:
        project, slide = self.session.project, self.slide
        if project is not None and slide is not None and self.session.show_tissue:
            settings = self.session.tissue or project.settings.tissue
            self._background.run(partial(find_tissue, slide, settings), self._show_tissue)

    def _on_show_tissue(self, wanted: bool) -> None:
        shown = our_layers(self.viewer, "tissue")
        if wanted and not shown:
            self._find_tissue()
        for layer in shown:
            layer.visible = wanted

    def _show_tissue(self, found: TissueMask) -> None:
        for old in our_layers(self.viewer, "tissue"):
            self.viewer.layers.remove(old)
        if self.slide is None:
            return
        (mpp_x, mpp_y), units = layer_units(self.slide)
        down_x, down_y = found.downsample_xy
        shown = np.where(found.mask, np.float32(1), np.float32(np.nan))
        layer = self.viewer.add_image(
            shown,
            name=f"Tissue · {self.session.slide_id}",
            colormap="green",
            contrast_limits=(0, 1),
            opacity=0.35,
            visible=self.session.show_tissue,
            scale=(down_y * mpp_y, down_x * mpp_x),
            translate=((down_y - 1) / 2 * mpp_y, (down_x - 1) / 2 * mpp_x),
            units=units,
            metadata={KEY: {"kind": "tissue", "of_project": True}},
        )
        self._select_slide_again(layer)

    def _on_overlay(self, *_: object) -> None:
        project, results = self.session.project, self.session.results
        slide_id, settings = self.session.slide_id, self.session.overlay
        if self.slide is None or project is None or slide_id is None or results is None:
            self._remove_overlay()
            return
        work = partial(resolve_overlay, project, results, slide_id, settings)
        self._background.run(work, self._show_overlay)

    def _on_overlay_settings(self, new: OverlaySettings, old: OverlaySettings) -> None:
        if (new.values, new.branch) != (old.values, old.branch):
            self._on_overlay()
            return
        for layer in our_layers(self.viewer, "attention"):
            layer.visible, layer.opacity = new.visible, new.opacity

    def _remove_overlay(self) -> None:
        self.overlay = None
        for layer in our_layers(self.viewer, "attention"):
            self.viewer.layers.remove(layer)

    def _show_overlay(self, view: OverlayView | None) -> None:
        self._remove_overlay()
        if view is None or self.slide is None:
            return
        mpp_xy, units = layer_units(self.slide)
        self.overlay = view
        settings = self.session.overlay
        layer = self.viewer.add_image(
            view.overlay.image,
            name=view.title,
            colormap=COLORMAP,
            contrast_limits=view.limits,
            interpolation2d="nearest",
            opacity=settings.opacity,
            visible=settings.visible,
            scale=view.overlay.napari_scale(mpp_xy),
            translate=view.overlay.napari_translate(mpp_xy),
            units=units,
            metadata={
                KEY: {
                    "kind": "attention",
                    "of_project": True,
                    "legend": view.legend,
                }
            },
        )
        self._select_slide_again(layer)

    def _select_slide_again(self, added: Image) -> None:
        """Keep the slide active, but for the attention layer: its values go to the status bar."""
        if added.metadata[KEY]["kind"] == "attention" and added.visible:
            self.viewer.layers.selection.active = added
            return
        over = [layer for layer in our_layers(self.viewer, "attention") if layer.visible]
        active = over or our_layers(self.viewer, "slide")
        if active:
            self.viewer.layers.selection.active = active[0]

    def _on_focus(self, focus: Focus | None) -> None:
        self._look_at(focus)

    def _look_at(self, focus: Focus | None) -> None:
        """Move the camera to the place that was asked for, else show the whole slide."""
        if self.slide is None:
            return
        if focus is None or focus.slide_id != self.session.slide_id:
            self.viewer.reset_view()
            return
        (mpp_x, mpp_y), _ = layer_units(self.slide)
        camera(self.viewer).center = ((focus.y_px0 - 0.5) * mpp_y, (focus.x_px0 - 0.5) * mpp_x)
        if focus.width_px0 > 0:
            height, width = canvas_size(self.viewer)
            camera(self.viewer).zoom = min(width, height) / (focus.width_px0 * mpp_x)
