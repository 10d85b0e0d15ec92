"""The process that measures one part: ``python -m …ui.bench.map_process PART QUICK OUT``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QApplication

from napari_lookalike.core.bench.map import (
    DIM,
    N_FIRST,
    SIZES,
    MapTimes,
    Pan,
    made_points,
    made_results,
    umap_of,
)
from napari_lookalike.ui.bench.map_pan import OursPan, PeerPan, opengl_renderer
from napari_lookalike.ui.display import display


def measure(part: str, quick: bool) -> MapTimes:
    """Measure one part; what is missing for it is said."""
    try:
        return _MEASURES[part](quick)
    except ImportError as missing:
        why = f"{missing.name} is not installed: pip install 'napari-lookalike[bench]'."
        return MapTimes(problems={part: why})


def _application() -> Any:
    return QApplication.instance() or QApplication([])


def _pan(quick: bool) -> MapTimes:
    """Both draw the same points in a widget of the same size, in turn."""
    _application()
    pans = []
    for n in SIZES[:1] + SIZES[-1:] if quick else SIZES:
        points, of = made_points(n)
        ours, peer = OursPan(points, of), PeerPan(points, of)
        for view in ("out", "in", "dots"):
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(1 if quick else 3):
                times[0].extend(ours.pan(view, 4 if quick else 12))
                times[1].extend(peer.pan(view, 2 if quick else 4))
            pans.append(Pan(n, view, tuple(times[0]), tuple(times[1]), ours.detail))
        ours.close()
        peer.close()
    return MapTimes(tuple(pans), renderer=opengl_renderer())


def _first(quick: bool) -> MapTimes:
    """From a model's results in the session until its PCA is painted in the panel."""
    _application()
    from napari_lookalike.core.cohort import Cohort, SlideRecord
    from napari_lookalike.session.session import Session
    from napari_lookalike.ui.panels.map import MapPanel

    session = Session()
    panel = MapPanel(session, _NoJobs())  # type: ignore[arg-type]
    panel.resize(520, 640)
    panel.show()
    times = []
    # The first one is small: what the first map of all imports and compiles is counted apart.
    for i, n in enumerate((50, *[N_FIRST] * (2 if quick else 5))):
        results = made_results(n, DIM, f"m{i:03d}", seed=i)
        records = [SlideRecord(s, Path("none"), label=s[-1]) for s in results.slides]
        session.results = None
        session.cohort = Cohort(tuple(records))
        QApplication.processEvents()
        start = time.perf_counter()
        session.results = results
        panel.scatter.repaint()
        times.append((time.perf_counter() - start) * 1e3)
    panel.close()
    return MapTimes(times_ms={"first": tuple(times[1:])})


class _NoJobs:
    """In place of a runner: UMAP is another part's."""

    def run(self, *_: object, **__: object) -> int:
        return 0

    def cancel(self, _key: int) -> None:
        pass


def _umap(quick: bool) -> MapTimes:
    """In a child process, as the window has it computed."""
    from napari_lookalike.core.child import Child

    results = made_results(N_FIRST, DIM)
    times: dict[str, list[float]] = {"umap_new": [], "umap_cold": [], "umap_warm": []}
    with tempfile.TemporaryDirectory() as compiled:
        # Nothing that was compiled before is found; from the second process on it is.
        os.environ["NUMBA_CACHE_DIR"] = compiled
        for first in ("umap_new", "umap_cold") if quick else ("umap_new", *["umap_cold"] * 2):
            child = Child()
            for seed, kind in enumerate((first, "umap_warm")):
                start = time.perf_counter()
                child.call(umap_of, results, seed)
                times[kind].append((time.perf_counter() - start) * 1e3)
            child.stop()
    return MapTimes(times_ms={kind: tuple(found) for kind, found in times.items()})


def _mark(quick: bool) -> MapTimes:
    """From the command until the row is on the disk (SQLite, synchronous)."""
    from napari_lookalike.core.cohort import Cohort, SlideRecord
    from napari_lookalike.core.project import Project
    from napari_lookalike.session.marks import mark_pair
    from napari_lookalike.session.opening import open_project
    from napari_lookalike.session.session import Session

    n = 6 if quick else 30
    with tempfile.TemporaryDirectory() as folder:
        records = tuple(
            SlideRecord(f"S{i}", Path(folder, f"{i}.tif"), label="ab"[i % 2]) for i in range(2 * n)
        )
        root = Path(folder, "project")
        Project.create(root, Cohort(records))
        session = Session()
        open_project(session, root)
        session.expert = "bench"
        times = []
        for i in range(n):
            start = time.perf_counter()
            mark_pair(session, f"S{2 * i}", f"S{2 * i + 1}")
            times.append((time.perf_counter() - start) * 1e3)
    return MapTimes(times_ms={"mark": tuple(times[1:])})


def _open(quick: bool) -> MapTimes:
    """From the wish to open it until Cases and the map are painted."""
    _application()
    from napari_lookalike.core.cohort import Cohort, SlideRecord
    from napari_lookalike.core.project import Project
    from napari_lookalike.core.results import save_results
    from napari_lookalike.session.opening import open_project
    from napari_lookalike.session.session import Session
    from napari_lookalike.ui.panels.cases import CasesPanel
    from napari_lookalike.ui.panels.map import MapPanel

    n, version = 10_000, "m001"
    with tempfile.TemporaryDirectory() as folder:
        results = made_results(n, 128, version)
        records = tuple(
            SlideRecord(s, Path(folder, f"{s}.tif"), f"P{i // 2}", f"class {i % 8}", f"C{i % 4}")
            for i, s in enumerate(results.slides)
        )
        root = Path(folder, "project")
        project = Project.create(root, Cohort(records))
        save_results(project.version_dir(version), results)
        project.set_current_version(version)
        times = []
        for _ in range(1 if quick else 3):
            session, jobs = Session(), _NoJobs()
            panels = [CasesPanel(session, jobs), MapPanel(session, jobs)]  # type: ignore[arg-type]
            for panel in panels:
                panel.resize(520, 640)
                panel.show()
            QApplication.processEvents()
            start = time.perf_counter()
            open_project(session, root)
            for panel in panels:
                panel.repaint()
            QApplication.processEvents()
            times.append((time.perf_counter() - start) * 1e3)
            for panel in panels:
                panel.close()
    return MapTimes(times_ms={"open": tuple(times)})


_MEASURES: dict[str, Callable[[bool], MapTimes]] = {
    "pan": _pan,
    "first": _first,
    "umap": _umap,
    "mark": _mark,
    "open": _open,
}


def main() -> None:
    """Measure on a virtual display, write the answer, and end at once."""
    part, quick, out = sys.argv[1], bool(int(sys.argv[2])), Path(sys.argv[3])
    with display(headless=True):
        out.write_text(json.dumps(measure(part, quick).to_json()), encoding="utf-8")
        # What libraries do at the end of a process with a window is not measured.
        os._exit(0)


if __name__ == "__main__":
    main()
