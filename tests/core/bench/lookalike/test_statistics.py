"""Relative changes, paired over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.bench.lookalike.statistics import relative_change


def test_it_is_the_ratio_of_means_and_pairing_makes_it_narrow() -> None:
    before = np.array([0.1, 0.4, 0.2, 0.3, 0.15, 0.35])
    found = relative_change(before, before * 0.75)
    assert found.value == pytest.approx(-0.25)
    assert found.low == pytest.approx(found.high) == pytest.approx(-0.25)
    unpaired = relative_change(before, (before * 0.75)[::-1])
    assert unpaired.value == pytest.approx(-0.25)
    assert unpaired.low < -0.3 < unpaired.high
    assert found.text.startswith("-25%")


def test_chance_covers_zero_and_zero_before_is_no_number() -> None:
    rng = np.random.default_rng(1)
    before = rng.uniform(0.1, 0.3, 10)
    after = before + rng.normal(0, 0.05, 10)
    found = relative_change(before, after)
    assert found.low < 0 < found.high
    assert np.isnan(relative_change(np.zeros(3), np.ones(3)).value)
