"""The differential of a slide and what a patient's slides say together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lookalike.core.prediction import CASE_RULE, case_prediction, differential
from napari_lookalike.core.results import SlideResult

CLASSES = ("A", "B", "C")


def slide(name, p, **kw):
    p = np.asarray(p, np.float32)
    return SlideResult(
        name, p / p.sum(), np.zeros(2), np.zeros((1, 1)), kw.pop("held_out", True), **kw
    )


def test_the_differential_names_the_first_two_and_their_margin():
    d = differential(slide("S", [0.2, 0.5, 0.3]), CLASSES)
    assert (d.first, d.second) == ("B", "C")
    assert d.margin == pytest.approx(0.2)
    assert [name for name, _ in d.probabilities] == ["B", "C", "A"]
    assert sum(p for _, p in d.probabilities) == pytest.approx(1)
    one = differential(np.array([1.0]), ("A",))
    assert (one.first, one.second, one.margin) == ("A", "", 1.0)


probabilities = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


@given(st.lists(probabilities, min_size=1, max_size=5))
def test_a_case_is_the_geometric_mean_of_its_slides(rows):
    slides = [slide(f"S{i}", p) for i, p in enumerate(rows)]
    expected = np.ones(3)
    for s in slides:
        expected = expected * s.probabilities.astype(float)
    expected = expected ** (1 / len(slides))
    expected /= expected.sum()
    found = dict(case_prediction(slides, CLASSES).differential.probabilities)
    np.testing.assert_allclose([found[c] for c in CLASSES], expected, rtol=1e-5)


def test_one_slide_is_its_own_case():
    s = slide("S", [0.2, 0.5, 0.3])
    case = case_prediction([s], CLASSES)
    assert case.differential.margin == pytest.approx(0.2, abs=1e-6)
    assert (case.agreement, case.agreement_text) == (1.0, "one slide")


def test_agreement_rule_and_warnings_are_told():
    case = case_prediction(
        [slide("S1", [0.9, 0.1, 0.0]), slide("S2", [0.8, 0.1, 0.1], unlike=1.0),
         slide("S3", [0.3, 0.4, 0.3], held_out=False)],
        CLASSES,
    )  # fmt: skip
    assert case.differential.first == "A"
    assert case.agreement == pytest.approx(2 / 3)
    assert case.agreement_text == "2 of 3 slides say so on their own"
    assert case.slides == (("S1", "A"), ("S2", "A"), ("S3", "B"))
    assert case.unlike == ("S2",)
    assert not case.held_out
    assert case.rule == CASE_RULE
    assert "log-probabilities" in case.rule


def test_a_zero_probability_does_not_break_the_mean():
    case = case_prediction([slide("S1", [1, 0, 0]), slide("S2", [0, 1, 0])], CLASSES)
    values = dict(case.differential.probabilities)
    assert values["A"] == pytest.approx(0.5, abs=1e-3)
    assert np.isfinite(list(values.values())).all()


def test_no_slide_is_no_case():
    with pytest.raises(ValueError, match="at least one"):
        case_prediction([], CLASSES)
