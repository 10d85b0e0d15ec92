"""From all seeds to the tables that are reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.lookalike.arms import (
    ARMS,
    FULL_MANY,
    MANY_TABLE,
    SHUFFLED,
    TABLE,
    Arm,
)
from napari_lookalike.core.bench.lookalike.run import BEST
from napari_lookalike.core.bench.lookalike.statistics import Change, relative_change

PRIMARY = FULL_MANY.name
"""The one comparison that was planned: this arm against the best one without an expert."""
SECOND = MANY_TABLE.name
"""Compared with the best arm that has neither an expert nor benign slides."""
EXPERTS = frozenset(arm.name for arm in ARMS if arm.expert)
Seed = Mapping[str, Any]


def values(
    seeds: Sequence[Seed], arm: str, figure: str = "confusion", part: str = "test"
) -> NDArray[np.float64]:
    """An arm's figure, one per seed."""
    return np.array([one["arms"][arm][part][figure] for one in seeds], np.float64)


def names(seeds: Sequence[Seed]) -> list[str]:
    """The arms that every seed has, in order."""
    return [n for n in seeds[0]["arms"] if all(n in one["arms"] for one in seeds)]


def best_without_expert(seeds: Sequence[Seed], *, benign: bool = True) -> str:
    """Lowest mean confusion on test slides among the arms that need nobody.

    Chosen by looking at the test slides, which favours it: what an expert brings is
    compared with more than one could have known to choose.

    Parameters
    ----------
    seeds
        From `run.run_seed`.
    benign
        Whether arms that know benign slides count.
    """
    plain = [n for n in names(seeds) if n not in EXPERTS]
    plain = [n for n in plain if benign or not n.startswith("benign")]
    return min(plain, key=lambda name: float(values(seeds, name).mean()))


def change(seeds: Sequence[Seed], before: str, after: str) -> Change:
    """Relative change of the marked pair's confusion on test slides."""
    return relative_change(values(seeds, before), values(seeds, after))


def caught(seeds: Sequence[Seed], arm: Arm) -> float:
    """Share of seeds in which the check on validation slides would not keep an arm."""
    return float(np.mean([not one["kept"][arm.name] for one in seeds]))


def gated(seeds: Sequence[Seed], arm: Arm, control: Arm) -> NDArray[np.float64]:
    """Confusion on test slides where the check decides between an arm and its control."""
    return np.array(
        [
            one["arms"][arm.name if one["kept"][arm.name] else control.name]["test"]["confusion"]
            for one in seeds
        ]
    )


def markdown(seeds: Sequence[Seed]) -> str:
    """One regime's table: every arm, and its change against the best without an expert."""
    best = best_without_expert(seeds)
    lines = [
        "| arm | confusion (least to most) | balanced accuracy | attention on tumour | against "
        f"{best} |",
        "|---|---|---|---|---|",
    ]
    for name in names(seeds):
        found = values(seeds, name)
        accuracy = values(seeds, name, "balanced_accuracy").mean()
        attention = values(seeds, name, "attention_on_tumour").mean()
        against = "–" if name == best else change(seeds, best, name).text
        lines.append(
            f"| {name} | {found.mean():.3f} ({found.min():.3f} to {found.max():.3f}) "
            f"| {accuracy:.3f} | {attention:.2f} | {against} |"
        )
    return "\n".join(lines)


def pairs_of_interest(seeds: Sequence[Seed]) -> dict[str, Change]:
    """Further comparisons, all of them exploratory."""
    asked = {
        "class-pair table against SupCon at the same lambda": ("SupCon, lambda 1", TABLE.name),
        "shuffled table against SupCon at the same lambda": ("SupCon, lambda 1", SHUFFLED.name),
        "class-pair table against shuffled table": (SHUFFLED.name, TABLE.name),
        "SupCon at its best lambda against cross-entropy": ("cross-entropy", BEST),
    }
    there = set(names(seeds))
    return {k: change(seeds, a, b) for k, (a, b) in asked.items() if {a, b} <= there}
