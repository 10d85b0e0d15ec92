"""``bench view``: readers take turns on the same slides; see ``core.bench.view`` for figures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_lookalike.core.bench.cohort import bench_project
from napari_lookalike.core.bench.decode import bench_decode
from napari_lookalike.core.bench.replay import FLOOR, OURS, PEER, Replay, Request, Task
from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row
from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.bench.view import Round, change_of_slide, figures
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.slides import open_slide
from napari_lookalike.ui.bench.readers import check_reader
from napari_lookalike.ui.bench.runs import run

_SIZE, _QUICK_SIZE = (30720, 24576), (12288, 9216)

Run = Callable[[Request], Replay]


def bench_view(
    slides: Sequence[Path],
    *,
    peer: str = PEER,
    runs: int = 3,
    quick: bool = False,
    job: Job = SILENT,
    measure: Run = run,
) -> BenchReport:
    """Measure how slides move.

    Parameters
    ----------
    slides
        Which; empty: a procedural one is made in a temporary folder.
    peer
        The reader to compare with: napari-wsi, or the name of a napari plugin.
    runs
        Rounds, in which floor, peer and we take turns.
    quick
        A few steps of each kind: a look, not a figure.
    job
        Progress and cancel.
    measure
        Runs one request.

    Raises
    ------
    LookalikeError
        If the peer is not installed, or a slide does not open.
    """
    check_reader(peer)
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = list(slides) or [
            write_slide(folder / "procedural.tif", *(_QUICK_SIZE if quick else _SIZE))
        ]
        names = [_name(path) for path in paths]
        parts = len(paths) + 1
        for i, path in enumerate(paths):
            part = job.part(i, parts, f"slide {i + 1} of {len(paths)}: ")
            found = _one_slide(path, (peer, runs, quick), part, measure)
            decoded = bench_decode(quick=quick, slide=path)
            label = f" · {names[i]}" if len(paths) > 1 else ""
            rows += [replace(row, name=row.name + label) for row in (*found[0], *decoded.rows)]
            lacking = (*found[1], *decoded.not_measured)
            missing += [NotMeasured(m.name + label, m.reason) for m in lacking]
        part = job.part(len(paths), parts, "cohort: ")
        change = _cohort(folder / "cohort", tuple(paths), (runs, quick), part, measure)
        if isinstance(change, Row):
            rows.append(change)
        else:
            missing.append(change)
    return BenchReport(tuple(rows), tuple(missing))


def _name(path: Path) -> str:
    with open_slide(path) as slide:
        return slide.name


def _one_slide(
    path: Path, how: tuple[str, int, bool], job: Job, measure: Run
) -> tuple[list[Row], list[NotMeasured]]:
    peer, runs, quick = how
    total, done = 3 * runs + 2, 0

    def turn(task: Task, reader: str) -> Replay:
        nonlocal done
        job.step(done, total, f"{reader}, {'verified' if task == 'check' else 'timed'}")
        done += 1
        return measure(Request(task, reader, path.absolute(), quick))

    rounds = [
        Round(turn("time", FLOOR), turn("time", OURS), turn("time", peer)) for _ in range(runs)
    ]
    return figures(rounds, turn("check", OURS), turn("check", peer))


def _cohort(
    folder: Path, slides: tuple[Path, ...], how: tuple[int, bool], job: Job, measure: Run
) -> Row | NotMeasured:
    runs, quick = how
    job.step(0, runs + 1, "writing slides")
    folder.mkdir()
    project = bench_project(folder, slides, procedural=3 if quick else 6)
    replays = []
    for i in range(runs):
        job.step(i + 1, runs + 1, "changing from slide to slide")
        replays.append(measure(Request("cohort", OURS, project, quick)))
    return change_of_slide(replays)
