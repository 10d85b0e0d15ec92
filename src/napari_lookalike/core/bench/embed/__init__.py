"""``bench embed``: from a slide to features, beside the encoder's own speed and others' loops.

Every figure is made in this run, on slides that are made for it, with encoders of random
weights (as fast as published ones). ``--device cuda`` carries all that a GPU is to show.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from napari_lookalike.core.bench.embed import cluster, early, memory, reading, shipped, speed
from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row
from napari_lookalike.core.progress import SILENT, Job

__all__ = ["bench_embed"]

DEVICES = ("cpu", "cuda", "mps")

Figures = tuple[list[Row], list[NotMeasured]]


def bench_embed(
    *,
    data: Path | None = None,
    quick: bool = False,
    job: Job = SILENT,
    device: str = "cpu",
    only: tuple[str, ...] = (),
) -> BenchReport:
    """Measure embedding.

    Parameters
    ----------
    data
        Not used.
    quick
        Fewer tiles and rounds: a look, not a figure.
    job
        Progress and cancel.
    device
        Where networks run: "cpu", "cuda" or "mps".
    only
        Names of parts ("speed", "reading", "shipped", "memory", "early", "cluster"); all if
        empty.
    """
    parts = _parts(device)
    chosen = {name: run for name, run in parts.items() if not only or name in only}
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    for i, (name, run) in enumerate(chosen.items()):
        part = job.part(i, len(chosen), f"{name}: ")
        with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
            found, lacking = run(Path(folder), quick, part)
        rows += found
        missing += lacking
    return BenchReport(tuple(rows), tuple(missing))


PARTS = ("speed", "reading", "shipped", "memory", "early", "cluster")


def _parts(device: str) -> dict[str, Callable[[Path, bool, Job], Figures]]:
    return {
        "speed": lambda folder, quick, job: _speed(folder, device, quick, job),
        "reading": _one(reading.reading),
        "shipped": _one(shipped.shipped),
        "memory": _one(memory.memory),
        "early": early.early,
        "cluster": _one(cluster.cluster),
    }


def _speed(folder: Path, device: str, quick: bool, job: Job) -> Figures:
    """All networks of the device, and the reason why those of a GPU that is not here lack."""
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    for other in ("cpu", "cuda"):
        if other != device:
            why = f"ask for it with --device {other}" if _is_here(other) else "no such GPU here"
            for encoder in speed.networks(other):
                missing += speed.not_measured(encoder, other, why)
    if not _is_here(device):
        for encoder in speed.networks(device):
            missing += speed.not_measured(encoder, device, "this device is not here")
        return rows, missing
    for encoder in speed.networks(device):
        found, lacking = speed.speed(folder, encoder, device, quick, job)
        rows += found
        missing += lacking
    return rows, missing


def _is_here(device: str) -> bool:
    import torch

    here = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    return here[device]


def _one(run: Callable[[Path, bool, Job], Row | NotMeasured]) -> Callable[..., Figures]:
    def both(folder: Path, quick: bool, job: Job) -> Figures:
        found = run(folder, quick, job)
        return ([found], []) if isinstance(found, Row) else ([], [found])

    return both
