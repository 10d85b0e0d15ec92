"""Thresholds of pairs: fitted where it helps, silent where not, never on the slides they judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.thresholds import (
    KEY,
    apply_thresholds,
    fit_thresholds,
    held_out_thresholds,
    note_of,
    sentences,
    thresholds_of,
)

CLASSES = ("a", "b", "c")
PAIR = (("a", "b"),)


def answers(odds: list[float], third: float = 0.02) -> np.ndarray:
    """Probabilities whose ln(p_a / p_b) are these."""
    share = 1 / (1 + np.exp(-np.array(odds)))
    p = (1 - third) * np.stack([share, 1 - share], 1)
    return np.column_stack([p, np.full(len(odds), third)]).astype(np.float32)


def leaning(n: int = 12, seed: int = 0, shift: float = -1.5) -> tuple[np.ndarray, np.ndarray]:
    """Slides of a and b that are told apart at ``shift``, not at 0."""
    rng = np.random.default_rng(seed)
    y = np.array([0, 1] * n)
    odds = np.where(y == 0, 1.0, -1.0) + shift + rng.uniform(-0.4, 0.4, 2 * n)
    return answers(odds.tolist()), y


def test_a_threshold_is_found_where_the_model_leans_to_one_side() -> None:
    p, y = leaning()
    assert (p.argmax(1) != y).mean() == pytest.approx(0.5)
    (found,) = fit_thresholds(p, y, CLASSES, PAIR)
    assert -2.3 < found.shift < -0.7
    assert (apply_thresholds(p, CLASSES, [found]).argmax(1) == y).all()
    assert (found.n_first, found.n_second) == (12, 12)


def test_none_where_nothing_is_gained_or_too_little_is_known() -> None:
    p, y = leaning(shift=0.0)
    assert fit_thresholds(p, y, CLASSES, PAIR) == ()
    p, y = leaning(n=4)
    assert fit_thresholds(p, y, CLASSES, PAIR) == ()
    assert fit_thresholds(p, y, CLASSES, (("a", "elsewhere"),)) == ()


@given(
    st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=8),
    st.floats(-4, 4),
)
@settings(max_examples=60, deadline=None)
def test_only_the_two_of_a_pair_move_and_only_where_they_lead(
    raw: list[list[float]], shift: float
) -> None:
    from napari_lookalike.core.thresholds import PairThreshold

    p = np.array(raw, np.float64)
    p = (p / p.sum(1, keepdims=True)).astype(np.float32)
    q = apply_thresholds(p, CLASSES, [PairThreshold("a", "b", shift, 9, 9)])
    np.testing.assert_allclose(q[:, 2], p[:, 2])
    np.testing.assert_allclose(q.sum(1), p.sum(1), atol=1e-6)
    lead = np.minimum(p[:, 0], p[:, 1]) >= p[:, 2]
    np.testing.assert_allclose(q[~lead], p[~lead])
    odds = np.log(p[lead, 0].astype(float)) - np.log(p[lead, 1].astype(float))
    sure = np.abs(odds - shift) > 1e-4
    np.testing.assert_array_equal(q[lead].argmax(1)[sure] == 0, (odds >= shift)[sure])


def test_a_slide_has_no_part_in_the_threshold_that_judges_it() -> None:
    p, y = leaning(n=15)
    fold = np.arange(len(y)) // 2 % 3
    out, kept = held_out_thresholds(p, y, fold, CLASSES, PAIR)
    changed = y.copy()
    changed[fold == 0] = 1 - changed[fold == 0]  # other labels in fold 0
    again, _ = held_out_thresholds(p, changed, fold, CLASSES, PAIR)
    np.testing.assert_array_equal(out[fold == 0], again[fold == 0])
    assert (out.argmax(1) == y).mean() > 0.95
    assert len(kept["folds"]) == 3
    model = {KEY: kept}
    assert thresholds_of(model)[0].first == "a"
    assert thresholds_of(model, 2)[0].n_first == 10
    assert thresholds_of({}) == ()


def test_it_is_said_in_words() -> None:
    p, y = leaning(n=15)
    _, kept = held_out_thresholds(p, y, np.arange(30) // 2 % 3, CLASSES, PAIR)
    (said,) = sentences({KEY: kept})
    assert "Between a and b a threshold decides" in said
    assert "15 held-out slides" in said or "15 and 15" in said
    assert sentences({}) == ()
    assert "none was better" in sentences({KEY: {"final": [], "folds": []}})[0]


def test_an_answer_says_that_a_threshold_had_a_say() -> None:
    p, y = leaning(n=15)
    _, kept = held_out_thresholds(p, y, np.arange(30) // 2 % 3, CLASSES, PAIR)
    card = {KEY: kept}
    assert "between a and b" in note_of(card, -1, ("b", "a"))
    assert "between a and b" in note_of(card, 1, ("a", "b"))
    assert note_of(card, -1, ("a", "c")) == ""
    assert note_of({}, -1, ("a", "b")) == ""
