"""Binds napari's canvas to the session: slide, tissue and attention layers, and the camera.

Layers are views of the session. They are found by ``layer.metadata["napari-lookalike"]``,
never by name, since the user may rename or delete any of them.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image
from psygnal import Signal

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.early import EarlyAnswer
from napari_lookalike.core.errors import TissueError
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.core.tissue import TissueMask, find_tissue
from napari_lookalike.session.early_view import CoverageView, early_of, resolve_early_overlay
from napari_lookalike.session.overlay import OverlayView, resolve_overlay
from napari_lookalike.session.session import Focus, OverlaySettings, Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.garbage import collected_later
from napari_lookalike.ui.layer_choice import by_itself
from napari_lookalike.ui.layer_status import or_none, say_values
from napari_lookalike.ui.notify import report
from napari_lookalike.ui.overlay_layers import (
    KEY,
    add_attention,
    add_coverage,
    layer_units,
    our_layers,
    refine_attention,
    refine_coverage,
)
from napari_lookalike.ui.slide_layer import add_slide, layer_complete
from napari_lookalike.ui.viewer_names import camera, canvas_size, centre_on
from napari_lookalike.ui.warm import Ready, WarmSlides, close_source, file_and_scale, open_warm


class Canvas:
    """The slide on the canvas and what lies over it.

    Slow reading happens in threads; an answer that comes after the user went on to
    another slide is dropped (each request has a number).

    Attributes
    ----------
    shown
        Signal: a slide is on the canvas.

    Parameters
    ----------
    viewer
        The napari viewer.
    session
        The state that it shows.
    """

    shown = Signal()

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer, self.session = weakref.ref(viewer), session
        self.slide: Slide | None = None
        self._source: TileSource | None = None
        self.warm = WarmSlides(session)
        self.overlay: OverlayView | None = None
        self._record: SlideRecord | None = None
        self._slides = Background(session)
        self._overlays = Background(session)
        self._tissues = Background(session)
        events = session.events
        self._slots = (
            (events.slide_id, self._on_slide),
            (events.cohort, self._on_cohort),
            (events.results, self._on_overlay),
            (events.embedded, self._on_embedded),
            (events.early, self._on_early),
            (events.overlay, self._on_overlay_settings),
            (events.focus, self._on_focus),
            (events.tissue, self._find_tissue),
            (events.show_tissue, self._on_show_tissue),
        )
        for signal, slot in self._slots:
            signal.connect(slot)
        if session.slide_id:
            self._on_slide(session.slide_id)

    def close(self) -> None:
        """Let go of the session and the file; may be called again."""
        for signal, slot in self._slots:
            signal.disconnect(slot, missing_ok=True)
        self._forget()
        self.warm.close()
        self._close_slide()

    def _close_slide(self) -> None:
        if self._source is not None:
            close_source(self._source)
        self.slide = self._source = None

    def _forget(self) -> None:
        for background in (self._slides, self._overlays, self._tissues):
            background.forget()

    @property
    def viewer(self) -> Any:
        """The viewer; held weakly, since the viewer's workspace holds this canvas."""
        return self._viewer()

    @property
    def loading(self) -> bool:
        """Whether something is being read that will change what is shown."""
        if self._slides.busy or self._overlays.busy or self._tissues.busy:
            return True
        slides = our_layers(self.viewer, "slide")
        return not all(layer_complete(layer) for layer in slides)

    def _on_slide(self, slide_id: str | None) -> None:
        self._forget()
        self._remove()
        self._close_slide()
        self.overlay = self._record = None
        project = self.session.project
        if slide_id is None or project is None or slide_id not in project.cohort:
            return
        self._record = project.cohort[slide_id]
        ready = self.warm.take(self._record)
        if ready is not None:
            self._show_slide(ready.source, ready)
            return
        work = partial(open_warm, project, slide_id)
        self._slides.run(work, self._show_slide, dropped=close_source)

    def _on_cohort(self, cohort: Cohort) -> None:
        """Open the slide again where its file or its scale was changed."""
        slide_id, shown = self.session.slide_id, self._record
        if slide_id is None or shown is None or slide_id not in cohort:
            return
        if file_and_scale(cohort[slide_id]) != file_and_scale(shown):
            self._on_slide(slide_id)

    def _on_embedded(self, now: frozenset[str], before: frozenset[str]) -> None:
        slide_id = self.session.slide_id
        if (slide_id in now) != (slide_id in before):
            self._on_overlay()

    @by_itself
    def _show_slide(self, source: TileSource, ready: Ready | None = None) -> None:
        slide = source.slide
        slide_id = self.session.slide_id or slide.name
        self.slide, self._source = slide, source
        if not slide.scale.known:
            self._say_that_it_has_no_scale(slide_id, slide)
        layer = add_slide(self.viewer, source, slide_id)
        layer.metadata[KEY] = {**layer.metadata[KEY], "of_project": True}
        self.viewer.layers.selection.active = layer
        self._look_at(self.session.focus)
        results = self.session.results
        known = ready and results and ready.overlay_of(results, self.session.overlay)
        if known:
            self._show_overlay(known)
        else:
            self._on_overlay()
        self._find_tissue()
        self.warm.neighbours_later()
        self.shown.emit()

    def _say_that_it_has_no_scale(self, slide_id: str, slide: Slide) -> None:
        if self._record is None or self._record.level0_tiles:
            return
        self.session.say(
            f"Slide {slide_id} is shown in pixels, since its µm per pixel are not known. "
            f"{slide.scale.reason} Give its mpp in the table of Project before it is embedded.",
            "warning",
        )

    def _find_tissue(self, *_: object) -> None:
        self._tissues.forget()
        project, slide = self.session.project, self.slide
        if project is not None and slide is not None and self.session.show_tissue:
            settings = self.session.tissue or project.settings.tissue
            work = partial(find_tissue, slide, settings)
            self._tissues.run(work, self._show_tissue, self._no_tissue)

    def _no_tissue(self, error: BaseException) -> None:
        self._remove("tissue")
        if isinstance(error, TissueError):  # the slide itself does not know its slide_id
            error = TissueError(error.what, error.remedy, self.session.slide_id)
        report(self.session, error)

    def _on_show_tissue(self, wanted: bool) -> None:
        self._remove("tissue")  # what was found with other thresholds must not come back
        if wanted:
            self._find_tissue()

    @by_itself
    def _remove(self, kind: str | None = None) -> None:
        found = our_layers(self.viewer, kind)
        if found:
            with collected_later():
                for layer in found:
                    self.viewer.layers.remove(layer)

    @by_itself
    def _show_tissue(self, found: TissueMask) -> None:
        self._remove("tissue")
        if self.slide is None or not self.session.show_tissue:
            return
        (mpp_x, mpp_y), units = layer_units(self.slide)
        down_x, down_y = found.downsample_xy
        shown = np.where(found.mask, np.float32(1), np.float32(np.nan))
        layer = Image(
            shown,
            name=f"Tissue · {self.session.slide_id}",
            colormap="green",
            contrast_limits=(0, 1),
            opacity=0.35,
            scale=(down_y * mpp_y, down_x * mpp_x),
            translate=((down_y - 1) / 2 * mpp_y, (down_x - 1) / 2 * mpp_x),
            units=units,
            metadata={KEY: {"kind": "tissue", "of_project": True}},
        )
        say_values(layer, partial(or_none, named="tissue", none="no tissue"))
        self.viewer.add_layer(layer)
        over = our_layers(self.viewer, "attention")
        if over:  # attention stays on top
            layers = self.viewer.layers
            layers.move(layers.index(layer), layers.index(over[0]))
        self._select_slide_again(layer)

    def _on_overlay(self, *_: object) -> None:
        project, results = self.session.project, self.session.results
        slide_id, settings = self.session.slide_id, self.session.overlay
        self._overlays.forget()
        if self.slide is None or project is None or slide_id is None or results is None:
            self._show_early()
            return
        if early_of(self.session) is not None:
            self._show_early()
            return
        if slide_id not in self.session.embedded:  # the panels say so; it is no error
            self._remove_overlay()
            return
        work = partial(resolve_overlay, project, results, slide_id, settings)
        self._overlays.run(work, self._show_overlay, self._overlay_failed)

    def _on_early(self, now: EarlyAnswer | None) -> None:
        if now is None:  # what takes its place, if anything
            self._on_overlay()
        elif early_of(self.session) is not None:
            self._overlays.forget()
            self._show_early()

    def _show_early(self) -> None:
        """What is known of a slide that is being embedded: its attention, else its tiles."""
        early, results = early_of(self.session), self.session.results
        if early is None or self.slide is None:
            self._remove_overlay()
            return
        view = resolve_early_overlay(early, results, self.session.overlay)
        if isinstance(view, CoverageView):
            self._show_coverage(view)
        else:
            self._show_overlay(view, early=True)

    @by_itself
    def _show_coverage(self, view: CoverageView) -> None:
        if self.slide is None or refine_coverage(self.viewer, view):
            return
        self._remove_overlay()
        self._select_slide_again(add_coverage(self.viewer, self.slide, view))

    def _on_overlay_settings(self, new: OverlaySettings, old: OverlaySettings) -> None:
        if (new.values, new.branch) != (old.values, old.branch):
            self._on_overlay()
            return
        shown = our_layers(self.viewer, "attention")
        if new.visible and not shown:  # the user deleted the layer and wants it back
            self._on_overlay()
        for layer in shown:
            layer.visible, layer.opacity = new.visible, new.opacity

    def _overlay_failed(self, error: BaseException) -> None:
        self._remove_overlay()
        report(self.session, error)

    def _remove_overlay(self) -> None:
        self.overlay = None
        self._remove("attention")
        self._remove("coverage")

    @by_itself
    def _show_overlay(self, view: OverlayView | None, early: bool = False) -> None:
        # An early map is drawn anew every few seconds: its layer stays, and what was done to it.
        if view is not None and early and refine_attention(self.viewer, view):
            self.overlay = view
            return
        self._remove_overlay()
        if view is None or self.slide is None:
            return
        self.overlay = view
        layer = add_attention(self.viewer, self.slide, view, self.session.overlay, early)
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
        if focus is not None:
            self._look_at(focus)

    def _look_at(self, focus: Focus | None) -> None:
        """Move the camera to the place that was asked for, else show the whole slide."""
        if self.slide is None:
            return
        if focus is None or focus.slide_id != self.session.slide_id:
            self.viewer.reset_view()
            return
        (mpp_x, mpp_y), _ = layer_units(self.slide)
        centre_on(self.viewer, (focus.y_px0 - 0.5) * mpp_y, (focus.x_px0 - 0.5) * mpp_x)
        if focus.width_px0 > 0:
            height, width = canvas_size(self.viewer)
            camera(self.viewer).zoom = min(width, height) / (focus.width_px0 * mpp_x)
