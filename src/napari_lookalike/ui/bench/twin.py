"""``bench twin``: two slides side by side; see ``core.bench.twin`` for the figure."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from napari_lookalike.core.bench.report import BenchReport
from napari_lookalike.core.bench.twin import TwinTimes, rows_of
from napari_lookalike.core.privacy import without_paths
from napari_lookalike.core.progress import SILENT, Job

_SERVE = "napari_lookalike.ui.bench.twin_process"
LIMIT_S = 900.0
"""Seconds after which it is given up."""

Measure = Callable[[bool], TwinTimes]


def bench_twin(
    *, quick: bool = False, job: Job = SILENT, measure: Measure | None = None
) -> BenchReport:
    """Measure a linked step of the twin review.

    Parameters
    ----------
    quick
        Small slides, few steps: a look, not a figure.
    job
        Progress; it can be cancelled before it begins.
    measure
        Measures; else a process of its own does.
    """
    job.step(0, 1, "two slides")
    rows, missing = rows_of((measure or in_own_process)(quick))
    return BenchReport(tuple(rows), tuple(missing))


def in_own_process(quick: bool) -> TwinTimes:
    """Measure on a virtual display. Always answers."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.json")
        words = [sys.executable, "-W", "ignore", "-m", _SERVE, str(int(quick)), str(told)]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return TwinTimes(problem=f"It had not ended after {LIMIT_S:.0f} s.")
        try:
            return TwinTimes.from_json(json.loads(told.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            last = without_paths(lines[-1])[:200] if lines else "it said nothing"
            return TwinTimes(problem=f"Its process ended early ({last}).")
