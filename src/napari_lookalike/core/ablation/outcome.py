"""Figures of every run of an ablation, and the comparisons that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from napari_lookalike.core.ablation.grid import Run
from napari_lookalike.core.comparison import compare
from napari_lookalike.core.heldout import (
    HeldOut,
    balanced_accuracy,
    figure,
    known_pairs,
    mean_there,
    pair_confusion,
)


def summary(
    runs: Mapping[Run, Mapping[str, Any]],
    marked: Sequence[tuple[str, str]],
    primary: tuple[float, float],
    seed: int,
) -> dict[str, Any]:
    """Figures of every run, and the comparisons that count.

    Parameters
    ----------
    runs
        Run -> its metrics (`evaluation.evaluate`).
    marked
        The marked pairs, by which all arms are judged.
    primary
        Lambda and temperature chosen beforehand: the project's own.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``runs`` (each with ``balanced_accuracy``, ``margin`` and ``confusion`` of the marked
        pairs together), ``comparisons`` (name -> `comparison.compare`), ``cells``
        (expert-guided against SupCon at every lambda and temperature), ``best_supcon``.
    """
    of: dict[tuple[str, float, float], Mapping[str, Any]] = {
        (r.arm, r.lam, r.tau): m for r, m in runs.items()
    }
    lam, tau = primary
    expert, supcon = of.get(("expert", lam, tau)), of.get(("supcon", lam, tau))
    ce = next((m for r, m in runs.items() if r.arm == "ce"), None)
    shuffled = of.get(("shuffled", lam, tau))
    best = _best(runs, marked)
    pairs = {
        "expert against supcon": (supcon, expert),
        "expert against shuffled": (shuffled, expert),
        "expert against best supcon": (of.get(best) if best else None, expert),
        "expert against ce": (ce, expert),
        "shuffled against ce": (ce, shuffled),
        "supcon against ce": (ce, supcon),
    }
    return {
        "primary": {"lambda": lam, "tau": tau},
        "marked_pairs": [" | ".join(p) for p in marked],
        "runs": [_figures(run, metrics, marked, seed) for run, metrics in runs.items()],
        "comparisons": {
            name: compare(before, after, marked, seed)
            for name, (before, after) in pairs.items()
            if before is not None and after is not None
        },
        "cells": [
            _cell(key, m, of[("supcon", *key[1:])], marked, seed)
            for key, m in of.items()
            if key[0] == "expert" and ("supcon", *key[1:]) in of
        ],
        "best_supcon": None if best is None else {"lambda": best[1], "tau": best[2]},
    }


def _figures(
    run: Run, metrics: Mapping[str, Any], marked: Sequence[tuple[str, str]], seed: int
) -> dict[str, Any]:
    held = HeldOut.from_json(metrics["slides"])
    draws = held.draws(seed)
    one, many = held.confusion(), held.confusion(draws)
    pairs = list(known_pairs(held, marked).values())
    found: dict[str, Any] = {
        "arm": run.arm,
        "lambda": run.lam,
        "tau": run.tau,
        "balanced_accuracy": figure(balanced_accuracy(one), balanced_accuracy(many)),
        "margin": None,
        "confusion": None,
    }
    if pairs:
        margins = [
            mean_there(np.stack([held.margin(p, d) for p in pairs], -1)) for d in (None, draws)
        ]
        found["margin"] = figure(margins[0], margins[1])
        found["confusion"] = figure(pair_confusion(one, pairs), pair_confusion(many, pairs))
    return found


def _best(
    runs: Mapping[Run, Mapping[str, Any]], marked: Sequence[tuple[str, str]]
) -> tuple[str, float, float] | None:
    """SupCon's best setting: least confusion of the marked pairs, else best accuracy."""
    scored = []
    for run, metrics in runs.items():
        if run.arm != "supcon":
            continue
        held = HeldOut.from_json(metrics["slides"])
        pairs = list(known_pairs(held, marked).values())
        confusion = float(pair_confusion(held.confusion(), pairs)[0]) if pairs else 0.0
        accuracy = float(balanced_accuracy(held.confusion())[0])
        scored.append((confusion, -accuracy, run.lam, run.tau))
    if not scored:
        return None
    _, _, lam, tau = min(scored)
    return "supcon", lam, tau


def _cell(
    key: tuple[str, float, float],
    expert: Mapping[str, Any],
    supcon: Mapping[str, Any],
    marked: Sequence[tuple[str, str]],
    seed: int,
) -> dict[str, Any]:
    found = compare(supcon, expert, marked, seed)
    both = found["marked_pairs"]
    change = both["confusion"]["difference"] if both else None
    return {
        "lambda": key[1],
        "tau": key[2],
        "balanced_accuracy": found["balanced_accuracy"]["difference"],
        "confusion": change,
        "margin": both["margin"]["difference"] if both else None,
    }
