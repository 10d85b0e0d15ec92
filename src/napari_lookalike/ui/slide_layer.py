"""A slide as a napari layer that never waits for its pixels."""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.prefetch import Box
from napari_lookalike.core.slides.pyramid import LevelArray
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.ui.layer_status import of_pixel, say_values
from napari_lookalike.ui.viewer_names import camera

KEY = "napari-lookalike"

FIRST_VIEW = (1600, 1000)
"""Screen pixels (width, height) that the first view of a slide is made for."""


def slide_layer_data(slide: Slide, name: str) -> tuple[list[LevelArray], dict[str, Any]]:
    """What ``viewer.add_image(levels, **kwargs)`` needs to show a slide.

    Call `bind` with the layer afterwards.

    Parameters
    ----------
    slide
        The open slide; it must stay open as long as the layer lives.
    name
        The layer's name and slide_id.

    Returns
    -------
    levels, kwargs
        The levels, and in micrometres (or level-0 pixels if the scale is not known) where
        they lie. Level 0's first pixel centre is at the origin.
    """
    return source_layer_data(new_source(slide, name), name)


def source_layer_data(source: TileSource, name: str) -> tuple[list[LevelArray], dict[str, Any]]:
    """The same of a slide whose tiles are being made already (see `TileSource.warm`)."""
    slide = source.slide
    if QApplication.instance() is not None:
        source.on_screen = _anything  # until `bind` knows the layer
    levels = [LevelArray(source, index) for index in range(len(source.levels))]
    known = slide.scale.known
    kwargs = {
        "name": name,
        "rgb": True,
        "multiscale": True,
        "scale": (slide.scale.mpp_y, slide.scale.mpp_x) if known else (1.0, 1.0),
        "units": ("um", "um") if known else ("pixel", "pixel"),
        "metadata": {
            KEY: {
                "kind": "slide",
                "slide_id": name,
                "fingerprint": slide.fingerprint,
                "mpp": slide.scale.mpp,
                "mpp_source": slide.scale.source,
            },
            "tile_source": source,
        },
    }
    return levels, kwargs


def add_slide(viewer: Any, slide: Slide | TileSource, name: str) -> Image:
    """Show a slide in a viewer, redrawn as more of it is decoded. Window's thread."""
    source = slide if isinstance(slide, TileSource) else new_source(slide, name)
    levels, kwargs = source_layer_data(source, name)
    layer: Image = viewer.add_image(levels, **kwargs)
    bind(layer, viewer)
    return layer


def new_source(slide: Slide, name: str) -> TileSource:
    """A slide's engine whose first error is shown to the user.

    Parameters
    ----------
    slide
        The open slide.
    name
        How it is named: its slide_id, else `Slide.name`.
    """
    return TileSource(slide, on_error=partial(_warn, name))


def source_of(layer: Any) -> TileSource | None:
    """The engine's handle of a slide's layer, or ``None`` if it is no layer of ours."""
    found = layer.metadata.get("tile_source")
    return found if isinstance(found, TileSource) else None


def bind(layer: Image, viewer: Any) -> None:
    """Redraw a slide's layer whenever more of it is decoded. Call in the window's thread."""
    source = source_of(layer)
    if source is not None:
        source.on_screen = _Screen(layer).shows
        say_values(layer, of_pixel)
        refresher = _Refresher(layer, source)
        source.listen(refresher.ask)
        events = camera(viewer).events
        for moved in (events.center, events.zoom):
            moved.connect(refresher.on_camera)
        if not source.idle or source.thumbnail_lacks:  # it may have arrived meanwhile
            refresher.ask()


def layer_complete(layer: Image) -> bool:
    """Whether all that the layer shows is decoded: nothing will change by itself."""
    source = source_of(layer)
    return source is None or source.idle


def _warn(name: str, error: RegionError) -> None:
    rest = "What cannot be shown is hatched; the rest can be used."
    show_warning(str(RegionError(error.what, f"{rest} {error.remedy}".strip(), name)))


def _anything(index: int, box: Box) -> bool:
    return True


class _Screen:
    """Knows which reads are napari's own: of what the layer shows now, or showed just before.

    With napari's asynchronous slicing, a read comes after the layer has asked for it.
    """

    def __init__(self, layer: Image) -> None:
        self._layer = weakref.ref(layer)
        self._asked: deque[tuple[int, Box]] = deque(maxlen=8)
        layer.events.reload.connect(self._on_reload)  # only when slicing is asynchronous

    def _on_reload(self, _event: object) -> None:
        shown = self._now()
        if shown is not None:
            self._asked.append(shown)

    def _now(self) -> tuple[int, Box] | None:
        layer = self._layer()
        if layer is None:
            return None
        (top, left), (bottom, right) = np.asarray(layer.corner_pixels)[:, -2:].tolist()
        return layer.data_level, (left, top, right - left + 1, bottom - top + 1)

    def shows(self, index: int, box: Box) -> bool:
        """Whether the layer shows this box of a view level, or did a moment ago."""
        return (index, box) == self._now() or (index, box) in tuple(self._asked)


class _Refresher(QObject):
    """Carries "there is more" from decoding threads into the window's thread."""

    _asked = Signal()

    def __init__(self, layer: Image, source: TileSource) -> None:
        super().__init__()
        self._layer, self._source = weakref.ref(layer), weakref.ref(source)
        self._waiting = False
        self._asked.connect(self._refresh, Qt.ConnectionType.QueuedConnection)

    def ask(self) -> None:
        """From any thread; many calls make one refresh."""
        if not self._waiting:
            self._waiting = True
            with contextlib.suppress(RuntimeError):  # Qt has gone before the thread
                self._asked.emit()

    def on_camera(self, *_: object) -> None:
        """Looking ahead waits while the view moves."""
        source = self._source()
        if source is not None:
            source.moved()

    def _refresh(self) -> None:
        self._waiting = False
        layer, source = self._layer(), self._source()
        if layer is None or source is None:
            return
        if not layer.visible:
            source.hidden()
        elif source.thumbnail_lacks and self._shows_coarsest(layer, source):
            # napari keeps a copy of the coarsest level; only new data makes it read again.
            layer.data = list(layer.data) if layer.multiscale else layer.data
        else:
            layer.refresh(extent=False, thumbnail=False, highlight=False)

    @staticmethod
    def _shows_coarsest(layer: Image, source: TileSource) -> bool:
        return source.thumbnail_ready or layer.data_level == len(source.levels) - 1
