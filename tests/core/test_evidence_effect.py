"""The check before a model is kept: harm is said, chance is said, nothing is claimed."""

from __future__ import annotations

from typing import Any

import pytest

from napari_lookalike.core.evidence_effect import effect, keeps


def comparison(
    confusion: tuple[float | None, float | None],
    balanced: tuple[float, float] = (0.7, 0.75),
    high: float | None = -0.01,
) -> dict[str, Any]:
    change = {"value": -0.1, "low": -0.2, "high": high}
    return {
        "marked_pairs": {
            "confusion": {"before": confusion[0], "after": confusion[1], "difference": change}
        },
        "balanced_accuracy": {"before": balanced[0], "after": balanced[1], "difference": change},
    }


@pytest.mark.parametrize(
    ("confusion", "balanced", "kept"),
    [
        ((0.3, 0.2), (0.7, 0.75), True),
        ((0.3, 0.3), (0.7, 0.7), True),
        ((0.3, 0.31), (0.7, 0.9), False),
        ((0.3, 0.2), (0.7, 0.695), True),
        ((0.3, 0.2), (0.7, 0.65), False),
    ],
)
def test_the_rule(
    confusion: tuple[float, float], balanced: tuple[float, float], kept: bool
) -> None:
    assert keeps(confusion, balanced) is kept


def test_help_harm_and_chance_are_said() -> None:
    assert effect(comparison((0.3, 0.1)), 4)["sentence"].startswith("The 4 evidence tiles helped")
    assert "chance" not in effect(comparison((0.3, 0.1)), 4)["sentence"]
    assert "may be chance" in effect(comparison((0.3, 0.1), high=0.02), 4)["sentence"]
    harm = effect(comparison((0.1, 0.3)), 1)
    assert harm["keep"] is False
    assert "The 1 evidence tile did harm" in harm["sentence"]
    assert "roll back" in harm["sentence"]
    same = effect(comparison((0.3, 0.3), (0.7, 0.7)), 4)
    assert "changed nothing" in same["sentence"]


def test_without_held_out_slides_nothing_is_said() -> None:
    found = effect(comparison((None, None)), 4)
    assert found["keep"] is None
    assert "cannot be said" in found["sentence"]
    none = effect({"marked_pairs": {}, "balanced_accuracy": {"before": 0.5, "after": 0.5}}, 4)
    assert none["keep"] is None
