"""How one early answer is held against the one before."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.early import Said, compared
from napari_lookalike.core.results import SlideResult


def result(*probabilities):
    p = np.array(probabilities, np.float32)
    return SlideResult("S1", p, np.zeros(3, np.float32), np.zeros((1, 4), np.float32), False)


def test_the_first_answer_has_nothing_to_be_compared_with():
    said = compared(result(0.2, 0.8), 12, None)
    assert said == Said(12, pytest.approx((0.2, 0.8)), 1, None)
    assert said.first == 1


def test_the_same_subtype_counts_on_and_another_begins_anew():
    first = compared(result(0.2, 0.8), 12, None)
    second = compared(result(0.3, 0.7), 20, first)
    third = compared(result(0.1, 0.9), 40, second)
    assert (second.in_a_row, third.in_a_row) == (2, 3)
    assert second.moved == pytest.approx(0.1, abs=1e-6)
    other = compared(result(0.6, 0.4), 60, third)
    assert other.in_a_row == 1
    assert other.moved == pytest.approx(0.5, abs=1e-6)  # of what comes first now


def test_an_answer_of_a_model_with_other_classes_is_no_comparison():
    before = compared(result(0.2, 0.5, 0.3), 12, None)
    assert compared(result(0.2, 0.8), 20, before).moved is None
