"""Passes over a cohort of 237 slides per second, beside a plain loop in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.bench.train.material import (
    CLASSES,
    DIM,
    SLIDES,
    TILES,
    classes_of,
    mapped,
    write_bags,
)
from napari_lookalike.core.bench.train.plain import PlainClam, plain_pass
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.mil import default_arguments, make_head
from napari_lookalike.core.mil.loading import training_type
from napari_lookalike.core.mil.stage import TrainingSet, torch_settings, train_stage
from napari_lookalike.core.progress import SILENT, Job

ALL = "all instances, times a plain loop with one slide a step"
SAMPLED = "512 sampled instances a step, times the plain loop"
TARGETS = {"cpu": (1.5, 5.0), "cuda": (10.0, None)}
SLIDES_TIMED = 36
"""A pass over so many slides is timed and counted as its share of 237."""
_ROUNDS, _QUICK_ROUNDS = 4, 1

Figures = tuple[list[Row], list[NotMeasured]]


def speed(folder: Path, device_name: str, quick: bool, job: Job) -> Figures:
    """Time both; the arms take turns, after one pass of each that is not counted.

    Parameters
    ----------
    folder
        For the features.
    device_name
        Where: "cpu" or "cuda".
    quick
        Smaller bags, one round.
    job
        Progress and cancel.
    """
    device = torch.device(device_name)
    job.step(0, 0, "writing features")
    files = write_bags(folder, SLIDES_TIMED, TILES // 8 if quick else TILES)
    arms = _arms(files, device)
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    rounds = 1 + (_QUICK_ROUNDS if quick else _ROUNDS)
    for i in range(rounds):
        for name, run in arms.items():
            job.step(i, rounds, f"{name}, round {i} of {rounds - 1}")
            took = _seconds(run, device)
            if i:
                seconds[name].append(took)
    rates = {name: [SLIDES_TIMED / SLIDES / s for s in runs] for name, runs in seconds.items()}
    all_target, sampled_target = TARGETS[device_name]
    beside = ", ".join(f"{name} {max(found):.3g}" for name, found in rates.items())
    said = f"passes over {SLIDES} slides per second: {beside}"
    kind = "bfloat16" if training_type(_config(device_name), device) == torch.bfloat16 else "single"
    where = f"{device_name}, {torch.get_num_threads()} threads, {kind}"
    return [
        _row(f"{ALL} ({where})", rates["all"], rates["plain"], all_target, said),
        _row(f"{SAMPLED} ({where})", rates["sampled"], rates["plain"], sampled_target, said),
    ], []


def _row(
    name: str, ours: list[float], plain: list[float], target: float | None, beside: str
) -> Row:
    """Ratio of neighbours in time: what slows both down cancels."""
    ratios = [a / b for a, b in zip(ours, plain, strict=True)]
    row = Row.of(name, statistics.median(ratios), target=target)
    return row.among(min(ratios), max(ratios), beside)


def _config(device_name: str) -> TrainConfig:
    return TrainConfig(head="clam_sb", precision="half", device=device_name, max_instances=0)


def _arms(files: list[Path], device: torch.device) -> dict[str, Callable[[], None]]:
    y = classes_of(len(files))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = PlainClam(DIM, len(CLASSES)).to(device)
        head = make_head("clam_sb", default_arguments(DIM, len(CLASSES))).to(device)
    optimizer = torch.optim.Adam(plain.parameters(), 1e-4, weight_decay=1e-5)
    bags = [torch.from_numpy(mapped(file)) for file in files]
    names = tuple(file.stem for file in files)
    data = TrainingSet(bags, y, names, CLASSES, PairWeights.none(CLASSES))
    moments = torch.zeros(DIM, device=device), torch.ones(DIM, device=device)
    every = _config(device.type)
    some = replace(every, max_instances=512)

    def ours(config: TrainConfig) -> None:
        with torch_settings(config, device):
            train_stage(head, data, moments, config, 1, SILENT)

    return {
        "plain": lambda: plain_pass(plain, optimizer, files, y, device),
        "all": lambda: ours(every),
        "sampled": lambda: ours(some),
    }


def _seconds(run: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def drawn_in_a_pass(slides: int) -> int:
    """How many slides one of our passes over so many draws: as many, where classes are even."""
    from napari_lookalike.core.sampling import Sampler

    y = classes_of(slides)
    config = TrainConfig()
    sampler = Sampler(
        y,
        tuple(str(i) for i in range(slides)),
        CLASSES,
        PairWeights.none(CLASSES),
        config.classes_per_batch,
        config.slides_per_class,
        np.random.default_rng(0),
    )
    return sum(len(batch) for batch in sampler.epoch())
