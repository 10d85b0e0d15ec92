"""``bench lookalike``: what an expert adds, on bags of real tiles with known truth.

Planned before it was run: docs/design/lookalike-benchmark.md. Every arm is trained on the same
slides from the same start; tumour tiles are known, so clicks can be right or wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_lookalike.core.bench.report import BenchReport, NotMeasured, Row
from napari_lookalike.core.bench.tiles import find_tiles, load_tiles
from napari_lookalike.core.progress import SILENT, Job

__all__ = ["bench_lookalike"]

SEEDS, QUICK_SEEDS = 10, 2
TARGET = -0.20
"""Relative change of the marked pair's confusion, harder regime."""
_NO_TILES = "the labelled tiles are not here; name their folder with --data or in LOOKALIKE_SHARED"


def bench_lookalike(
    *,
    data: Path | None = None,
    quick: bool = False,
    job: Job = SILENT,
    seeds: int | None = None,
    keep: Path | None = None,
) -> BenchReport:
    """Run all arms in both regimes.

    Parameters
    ----------
    data
        Folder of the real data; ``None`` for ``LOOKALIKE_SHARED``.
    quick
        Two seeds instead of ten: a look, not a figure.
    job
        Progress and cancel.
    seeds
        How many, from 0 on.
    keep
        A JSON file with every figure of every seed. What is in it is not run again, so a run
        that was stopped goes on.

    Returns
    -------
    BenchReport
        ``details`` of its JSON form holds the seeds.
    """
    folder = find_tiles(data)
    if folder is None:
        return BenchReport((), (NotMeasured("bench lookalike", _NO_TILES),))
    from napari_lookalike.core.bench.lookalike.regimes import REGIMES

    count = seeds or (QUICK_SEEDS if quick else SEEDS)
    done = _load(keep)
    planned = [(r, s) for s in range(count) for r in REGIMES]
    wanted = [
        (r, s) for r, s in planned if (r.name, s) not in {(d["regime"], d["seed"]) for d in done}
    ]
    if wanted:
        _run(folder, wanted, done, keep, job)
    rows: list[Row] = []
    for regime in REGIMES:
        mine = [d for d in done if d["regime"] == regime.name and d["seed"] < count]
        rows += _rows(regime.name, sorted(mine, key=lambda d: d["seed"]))
    return BenchReport(tuple(rows), details={"seeds": done})


def _run(
    folder: Path, wanted: Sequence[Any], done: list[dict[str, Any]], keep: Path | None, job: Job
) -> None:
    import torch

    from napari_lookalike.core.bench.feature_cache import embedded
    from napari_lookalike.core.bench.lookalike.run import run_seed
    from napari_lookalike.core.encoders import DEFAULT_ENCODER, load_encoder

    labelled = load_tiles(folder)
    encoder = load_encoder(DEFAULT_ENCODER)
    features = embedded(encoder, labelled.tiles, keep=True, job=job)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small products: threads cost more than they bring
    try:
        for i, (regime, seed) in enumerate(wanted):
            part = job.part(i, len(wanted), f"{regime.name}, seed {seed}: ")
            done.append(
                run_seed(features, labelled.classes, labelled.groups, regime, seed, job=part)
            )
            if keep is not None:
                keep.write_text(json.dumps(done, indent=1), encoding="utf-8")
    finally:
        torch.set_num_threads(threads)


def _load(keep: Path | None) -> list[dict[str, Any]]:
    if keep is None or not keep.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(keep.read_text(encoding="utf-8"))
    return found


def _rows(regime: str, seeds: Sequence[dict[str, Any]]) -> Iterable[Row]:
    from napari_lookalike.core.bench.lookalike import outcome
    from napari_lookalike.core.bench.lookalike.arms import CONTROLS
    from napari_lookalike.core.bench.lookalike.regimes import HARDER

    for name in outcome.names(seeds):
        found = outcome.values(seeds, name)
        accuracy = outcome.values(seeds, name, "balanced_accuracy").mean()
        row = Row.of(f"{regime}: confusion, {name}", float(found.mean()))
        said = f"{len(found)} seeds, balanced accuracy {accuracy:.3f}"
        yield row.among(float(found.min()), float(found.max()), said)
    best = outcome.best_without_expert(seeds)
    primary = outcome.change(seeds, best, outcome.PRIMARY)
    hard = regime == HARDER.name
    row = Row.of(
        f"{regime}: {outcome.PRIMARY}, change of confusion",
        primary.value,
        target=TARGET if hard else 0.0,
        sense="at most",
    )
    yield row.among(primary.low, primary.high, f"against {best}; 95 % interval over seeds")
    if outcome.SECOND in outcome.names(seeds):
        plain = outcome.best_without_expert(seeds, benign=False)
        second = outcome.change(seeds, plain, outcome.SECOND)
        row = Row.of(f"{regime}: {outcome.SECOND}, change of confusion", second.value)
        said = f"against {plain}, without benign slides; 95 % interval over seeds"
        yield row.among(second.low, second.high, said)
    if hard:
        name = f"{regime}: the interval's upper end"
        yield Row.of(name, primary.high, target=0.0, sense="at most")
    for name, change in outcome.pairs_of_interest(seeds).items():
        row = Row.of(f"{regime}: {name}, change of confusion", change.value)
        yield row.among(change.low, change.high, "exploratory")
    for arm, control in CONTROLS.items():
        if any(arm.name not in one["kept"] for one in seeds):
            continue
        share = outcome.caught(seeds, arm)
        after = float(outcome.gated(seeds, arm, control).mean())
        row = Row.of(f"{regime}: not kept after the check on validation slides, {arm.name}", share)
        yield row.among(share, share, f"confusion with the check {after:.3f}")
