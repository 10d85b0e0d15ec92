"""From rows to strengths: current labels, no test patient, nothing silently dropped."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives import (
    PairMark,
    PairWeights,
    aggregate,
    margin_cosine,
    reveal,
    version_of,
    weights_for,
)

CLASSES = ("A", "B", "C")


def _slide(slide_id, label, patient="", **kw):
    return SlideRecord(slide_id, Path("x"), patient, label, **kw)


COHORT = Cohort(
    (
        _slide("a1", "A", "P1"),
        _slide("a2", "A", "P2"),
        _slide("b1", "B", "P3"),
        _slide("b2", "B"),
        _slide("c1", "C", "P5"),
        _slide("u", ""),
        _slide("x", "A", excluded=True),
        _slide("rare", "Z"),
    )
)


def slides(a, b, strength=1.0, **kw):
    return PairMark(level="slide", slide_a=a, slide_b=b, strength=strength, **kw)


def subtypes(a, b, strength=1.0, **kw):
    return PairMark(level="subtype", subtype_a=a, subtype_b=b, strength=strength, **kw)


names = st.sampled_from(["a1", "a2", "b1", "b2", "c1", "u"])
marks = st.lists(
    st.one_of(
        st.builds(
            slides,
            names,
            names,
            st.floats(0, 1),
            status=st.sampled_from(["active", "proposed", "agreed", "disputed", "retired"]),
        ),
        st.builds(subtypes, st.sampled_from("ABCZ"), st.sampled_from("ABCZ"), st.floats(0, 1)),
    ),
    max_size=8,
)


@given(marks, st.sampled_from(["max", "mean"]))
def test_aggregate_equals_a_plain_loop(rows, rule):
    label = {s.slide_id: s.label for s in COHORT}
    expected = np.zeros((3, 3))
    for i, a in enumerate(CLASSES):
        for j, b in enumerate(CLASSES):
            values = []
            for row in rows:
                if row.status in ("disputed", "retired"):
                    continue
                sides = (
                    [row.subtype_a, row.subtype_b]
                    if row.level == "subtype"
                    else [label[row.slide_a], label[row.slide_b]]
                )
                if a != b and sorted(sides) == sorted([a, b]):
                    values.append(row.strength)
            if values:
                expected[i, j] = max(values) if rule == "max" else sum(values) / len(values)
    found = aggregate(rows, CLASSES, label, rule=rule)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found, found.T)


def test_current_labels_count_and_not_those_when_marked():
    row = slides("a1", "b1", subtype_a="A", subtype_b="C")
    assert aggregate([row], CLASSES, {"a1": "A", "b1": "B"})[0, 1] == 1
    assert aggregate([row], CLASSES, {"a1": "A", "b1": "B"}.__getitem__)[0, 2] == 0


def test_marks_that_touch_a_test_patient_are_left_out_and_counted():
    rows = (
        slides("a1", "b1", 0.9),
        slides("a2", "b2", 0.4),
        slides("c1", "a2", 0.6),
        subtypes("B", "C", 0.2),
    )
    everything = weights_for(rows, COHORT, CLASSES)
    assert everything.class_strength[0, 1] == np.float32(0.9)
    assert everything.left_out == {}
    fold = weights_for(rows, COHORT, CLASSES, without_patients={"P1", "P5"})
    assert fold.class_strength[0, 1] == np.float32(0.4)  # from the mark that may be seen
    assert fold.class_strength[0, 2] == 0
    assert fold.class_strength[1, 2] == np.float32(0.2)  # subtype marks always count
    assert fold.slide_strength == {("a2", "b2"): 0.4}
    assert fold.left_out == {"touches a test patient": 2}
    assert fold.table_version == version_of(rows)


def test_a_slide_without_patient_is_its_own_group():
    fold = weights_for([slides("a1", "b2")], COHORT, CLASSES, without_patients={"slide:b2"})
    assert fold.empty
    assert fold.left_out == {"touches a test patient": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (slides("a1", "gone"), "no longer in the project"),
        (slides("a1", "x"), "excluded"),
        (slides("a1", "u"), "without a subtype"),
        (slides("a1", "rare"), "without a subtype"),
        (slides("a1", "a2"), "same subtype now"),
        (subtypes("A", "Z"), "does not know"),
    ],
)
def test_unusable_marks_are_counted_under_their_reason(row, reason):
    found = weights_for([row, replace(row, expert="other")], COHORT, CLASSES)
    assert found.empty
    ((sentence, count),) = found.left_out.items()
    assert reason in sentence
    assert count == 2


def test_retired_rows_are_not_used():
    found = weights_for([slides("a1", "b1", status="retired")], COHORT, CLASSES)
    assert found.empty
    assert found.table_version == "empty"
    assert not found.left_out


def test_the_strongest_of_several_experts_counts_for_a_slide_pair():
    rows = [slides("a1", "b1", 0.3, expert="x"), slides("b1", "a1", 0.7, expert="y")]
    assert weights_for(rows, COHORT, CLASSES).slide_strength == {("a1", "b1"): 0.7}


def test_margin_is_the_additive_cosine_that_the_weight_is_worth():
    for gamma, margin in ((2, 0.069), (4, 0.139), (8, 0.208)):
        assert margin_cosine(1.0, gamma, 0.1) == pytest.approx(margin, abs=6e-4)
    # weighting a negative's exponential by w = shifting its cosine by the margin
    w = 1 + (8 - 1) * 0.5
    assert w * math.exp(0.3 / 0.1) == pytest.approx(
        math.exp((0.3 + margin_cosine(0.5, 8, 0.1)) / 0.1)
    )


def test_reveal_says_what_is_asked_and_what_is_left_out():
    weights = weights_for([slides("a1", "b1"), slides("a1", "x")], COHORT, CLASSES)
    said = reveal(weights, 8.0, 0.1)
    assert said[0] == "A and B (strength 1) are asked to be 0.21 further apart in cosine."
    assert said[1].startswith("1 mark not used")
    assert "plain" in reveal(PairWeights.none(CLASSES), 8.0, 0.1)[0]


def test_rules_for_several_experts():
    def mark(expert, strength, status="proposed", b="B"):
        return PairMark(
            level="subtype", subtype_a="A", subtype_b=b, strength=strength, expert=expert,
            status=status,
        )  # fmt: skip

    rows = [mark("x", 0.2), mark("y", 0.8), mark("z", 0.4, b="C"), mark("w", 1.0, "disputed")]

    def strengths(rows, rule):
        found = aggregate(rows, ("A", "B", "C"), {}, rule=rule)
        return [round(float(v), 4) for v in (found[0, 1], found[0, 2])]

    assert strengths(rows, "max") == [0.8, 0.4]
    assert strengths(rows, "mean") == [0.5, 0.4]
    assert strengths(rows, "agreed") == [0.8, 0.0]  # two experts; one, and not agreed
    assert strengths([*rows, mark("q", 0.3, "agreed", "C")], "agreed") == [0.8, 0.4]
    assert strengths([mark("x", 0.2), mark("y", 0.0)], "agreed") == [0.0, 0.0]
    assert strengths([mark("z", 0.6, "agreed", "C")], "agreed") == [0.0, 0.6]
    assert strengths(rows, "share") == [0.3333, 0.1333]  # of x, y and z


def test_a_rule_holds_for_slide_pairs_too():
    rows = [
        PairMark(slide_a="a1", slide_b="b1", strength=0.9, expert="x"),
        PairMark(slide_a="b1", slide_b="a1", strength=0.3, expert="y"),
        PairMark(slide_a="a2", slide_b="b2", strength=0.7, expert="x"),
    ]
    found = {
        rule: dict(weights_for(rows, COHORT, CLASSES, rule=rule).slide_strength)
        for rule in ("max", "mean", "agreed", "share")
    }
    assert found["max"] == {("a1", "b1"): 0.9, ("a2", "b2"): 0.7}
    assert found["mean"]["a1", "b1"] == pytest.approx(0.6)
    assert found["agreed"] == {("a1", "b1"): 0.9}
    assert found["share"]["a2", "b2"] == pytest.approx(0.35)
