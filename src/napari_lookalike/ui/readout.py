"""Objective power and µm per screen pixel in a corner of the canvas, while a slide is shown."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from napari_lookalike.session.power import Readout, resolve_readout
from napari_lookalike.ui.view_controls import ViewControls, slide_layers
from napari_lookalike.ui.viewer_names import scale_bar, text_overlay

AFTER_MS = 150
"""The readout follows when the zoom has stood for so long."""


def readout_of(controls: ViewControls) -> Readout:
    """What is to be said of the zoom; empty without a slide."""
    field, facts = controls.field(), controls.facts
    if field is None or facts is None:
        return Readout()
    return resolve_readout(field.downsample, facts.mpp)


class CanvasReadout:
    """Writes the readout on the canvas, unless somebody else writes there.

    Switches napari's scale bar on with the first slide; the user may switch it off.

    Parameters
    ----------
    controls
        Of the viewer.
    """

    def __init__(self, controls: ViewControls) -> None:
        self._controls = controls
        self._written = ""
        self._bar = False
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self._update)
        controls.moved.connect(self._soon)
        self._update()

    def _soon(self) -> None:
        """Laying out text takes the canvas several milliseconds: not in every frame."""
        if self._bar:
            self._timer.start()
        else:  # the first slide: at once
            self._update()

    def _update(self) -> None:
        viewer = self._controls.viewer
        if viewer is None:
            return
        if not self._bar and slide_layers(viewer):
            bar = scale_bar(viewer)
            bar.box = bar.visible = self._bar = True  # the box: legible on glass and on tissue
        overlay = text_overlay(viewer)
        if overlay.text not in ("", self._written):
            return  # another plugin's or the user's
        said = readout_of(self._controls)
        orientation = self._controls.orientation.words
        # napari's plate is a little too narrow for its text: unbreakable spaces widen it.
        text = "\n".join(f"{line}\u00a0\u00a0" for line in (orientation, said.short) if line)
        if text == self._written:
            return
        overlay.box = True
        overlay.position = "bottom_left"
        overlay.text = self._written = text
        overlay.visible = bool(text)
