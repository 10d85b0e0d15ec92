"""Numbers below zero are printed with a minus, everywhere in the same way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from napari_lookalike.core.comparison import verdict
from napari_lookalike.core.signed import (
    decimals,
    percent,
    points,
    probability,
    signed,
    unbroken,
    with_minus,
)

SOURCES = Path(__file__).parents[2] / "src" / "napari_lookalike"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.064, 2, "+0.06"), (-0.064, 2, "−0.06"), (-0.004, 2, "0.00"), (0.0, 2, "0.00"),
     (-12.4, 0, "−12"), (-0.4, 0, "0")],
)  # fmt: skip
def test_a_difference_has_its_sign_and_nothing_has_none(value, digits, text):
    assert signed(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.42, "0.42"), (-0.42, "−0.42"), (-0.001, "0.00"), (0.0, "0.00")]
)
def test_a_number_has_a_sign_below_zero_only(value, text):
    assert decimals(value) == text
    assert with_minus("-1.3") == "−1.3"


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.05, "+5 points"), (0.01, "+1 point"), (-0.012, "−1 point"), (-0.2, "−20 points"),
     (0.001, "0 points")],
)  # fmt: skip
def test_a_difference_of_shares_is_in_points(difference, text):
    assert points(difference) == text


def test_a_share_may_be_all_or_nothing_and_a_probability_may_not():
    assert (percent(0.0), percent(0.224), percent(1.0)) == ("0 %", "22 %", "100 %")
    assert (probability(0.001), probability(0.5), probability(0.999)) == (
        "under 1 %",
        "50 %",
        "over 99 %",
    )


def test_no_line_ends_before_a_percent_sign():
    assert unbroken("12 % of 40 %") == "12\u00a0% of 40\u00a0%"


def test_the_sentence_about_two_models_has_minus_signs():
    change = {"value": -0.064, "low": -0.2, "high": 0.001}
    figures = {"before": 0.5, "after": 0.44, "difference": change}
    said = verdict(
        {"n_slides": 9, "marked_pairs": {}, "balanced_accuracy": figures, "got_worse": []}
    )
    assert "50 % before, 44 % after (difference −6 points, 95 % interval −20 to 0)" in said
    assert "-" not in said


def test_nothing_prints_a_sign_by_itself():
    by_itself = re.compile(r":\+\.?\d*[fg]\}")
    found = [
        f"{path.relative_to(SOURCES)}:{number}"
        for path in sorted(SOURCES.rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if by_itself.search(line)
    ]
    assert not found, "use core/signed.py: " + ", ".join(found)
