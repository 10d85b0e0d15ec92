"""Colours as the scanner's profile says, on every slide of a viewer, while the session wants it."""

from __future__ import annotations

from napari_lookalike.session.session import Session
from napari_lookalike.ui.slide_layer import source_of
from napari_lookalike.ui.view_controls import ViewControls, slide_layers


class Calibration:
    """Carries `Session.colour_managed` to the slides, those that come later too.

    Parameters
    ----------
    session
        Of the viewer.
    controls
        Of the viewer.
    """

    def __init__(self, session: Session, controls: ViewControls) -> None:
        self._session, self._controls = session, controls
        session.events.colour_managed.connect(self._apply)
        controls.slide_changed.connect(self._apply)

    def _apply(self, *_: object) -> None:
        viewer, wanted = self._controls.viewer, self._session.colour_managed
        for layer in () if viewer is None else slide_layers(viewer):
            source = source_of(layer)
            if source is not None and source.colour_managed != wanted:
                source.set_colour_managed(wanted)
