"""``bench train``: how fast training is, what it costs in memory and accuracy.

Every figure is made in this run, on features that are made for it. ``--device cuda`` carries
all that a GPU is to show.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row
from napari_lookalike.core.progress import SILENT, Job

__all__ = ["bench_train"]

DEVICES = ("cpu", "cuda")
PARTS = ("speed", "accuracy", "memory", "attention", "finetune")
THREADS = 2

Figures = tuple[list[Row], list[NotMeasured]]


def bench_train(
    *,
    data: Path | None = None,
    quick: bool = False,
    job: Job = SILENT,
    device: str = "cpu",
    only: tuple[str, ...] = (),
    threads: int = THREADS,
) -> BenchReport:
    """Measure training.

    Parameters
    ----------
    data
        Not used.
    quick
        Smaller bags and fewer rounds: a look, not a figure.
    job
        Progress and cancel.
    device
        "cpu" or "cuda". Memory and fine-tuning are measured on the CPU in either case.
    only
        Names of `PARTS`; all if empty.
    threads
        Of torch on the CPU.
    """
    import torch

    chosen = [name for name in PARTS if not only or name in only]
    if device == "cuda" and not torch.cuda.is_available():
        return BenchReport((), tuple(NotMeasured(n, "there is no CUDA GPU here") for n in chosen))
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for i, name in enumerate(chosen):
            part = job.part(i, len(chosen), f"{name}: ")
            with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
                found, lacking = _parts(device, threads)[name](Path(folder), quick, part)
            rows += found
            missing += lacking
    finally:
        torch.set_num_threads(before)
    return BenchReport(tuple(rows), tuple(missing))


def _parts(device: str, threads: int) -> dict[str, Callable[[Path, bool, Job], Figures]]:
    from napari_lookalike.core.bench.train.accuracy import accuracy
    from napari_lookalike.core.bench.train.attention import attention
    from napari_lookalike.core.bench.train.finetune import finetune
    from napari_lookalike.core.bench.train.memory import memory
    from napari_lookalike.core.bench.train.speed import speed

    def of_memory(folder: Path, quick: bool, job: Job) -> Figures:
        found = memory(folder, quick, threads, job)
        return ([found], []) if isinstance(found, Row) else ([], [found])

    return {
        "speed": lambda folder, quick, job: speed(folder, device, quick, job),
        "accuracy": lambda folder, quick, job: ([accuracy(quick, device, job)], []),
        "memory": of_memory,
        "attention": lambda folder, quick, job: (attention(device, quick, job), []),
        "finetune": lambda folder, quick, job: (finetune(folder, quick, job), []),
    }
