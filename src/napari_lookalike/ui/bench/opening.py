"""How long a project of 10,000 slides takes until its panels show it, and what it blocks."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.bench.cohort import large_project
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.ui.garbage import freeze_start
from napari_lookalike.ui.panels.cases import CasesPanel
from napari_lookalike.ui.panels.project import ProjectPanel
from napari_lookalike.ui.start import open_window

_BEAT_MS = 2
_PATIENCE_S = 60.0
_SETTLE_S = 2.0


@dataclass(frozen=True)
class Opening:
    """What was measured.

    Parameters
    ----------
    seconds
        From *Open* until the panel Cases lists every slide.
    longest_block_s
        Longest time in which the window answered to nothing, until two seconds later.
    search_s
        From a letter typed into the search until its rows are listed (best of five).
    """

    seconds: float
    longest_block_s: float
    search_s: float


def open_in_window(slides: int = 10_000) -> Opening:
    """Open a generated project in our window as the button *Open* does.

    Parameters
    ----------
    slides
        How many it has.

    Raises
    ------
    LookalikeError
        If nothing is shown within a minute.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = large_project(Path(folder), slides)
        window = open_window(size=(1366, 768))
        try:
            return _measure(window.docks, root, slides)
        finally:
            window.close()


def _measure(docks: dict, root: Path, slides: int) -> Opening:  # type: ignore[type-arg]
    sources = docks["Project"].findChild(ProjectPanel).sources
    cases = docks["Cases"].findChild(CasesPanel)
    _serve(2.0)
    freeze_start()  # as our window does before its user has it
    beats: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(_BEAT_MS)
    start = time.perf_counter()
    sources.open_root(root)
    while len(cases.model.slide_ids) < slides:
        if time.perf_counter() - start > _PATIENCE_S:
            raise LookalikeError("The project was not shown within a minute.", "Report this.")
        QApplication.processEvents()
        time.sleep(0.001)
    seconds = time.perf_counter() - start
    _serve(_SETTLE_S)
    timer.stop()
    block = max(b - a for a, b in zip([start, *beats], beats, strict=False))
    return Opening(seconds, block, min(_search(cases, text) for text in ("s", "su", "sub") * 2))


def _search(cases: CasesPanel, text: str) -> float:
    start = time.perf_counter()
    cases.search.setText(text)
    QApplication.processEvents()
    return time.perf_counter() - start


def _serve(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.002)
