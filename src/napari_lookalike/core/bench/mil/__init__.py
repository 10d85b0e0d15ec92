"""``bench mil``: heads on classic MIL sets, beside the ABMIL paper's table, and their speed.

The folds are those of the file. The settings are fixed (`classic.Recipe`): nothing is tuned
on these sets. A figure is the mean over 5 x 10 folds, its spread that of the five repeats.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.mil.sets import PAPER, MilSet, find_sets, load_set
from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row
from napari_lookalike.core.progress import SILENT, Job

__all__ = ["bench_mil"]

DEFAULT_HEADS = ("abmil", "abmil-plain")
_NOT_HERE = "the set is not here; name a folder or file with --data, or set LOOKALIKE_SHARED"


def bench_mil(
    *,
    data: Path | None = None,
    quick: bool = False,
    job: Job = SILENT,
    heads: tuple[str, ...] = DEFAULT_HEADS,
) -> BenchReport:
    """Measure heads.

    Parameters
    ----------
    data
        One set's npz file; or a folder with several; ``None`` for ``LOOKALIKE_SHARED``.
        Attention over a large bag is timed unless a file is given.
    quick
        The first repeat of the folds only, and a smaller bag.
    job
        Progress and cancel.
    heads
        Names in the head registry, and "abmil-plain".

    Raises
    ------
    LookalikeError
        If a file is not a MIL set, or a head is not known.
    """
    from napari_lookalike.core.bench.mil.classic import PLAIN
    from napari_lookalike.core.bench.mil.speed import attention_rows
    from napari_lookalike.core.mil import HEADS

    for name in heads:
        if name != PLAIN:
            HEADS.get(name)
    files = find_sets(data)
    one_file = data is not None and data.is_file()
    rows = [] if one_file else attention_rows(quick, job)
    work = [(name, file, head) for name, file in files.items() for head in heads]
    for i, (name, file, head) in enumerate(work):
        part = job.part(i, len(work), f"{name}, {head}: ")
        rows.append(_accuracy(load_set(file, name), head, quick, part))
    wanted = () if one_file else tuple(name for name in PAPER if name not in files)
    missing = [NotMeasured(_figure(name, head), _NOT_HERE) for name in wanted for head in heads]
    return BenchReport(tuple(rows), tuple(missing))


def _accuracy(data: MilSet, head: str, quick: bool, job: Job) -> Row:
    means = repeat_means(data, head, 1 if quick else len(data.train), job)
    spread = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    published = PAPER.get(data.name, {}).get(head)
    row = Row.of(
        _figure(data.name, head),
        float(means.mean()),
        target=None if published is None or quick else published - spread,
    )
    said = f"{len(means)} x {data.train.shape[1]} folds, standard deviation {spread:.3f}"
    if published is not None:
        said += f"; ABMIL paper {published:.3f} (from memory, unverified)"
    return row.among(float(means.min()), float(means.max()), said)


def repeat_means(data: MilSet, head: str, repeats: int, job: Job) -> NDArray[np.float64]:
    """Mean accuracy over the folds of each repeat, (repeats,).

    Parameters
    ----------
    data
        The set.
    head
        Head, or "abmil-plain".
    repeats
        How many of the file's repeats.
    job
        Steps once per fold.
    """
    import torch

    from napari_lookalike.core.bench.mil.classic import RECIPES, Recipe, held_out

    recipe = RECIPES.get(data.name, Recipe())
    folds = data.train.shape[1]
    accuracy = np.zeros((repeats, folds))
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # bags of a few instances: threads cost more than they bring
    try:
        for r in range(repeats):
            for f in range(folds):
                job.step(r * folds + f, repeats * folds, f"fold {f + 1} of repeat {r + 1}")
                seed = r * folds + f
                right = held_out(data, data.train[r, f], head, recipe, seed, job)
                accuracy[r, f] = right.mean()
    finally:
        torch.set_num_threads(before)
    return np.asarray(accuracy.mean(1))


def _figure(name: str, head: str) -> str:
    return f"{name}, {head}: accuracy, held out"
