"""The process that measures the twin review: ``python -m …ui.bench.twin_process QUICK OUT``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.bench.twin import Ground, Steps, TwinTimes
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.ui.display import display
from napari_lookalike.ui.twin.pane import SlidePane
from napari_lookalike.ui.twin.panes import TwinPanes

SIZE = (1366, 700)
"""(width, height) of the two panes together."""
SLIDES = ((20480, 15360, 0.25), (12288, 10240, 0.5))
QUICK_SLIDES = ((4096, 3072, 0.25), (3072, 2560, 0.5))
"""(width, height, µm per pixel): of two scanners, as the link is in µm."""
STEP_PX = (12, 8)
PIXEL_UM = 0.5
"""Of a screen pixel: 20x."""
_NO, _LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
_PATIENCE_S = 60.0


class Stage:
    """Two slides side by side, moved by mouse events.

    Parameters
    ----------
    folder
        Where the two slides are written.
    quick
        Small ones.
    """

    def __init__(self, folder: Path, quick: bool) -> None:
        self.panes = TwinPanes()
        self.panes.resize(*SIZE)
        self.panes.show()
        QApplication.processEvents()
        self._slides = []
        for i, (width, height, mpp) in enumerate(QUICK_SLIDES if quick else SLIDES):
            path = write_slide(folder / f"{i}.tif", width, height, seed=i, mpp=mpp)
            slide = open_slide(path)
            self._slides.append(slide)
            self.panes.show_source(i, TileSource(slide))
        self.rest()

    @property
    def pane_px(self) -> tuple[int, int]:
        """(width, height) of the first pane."""
        return self.panes.panes[0].extent

    def start(self, shift: float = 0.0) -> None:
        """Both in their middle, and so much of the slide's width further right, at 20x."""
        for pane in self.panes.panes:
            field = pane.field
            if field is not None:
                width, height = field.size_px0
                middle = width * (0.4 + shift), height / 2
                pane.set_field(field.centred(*middle).scaled(PIXEL_UM))
        self.rest()

    def rest(self) -> None:
        """Wait until all that is shown is there."""
        until = time.perf_counter() + _PATIENCE_S
        while time.perf_counter() < until:
            QApplication.processEvents()
            if all(pane.complete for pane in self.panes.panes):
                return
            time.sleep(0.002)

    def drag(self, i: int, steps: int, linked: bool) -> list[float]:
        """Drag a pane; ms of each step, from the event until what moved is painted."""
        self.panes.linked = linked
        pane = self.panes.panes[i]
        moving: tuple[SlidePane, ...] = self.panes.panes if linked else (pane,)
        at = QPointF(pane.width() / 2, pane.height() / 2)
        _send(pane, QEvent.Type.MouseButtonPress, at, _LEFT)
        at += QPointF(-8, 0)
        _send(pane, QEvent.Type.MouseMove, at, _NO)  # beyond what counts as a click
        for shown in moving:
            shown.repaint()
        times = []
        for _ in range(steps):
            at += QPointF(-STEP_PX[0], -STEP_PX[1])
            start = time.perf_counter()
            _send(pane, QEvent.Type.MouseMove, at, _NO)
            for shown in moving:
                shown.repaint()
            times.append((time.perf_counter() - start) * 1e3)
        _send(pane, QEvent.Type.MouseButtonRelease, at, _LEFT)
        return times

    def close(self) -> None:
        """Close the slides and the window."""
        for pane in self.panes.panes:
            if pane.source is not None:
                pane.source.close()
        self.panes.clear()
        for slide in self._slides:
            slide.close()
        self.panes.close()


def _send(pane: SlidePane, kind: Any, at: QPointF, button: Any) -> None:
    """A mouse event with the left button held, delivered at once."""
    held = _NO if kind == QEvent.Type.MouseButtonRelease else _LEFT
    there, no_key = QPointF(pane.mapToGlobal(at.toPoint())), Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(pane, QMouseEvent(kind, at, there, button, held, no_key))


def measure(quick: bool) -> TwinTimes:
    """Measure every way."""
    QApplication.instance() or QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), quick)
        found = [
            _way(stage, ground, turned, quick)
            for turned in (False, True)
            for ground in (("new", "seen") if not turned else ("seen",))
        ]
        pane_px = stage.pane_px
        stage.close()
    return TwinTimes(tuple(found), pane_px)


def _way(stage: Stage, ground: Ground, turned: bool, quick: bool) -> Steps:
    """The three arms in turn, over the same places ("seen") or over places of their own."""
    stage.panes.turn("right" if turned else "scanned", 1)
    arms: dict[str, list[float]] = {"linked": [], "first": [], "second": []}
    rounds, steps = (2, 4) if quick else (30, 15)
    for n in range(rounds if ground == "seen" else 1):
        # Who is first changes: whatever warms up or slows down must hit all.
        names = [*arms, *arms][n % 3 : n % 3 + 3]
        for k, name in enumerate(names):
            stage.start(0.0 if ground == "seen" else 0.08 * (k + 1))
            if ground == "seen" and n == 0:
                stage.drag(0, steps, linked=True)  # what lies on the way is decoded now
                stage.rest()
                stage.start()
            arms[name] += stage.drag(1 if name == "second" else 0, steps, name == "linked")
    return Steps(ground, turned, tuple(arms["linked"]), tuple(arms["first"]), tuple(arms["second"]))


def main() -> None:
    """Measure on a virtual display, write the answer, and end at once."""
    quick, out = bool(int(sys.argv[1])), Path(sys.argv[2])
    with display(headless=True):
        out.write_text(json.dumps(measure(quick).to_json()), encoding="utf-8")
        # What libraries do at the end of a process with a window is not measured.
        os._exit(0)


if __name__ == "__main__":
    main()
