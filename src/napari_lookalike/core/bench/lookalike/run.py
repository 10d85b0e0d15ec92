"""One seed of one regime: all arms, side by side, on the same slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.lookalike.arms import (
    ARMS,
    BENIGN_CE,
    CE,
    CONTROLS,
    SAME,
    SUPCONS,
    Arm,
    marked,
)
from napari_lookalike.core.bench.lookalike.compose import CLASSES, PAIR, Regime, compose
from napari_lookalike.core.bench.lookalike.training import (
    BASE,
    Said,
    ask,
    fine_tuned,
    start_network,
)
from napari_lookalike.core.evidence_effect import keeps
from napari_lookalike.core.progress import SILENT, Job, JobCancelled
from napari_lookalike.core.thresholds import apply_thresholds, fit_thresholds

BEST = "SupCon, lambda chosen on validation slides"
THRESHOLDS = ", threshold from validation slides"
"""What is added to an arm's name where the pair's threshold decides."""
WITH_THRESHOLD = (CE, SAME, BENIGN_CE)


def run_seed(
    features: NDArray[np.float32],
    classes: NDArray[np.str_],
    groups: NDArray[np.intp],
    regime: Regime,
    seed: int,
    *,
    arms: Sequence[Arm] = ARMS,
    job: Job = SILENT,
) -> dict[str, Any]:
    """Train and ask all arms of one seed.

    Returns
    -------
    dict
        ``regime``, ``seed``, ``wrong_pair`` (of the shuffled table), ``clicks`` (arm -> how
        many), ``lambda`` (chosen on validation slides), ``arms`` (name -> "test",
        "validation": figures), ``kept`` (arm with clicks -> whether the check keeps it).
    """
    cohort = compose(features, classes, groups, regime, seed)
    config = replace(BASE, seed=seed)
    start = start_network(cohort, config, SILENT)
    said: dict[str, dict[str, Said]] = {}
    clicked: dict[str, int] = {}
    for i, arm in enumerate(arms):
        if job.cancelled:
            raise JobCancelled("a seed")
        job.step(i, len(arms), arm.name)
        network = fine_tuned(arm, cohort, config, start, seed, SILENT)
        said[arm.name] = {
            part: ask(network, cohort.parts[part], cohort) for part in ("validation", "test")
        }
        if arm.evidence:
            evidence = arm.weights(cohort, seed).evidence
            clicked[arm.name] = sum(len(e) for e in evidence.values())
    figures = {
        name: {part: one.figures() for part, one in parts.items()} for name, parts in said.items()
    }
    best = _best([arm for arm in SUPCONS if arm in arms], figures)
    if best is not None:
        figures[BEST] = figures[best.name]
    for arm in (a for a in WITH_THRESHOLD if a in arms):
        figures[arm.name + THRESHOLDS] = _thresholded(said[arm.name])
    wrong = marked("shuffled", seed)
    return {
        "regime": regime.name,
        "seed": seed,
        "wrong_pair": [CLASSES[wrong[0]], CLASSES[wrong[1]]],
        "clicks": clicked,
        "lambda": None if best is None else best.lam,
        "arms": figures,
        "kept": _kept(arms, figures),
    }


def _best(arms: Sequence[Arm], figures: dict[str, Any]) -> Arm | None:
    """The one that confuses the pair least on validation slides, then the more accurate."""

    def key(arm: Arm) -> tuple[float, float]:
        seen = figures[arm.name]["validation"]
        return seen["confusion"], -seen["balanced_accuracy"]

    return min(arms, key=key, default=None)


def _thresholded(said: dict[str, Said]) -> dict[str, dict[str, float]]:
    seen = said["validation"]
    fitted = fit_thresholds(seen.probabilities, seen.y, CLASSES, [PAIR])
    return {
        part: one.figures(
            np.asarray(apply_thresholds(one.probabilities, CLASSES, fitted).argmax(1), np.int64)
        )
        for part, one in said.items()
    }


def _kept(arms: Sequence[Arm], figures: dict[str, Any]) -> dict[str, bool]:
    found = {}
    for arm, control in CONTROLS.items():
        if arm in arms and control in arms:
            before, after = (figures[a.name]["validation"] for a in (control, arm))
            found[arm.name] = keeps(
                (before["confusion"], after["confusion"]),
                (before["balanced_accuracy"], after["balanced_accuracy"]),
            )
    return found
