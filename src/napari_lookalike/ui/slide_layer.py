"""A slide as a napari layer that never waits for its pixels."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from napari.layers import Image
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.pyramid import LevelArray

KEY = "napari-lookalike"

READ_BUDGET_S = 0.12
"""Longest wait for pixels in the window's thread; the rest is shown coarse, then refreshed."""


def slide_layer_data(slide: Slide, name: str) -> tuple[list[LevelArray], dict[str, Any]]:
    """What ``viewer.add_image(levels, **kwargs)`` needs to show a slide.

    Call `refresh_when_ready` with the layer afterwards.

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
    in_window = QApplication.instance() is not None
    warn = _once(lambda error: show_warning(str(error)))
    levels = [
        LevelArray(slide, i, budget_s=READ_BUDGET_S if in_window else None, on_error=warn)
        for i in range(len(slide.levels))
    ]
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
            "tile_source": slide,
        },
    }
    return levels, kwargs


def add_slide(viewer: Any, slide: Slide, name: str) -> Image:
    """Show a slide in a viewer, redrawn as more of it is decoded. Window's thread."""
    levels, kwargs = slide_layer_data(slide, name)
    layer: Image = viewer.add_image(levels, **kwargs)
    refresh_when_ready(layer, slide)
    return layer


def refresh_when_ready(layer: Image, slide: Slide) -> None:
    """Redraw a slide's layer whenever more of it is decoded. Call in the window's thread.

    Starts making the synthetic levels of a file that has none.
    """
    refresher = _Refresher(layer, slide)
    for array in _arrays(layer):
        array.listen(refresher.ask)
    if not slide.is_ready(len(slide.levels) - 1):
        slide.prepare(refresher.ask)


def layer_complete(layer: Image) -> bool:
    """Whether all that the layer shows is decoded: nothing will change by itself."""
    return all(array.complete for array in _arrays(layer))


def _arrays(layer: Image) -> list[LevelArray]:
    data = layer.data if layer.multiscale else [layer.data]
    return [array for array in data if isinstance(array, LevelArray)]


def _once(tell: Callable[[RegionError], None]) -> Callable[[RegionError], None]:
    told: list[RegionError] = []

    def first(error: RegionError) -> None:
        if not told:
            told.append(error)
            tell(error)

    return first


class _Refresher(QObject):
    """Carries "there is more" from decoding threads into the window's thread."""

    _asked = Signal()

    def __init__(self, layer: Image, slide: Slide) -> None:
        super().__init__()
        self._layer, self._slide = weakref.ref(layer), weakref.ref(slide)
        self._waiting = False
        self._coarse_shown = slide.is_ready(len(slide.levels) - 1)
        self._asked.connect(self._refresh, Qt.ConnectionType.QueuedConnection)

    def ask(self) -> None:
        """From any thread; many calls make one refresh."""
        if not self._waiting:
            self._waiting = True
            with contextlib.suppress(RuntimeError):  # Qt has gone before the thread
                self._asked.emit()

    def _refresh(self) -> None:
        self._waiting = False
        layer, slide = self._layer(), self._slide()
        if layer is None or slide is None:
            return
        if self._coarse_shown:
            layer.refresh(extent=False)
            return
        # napari keeps a copy of the coarsest level; only new data makes it read again.
        self._coarse_shown = slide.is_ready(len(slide.levels) - 1)
        layer.data = list(layer.data) if layer.multiscale else layer.data
