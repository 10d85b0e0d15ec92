"""Moves the camera the way a pathologist thinks of it: objective power, turning, places.

``camera.zoom`` is canvas pixels per unit of the world (µm, or level-0 pixels where mpp is not
known). A canvas pixel is Qt's, as are ``canvas.size`` and the places of mouse events: on a
screen with a scale of 200 % it is two by two pixels of the device. napari chooses the level by
canvas pixels too. So powers are per canvas pixel, and 20x looks as large on every screen.
``camera.center`` is in the order of the *displayed* axes: (column, row) while the slide is
transposed. Nobody but this module and `canvas` needs to know.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.session.orientation import UPRIGHT, Mirror, Orientation
from napari_lookalike.session.power import um_per_pixel
from napari_lookalike.session.slide_view import SlideFacts
from napari_lookalike.ui.viewer_names import camera, canvas_size, centre_on, is_open, transposed

KEY = "napari-lookalike"
IDENTIFYING = ("label", "macro", "overview")
"""Parts of the names of associated images that show the glass and what is written on it."""


@dataclass(frozen=True)
class Field:
    """What the canvas shows of a slide.

    Parameters
    ----------
    region
        The rectangle, level-0 pixels; may reach beyond the slide.
    downsample
        Level-0 pixels per screen pixel.
    orientation
        How the slide lies on the screen.
    """

    region: Region
    downsample: float
    orientation: Orientation

    @property
    def centre_px0(self) -> tuple[float, float]:
        """(x, y) of its middle, level-0 pixels."""
        r = self.region
        return r.x + r.width / 2, r.y + r.height / 2


def slide_layers(viewer: Any) -> list[Image]:
    """All layers that show a slide, of the project or opened by themselves."""
    return [layer for layer in viewer.layers if layer.metadata.get(KEY, {}).get("kind") == "slide"]


def slide_of(layer: Image) -> Slide:
    """The open slide that a layer shows."""
    source = layer.metadata["tile_source"]
    slide: Slide = getattr(source, "slide", source)
    return slide


class ViewControls:
    """The camera of one viewer, and which slide it is on. Window's thread.

    Attributes
    ----------
    moved
        Signal: the field, the zoom or the orientation changed.
    slide_changed
        Signal: another slide is looked at, or none.

    Parameters
    ----------
    viewer
        napari's viewer itself, not a proxy of it; held weakly.
    """

    moved = Signal()
    slide_changed = Signal()

    def __init__(self, viewer: Any) -> None:
        self._viewer = weakref.ref(viewer)
        self._known: tuple[weakref.ref[Image], bool, tuple[str, ...]] | None = None
        self._told: SlideFacts | None = None
        self._waiting = False
        self._turning = False
        look = camera(viewer).events
        for event in (look.zoom, look.center, look.orientation, viewer.dims.events.order):
            event.connect(self._on_move)
        viewer.canvas.events.size.connect(self._on_move)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed):
            event.connect(self._on_layers)
        viewer.layers.selection.events.active.connect(self._on_layers)
        self._on_layers()

    @property
    def viewer(self) -> Any:
        """The viewer."""
        return self._viewer()

    # -- which slide --------------------------------------------------------------

    def layer(self) -> Image | None:
        """The layer of the slide that is looked at.

        The active one if it is a slide; else the project's, else the topmost that shows.
        """
        found = slide_layers(self.viewer)
        active: Image | None = self.viewer.layers.selection.active
        if active in found:
            return active
        ours = [layer for layer in found if layer.metadata[KEY].get("of_project")]
        visible = [layer for layer in found if layer.visible]
        best = ours or visible or found
        return best[-1] if best else None

    def slide(self) -> Slide | None:
        """The slide that is looked at."""
        layer = self.layer()
        return None if layer is None else slide_of(layer)

    @property
    def facts(self) -> SlideFacts | None:
        """What is known of it; ``None`` without a slide."""
        layer: Any = self.layer()
        if layer is None:
            return None
        known = self._known
        if known is None or known[0]() is not layer:
            self._known = known = (weakref.ref(layer), *_contents(slide_of(layer)))
        about, slide = layer.metadata[KEY], slide_of(layer)
        return SlideFacts(
            about["slide_id"],
            slide.fingerprint,
            bool(about.get("of_project")),
            slide.size,
            slide.scale.mpp,
            *known[1:],
        )

    def _on_layers(self, *_: object) -> None:
        viewer = self.viewer
        if not is_open(viewer):
            return
        if not slide_layers(viewer):
            self.set_orientation(UPRIGHT)  # the next slide lies as it was scanned
        if not self._waiting:
            # Whoever adds a layer may have more to write into its metadata: come after that.
            self._waiting = True
            QTimer.singleShot(0, self._settle)

    def _settle(self) -> None:
        self._waiting = False
        if not is_open(self.viewer):
            return
        facts = self.facts
        if facts != self._told:
            self._told = facts
            self.slide_changed.emit()
            self.moved.emit()

    # -- where --------------------------------------------------------------------

    def _on_move(self, *_: object) -> None:
        if not self._turning and is_open(self.viewer):
            self.moved.emit()

    @property
    def orientation(self) -> Orientation:
        """How the world lies on the screen."""
        viewer = self.viewer
        up, left = camera(viewer).orientation2d
        return Orientation(transposed(viewer), left=str(left) == "left", up=str(up) == "up")

    def _world(self) -> tuple[float, float]:
        """(row, column) of the middle of the canvas."""
        first, second = camera(self.viewer).center[-2:]
        return (second, first) if self.orientation.transposed else (first, second)

    def _scale(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """((scale, translate) of rows, the same of columns) of the slide's layer."""
        layer = self.layer()
        if layer is None:
            return None
        (row_scale, scale), (row_at, at) = layer.scale[-2:], layer.translate[-2:]
        return (float(row_scale), float(row_at)), (float(scale), float(at))

    def field(self) -> Field | None:
        """What the canvas shows; ``None`` without a slide."""
        scales = self._scale()
        zoom = float(camera(self.viewer).zoom)
        if scales is None or zoom <= 0:
            return None
        (scale_y, at_y), (scale_x, at_x) = scales
        orientation, (row, column) = self.orientation, self._world()
        height, width = canvas_size(self.viewer)
        if orientation.transposed:
            height, width = width, height
        x, y = (column - at_x) / scale_x + 0.5, (row - at_y) / scale_y + 0.5
        wide, high = width / zoom / scale_x, height / zoom / scale_y
        region = Region(x - wide / 2, y - high / 2, wide, high)
        return Field(region, 2 / (zoom * (scale_x + scale_y)), orientation)

    def look_at(self, x_px0: float, y_px0: float, downsample: float | None = None) -> None:
        """Centre a place of the slide.

        Parameters
        ----------
        x_px0, y_px0
            Level-0 pixels.
        downsample
            Level-0 pixels per screen pixel; ``None`` = keep the zoom.
        """
        scales = self._scale()
        if scales is None:
            return
        (scale_y, at_y), (scale_x, at_x) = scales
        if downsample is not None:
            camera(self.viewer).zoom = 2 / (downsample * (scale_x + scale_y))
        row, column = (y_px0 - 0.5) * scale_y + at_y, (x_px0 - 0.5) * scale_x + at_x
        centre_on(self.viewer, row, column)

    def set_power(self, power: float) -> bool:
        """Zoom to an objective power about the centre; ``False`` if mpp is not known."""
        facts = self.facts
        if facts is None or facts.mpp is None:
            return False
        camera(self.viewer).zoom = 1 / um_per_pixel(power)
        return True

    def set_native(self) -> bool:
        """One screen pixel for each pixel of the slide; ``False`` without a slide."""
        field = self.field()
        if field is None:
            return False
        self.look_at(*field.centre_px0, 1.0)
        return True

    def show_all(self) -> bool:
        """Fit the whole slide into the canvas; ``False`` without a slide."""
        layer = self.layer()
        if layer is None:
            return False
        self.viewer.fit_to_view(layers=[layer])
        return True

    # -- turning ------------------------------------------------------------------

    def turn(self, quarters: int) -> None:
        """Turn everything clockwise about the centre by quarters of a circle."""
        self.set_orientation(self.orientation.turned(quarters))

    def mirror(self, how: Mirror) -> None:
        """Mirror everything about the centre."""
        self.set_orientation(self.orientation.mirrored(how))

    def set_orientation(self, wanted: Orientation) -> None:
        """Lay all layers on the screen like this; centre and zoom stay."""
        if wanted == self.orientation:
            return
        viewer, look = self.viewer, camera(self.viewer)
        place, zoom = self._world(), look.zoom
        self._turning = True
        try:
            *others, first, second = viewer.dims.order
            pair = sorted((first, second), reverse=wanted.transposed)
            viewer.dims.order = (*others, *pair)  # napari then shows everything
            look.orientation2d = ("up" if wanted.up else "down", "left" if wanted.left else "right")
            look.zoom = zoom
            centre_on(viewer, *place)
        finally:
            self._turning = False
        self.moved.emit()


def _contents(slide: Slide) -> tuple[bool, tuple[str, ...]]:
    """Whether a file has a colour profile, and its label and macro images."""
    try:
        names = slide.associated_names()
        pictures = tuple(n for n in names if any(w in n.lower() for w in IDENTIFYING))
        return slide.icc_profile() is not None, pictures
    except LookalikeError:
        return False, ()
