"""Draws the evidence tiles of the open slide on napari's canvas, and tells what they say."""

from __future__ import annotations

from html import escape
from typing import Any

from napari.layers import Shapes
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QToolTip

from napari_lookalike.core.slides.base import Slide
from napari_lookalike.session.evidence_view import EvidenceFrame, resolve_evidence, said_at
from napari_lookalike.ui.canvas import Canvas
from napari_lookalike.ui.evidence_shapes import KIND, add_evidence, draw, tag_px0
from napari_lookalike.ui.garbage import collected_later
from napari_lookalike.ui.layer_choice import by_itself
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.viewer_names import camera, is_open, window_of

AFTER_SLIDE_MS = 250
"""Tiles come so long after their slide: who pages through slides does not wait for them."""
AFTER_MARK_MS = 30
"""So long after a mark, which tells of itself twice."""
ZOOM_AFTER_MS = 150
"""Lines get their width back when the zoom has stood for so long."""
SAME_ZOOM = 1.1
"""A zoom that changed by less needs no new lines."""


class EvidenceLayer:
    """The layer "Evidence tiles" of one viewer; there is none where there are no tiles.

    The canvas takes it away with its slide. Whoever hides it (the eye in the layer list) does
    not see it on the next slide either. Window's thread.

    Parameters
    ----------
    canvas
        What shows the slide; the viewer and the state are its.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas, self._session = canvas, canvas.session
        self.visible = True
        self.frames: tuple[EvidenceFrame, ...] = ()
        self._zoom = 0.0
        self._told = ""
        self._soon, self._zoomed = QTimer(), QTimer()
        for timer, act in ((self._soon, self._settle), (self._zoomed, self._redraw)):
            timer.setSingleShot(True)
            timer.timeout.connect(act)
        events, viewer = self._session.events, self._viewer()
        self._slots = (
            (events.slide_id, self._on_left),
            (events.evidence, self._later),
            (events.marks, self._later),
            (events.expert, self._later),
            (canvas.shown, self._on_shown),
        )
        for signal, slot in self._slots:
            signal.connect(slot)
        viewer.layers.events.inserted.connect(self._on_inserted)
        camera(viewer).events.zoom.connect(self._on_zoom)
        viewer.mouse_move_callbacks.append(self._on_pointer)

    def _viewer(self) -> Any:
        return self._canvas.viewer

    def close(self) -> None:
        """Let go of the session and the viewer; may be called again."""
        self._on_left()
        self._soon.stop()
        for signal, slot in self._slots:
            signal.disconnect(slot, missing_ok=True)
        viewer = self._viewer()
        if viewer is None:
            return
        viewer.layers.events.inserted.disconnect(self._on_inserted)
        camera(viewer).events.zoom.disconnect(self._on_zoom)
        if self._on_pointer in viewer.mouse_move_callbacks:
            viewer.mouse_move_callbacks.remove(self._on_pointer)

    def layer(self) -> Shapes | None:
        """The layer, whatever it is called; ``None`` if there is none."""
        viewer = self._viewer()
        found = our_layers(viewer, KIND) if is_open(viewer) else []
        return found[0] if found else None

    # -- what is drawn ------------------------------------------------------------

    def _on_left(self, *_: object) -> None:
        """The slide was left: the canvas took its layers away, and may show the next already."""
        self.frames = ()
        self._zoomed.stop()
        self._tell("")

    def _on_shown(self) -> None:
        self._soon.start(AFTER_SLIDE_MS)

    def _later(self, *_: object) -> None:
        if self._canvas.slide is not None and not self._soon.isActive():
            self._soon.start(AFTER_MARK_MS)

    @by_itself
    def _settle(self) -> None:
        slide = self._canvas.slide
        if slide is None or not is_open(self._viewer()):
            return
        before, self.frames = self.frames, resolve_evidence(self._session)
        layer = self.layer()
        if not self.frames:
            self._remove(layer)
        elif layer is None:
            self._add(slide)
        else:
            if self.frames != before:
                self._draw(layer)
            self._raise(layer)

    def _add(self, slide: Slide) -> None:
        viewer: Any = self._viewer()
        chosen = set(viewer.layers.selection)
        self._zoom = float(camera(viewer).zoom)
        layer = add_evidence(viewer, slide, self.frames, self._zoom, self.visible)
        viewer.layers.selection = chosen  # values of the attention go on being told
        layer.events.visible.connect(self._on_eye)

    def _remove(self, layer: Shapes | None) -> None:
        viewer: Any = self._viewer()
        self._tell("")
        if layer is not None:
            with collected_later():
                viewer.layers.remove(layer)

    def _draw(self, layer: Shapes) -> None:
        self._zoom = float(camera(self._viewer()).zoom)
        draw(layer, self.frames, self._zoom)

    def _on_eye(self, *_: object) -> None:
        layer = self.layer()
        if layer is not None:
            self.visible = layer.visible
            self._tell("")

    # -- the zoom, and what lies over it --------------------------------------------

    def _on_zoom(self, *_: object) -> None:
        if self.frames:
            self._zoomed.start(ZOOM_AFTER_MS)

    def _redraw(self) -> None:
        layer = self.layer()
        if layer is not None and self.frames:
            change = float(camera(self._viewer()).zoom) / self._zoom
            if not 1 / SAME_ZOOM < change < SAME_ZOOM:
                self._draw(layer)

    def _on_inserted(self, event: Any) -> None:
        if self.frames and event.value is not self.layer():
            self._later()  # attention came: the tiles stay above it

    def _raise(self, layer: Shapes) -> None:
        viewer: Any = self._viewer()
        layers = viewer.layers
        top = max(layers.index(one) for one in our_layers(viewer))
        if layers.index(layer) < top:
            layers.move(layers.index(layer), top + 1)

    # -- what they say ----------------------------------------------------------------

    def _on_pointer(self, _viewer: Any, event: Any) -> None:
        if not self.frames:
            return
        layer = self.layer()
        if layer is None or not layer.visible:
            return
        (row, column), (scale_y, scale_x) = event.position[-2:], layer.scale[-2:]
        width, height = tag_px0((scale_y, scale_x), float(camera(self._viewer()).zoom))
        place = (column / scale_x + 0.5, row / scale_y + 0.5)
        self._tell(said_at(self.frames, *place, (width / 2, height / 2)))

    def _tell(self, text: str) -> None:
        """Show what is said beside the pointer; empty: nothing."""
        if text == self._told:
            return
        self._told = text
        window = window_of(self._viewer()) if is_open(self._viewer()) else None
        if window is not None:
            # Names that experts typed are no markup.
            QToolTip.showText(QCursor.pos(), escape(text).replace("\n", "<br>"), window)
