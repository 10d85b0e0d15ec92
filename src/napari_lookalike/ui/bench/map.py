"""``bench map``: the map beside matplotlib's scatter plot; see ``core.bench.map`` for figures."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from napari_lookalike.core.bench.map import PARTS, MapTimes, rows_of
from napari_lookalike.core.bench.report import BenchReport
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.privacy import without_paths
from napari_lookalike.core.progress import SILENT, Job

_SERVE = "napari_lookalike.ui.bench.map_process"
LIMIT_S = 900.0
"""Seconds after which a part is given up."""

Measure = Callable[[str, bool], MapTimes]


def bench_map(
    *,
    only: tuple[str, ...] = (),
    quick: bool = False,
    job: Job = SILENT,
    measure: Measure | None = None,
) -> BenchReport:
    """Measure the map.

    Parameters
    ----------
    only
        Of `core.bench.map.PARTS`; empty = all.
    quick
        Fewer steps: a look, not a figure.
    job
        Progress and cancel, between the parts.
    measure
        Measures one part; else each in a process of its own.

    Raises
    ------
    LookalikeError
        If there is no such part.
    """
    unknown = [p for p in only if p not in PARTS]
    if unknown:
        raise LookalikeError(
            f"bench map has no part {', '.join(unknown)}.", f"It has {', '.join(PARTS)}."
        )
    parts = only or PARTS
    rows, missing = [], []
    for i, part in enumerate(parts):
        job.step(i, len(parts), part)
        found = rows_of((measure or in_own_process)(part, quick))
        rows += found[0]
        missing += found[1]
    return BenchReport(tuple(rows), tuple(missing))


def in_own_process(part: str, quick: bool) -> MapTimes:
    """Measure one part on a virtual display. Always answers."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.json")
        words = [sys.executable, "-W", "ignore", "-m", _SERVE, part, str(int(quick)), str(told)]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return MapTimes(problems={part: f"It had not ended after {LIMIT_S:.0f} s."})
        try:
            return MapTimes.from_json(json.loads(told.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            last = without_paths(lines[-1])[:200] if lines else "it said nothing"
            return MapTimes(problems={part: f"Its process ended early ({last})."})
