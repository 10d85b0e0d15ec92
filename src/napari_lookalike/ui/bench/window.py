"""A viewer whose event loop is watched, and when a view counts as settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.bench.trace import Step
from napari_lookalike.ui.bench.gestures import canvas_widget, drag, turn_wheel
from napari_lookalike.ui.bench.readers import Blank
from napari_lookalike.ui.viewer_names import camera, scale_bar, text_overlay

_BEAT_MS = 2


class Stage:
    """The window on which a reader is measured.

    Parameters
    ----------
    step_s
        Seconds that a step may take to settle.
    viewer
        One that is there already; else a new one.
    """

    def __init__(self, step_s: float, viewer: Any = None) -> None:
        self.viewer = napari.Viewer(show=True) if viewer is None else viewer
        self._step_s = step_s
        self._beats: list[float] = []
        self._timer = QTimer()
        self._timer.timeout.connect(lambda: self._beats.append(time.perf_counter()))
        self._timer.start(_BEAT_MS)
        self.serve(5)

    def serve(self, times: int = 1) -> None:
        """Handle what waits in the event loop."""
        for _ in range(times):
            QApplication.processEvents()

    def rest(self, seconds: float) -> None:
        """Serve the event loop for a while, as when a person looks."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.serve()
            time.sleep(0.002)

    def warm_up(self) -> None:
        """Show and remove an empty layer: what napari does once is nobody's figure."""
        blank = [Blank(8192, 8192), Blank(2048, 2048), Blank(512, 512)]
        layer = self.viewer.add_image(blank, multiscale=True, rgb=True)
        self.draw()
        self.viewer.layers.remove(layer)
        self.rest(0.2)

    def furnish(self) -> None:
        """Scale bar and a line of text, as our own layers bring them, beside any reader's.

        Laying them out takes milliseconds a frame, which is no reader's doing.
        """
        bar, text = scale_bar(self.viewer), text_overlay(self.viewer)
        bar.box = bar.visible = True
        if not text.text:
            text.box, text.position = True, "bottom_left"
            text.text, text.visible = "10x · 1.00 µm per screen pixel", True
        self.rest(0.3)

    def draw(self) -> Any:
        """Draw the canvas now; returns what it shows."""
        shot = self.viewer.screenshot(canvas_only=True, flash=False)
        self.serve()
        return shot

    def settle(self, settled: Callable[[], bool], start: float) -> bool:
        """Wait until the view is final; whether it was before its time was up.

        A draw may find that more is needed, so that it is asked again after drawing.
        """
        while True:
            self.serve()
            if settled():
                self.draw()
                if settled():
                    return True
            if time.perf_counter() - start > self._step_s:
                return False
            time.sleep(0.001)

    def timed(self, act: Callable[[], None], layer: Any) -> tuple[float, float, bool]:
        """Do something; returns ms until settled, longest block in ms, and whether it settled."""
        self._beats.clear()
        start = time.perf_counter()
        act()
        ok = self.settle(lambda: is_settled(layer), start)
        end = time.perf_counter()
        gaps = np.diff([start, *self._beats, end])
        return (end - start) * 1e3, float(gaps.max()) * 1e3, ok

    def do(self, step: Step, layer: Any) -> tuple[float, float, bool]:
        """Do one step of a trace; see `timed`."""
        canvas = canvas_widget(self.viewer)
        acts: dict[str, Callable[[], None]] = {
            "look": lambda: self._look(step, layer),
            "drag": lambda: drag(canvas, step.by, self.serve),
            "wheel": lambda: turn_wheel(canvas, step.by, step.notches, self.serve),
        }
        return self.timed(acts[step.action], layer)

    def _look(self, step: Step, layer: Any) -> None:
        scale = np.asarray(layer.scale)[-2:]
        view = camera(self.viewer)
        view.center = (0, step.y * scale[0], step.x * scale[1])
        view.zoom = step.zoom / scale[0]


def is_settled(layer: Any) -> bool:
    """Whether the layer says that what it shows is final."""
    source = (layer.metadata or {}).get("tile_source")
    return bool(getattr(layer, "loaded", True)) and bool(getattr(source, "idle", True))
