"""What speaks for a pair: confusion, nearness, entropy, textbook; never the same patient."""

from __future__ import annotations

import numpy as np
import pytest
from tests.core.suggest.cohorts import angle, cohort_of, results_of

from napari_lookalike.core.suggest import Textbook, find_hints, gather
from napari_lookalike.core.suggest.likeness import BETWEEN_BITS
from napari_lookalike.core.suggest.nearest import nearest_of_each_class
from napari_lookalike.core.suggest.prototypes import (
    binary_entropy,
    pair_entropy,
    prototype_similarity,
)

AB = ("alpha", "beta")
NONE = Textbook()


def by(hints, level, source):
    return [h for h in hints.found if h.level == level and h.source == source]


@pytest.fixture
def four():
    """Alpha at 0 and 10 degrees, beta at 90 and 60; a2 was taken for beta."""
    cohort = cohort_of(
        ("a1", "alpha", "p1"), ("a2", "alpha", "p2"), ("b1", "beta", "p3"), ("b2", "beta", "p4")
    )
    results = results_of(
        AB,
        a1=(angle(0), (0.9, 0.1)),
        a2=(angle(10), (0.2, 0.8)),
        b1=(angle(90), (0.1, 0.9)),
        b2=(angle(60), (0.3, 0.7)),
    )
    return cohort, results


def test_confused_subtypes_are_counted_on_held_out_slides(four):
    cohort, results = four
    [hint] = by(find_hints(cohort, results, NONE), "subtype", "confusion")
    assert (hint.a, hint.b, hint.value) == ("alpha", "beta", 0.5)
    assert hint.text.startswith("1 of 4 slides of the two was taken for the other one")


def test_a_confused_slide_is_paired_with_the_nearest_of_what_it_was_taken_for(four):
    cohort, results = four
    [hint] = by(find_hints(cohort, results, NONE), "slide", "confusion")
    assert (hint.a, hint.b) == ("a2", "b2")
    assert hint.value == pytest.approx(0.8)
    assert hint.subtypes == AB


def test_a_slide_that_was_trained_on_is_no_confusion(four):
    cohort, results = four
    said = {**results.slides}
    z, p = said["a2"].embedding, said["a2"].probabilities
    results = results_of(
        AB,
        **{s: (r.embedding, r.probabilities) for s, r in said.items() if s != "a2"},
        a2=(z, p, {"held_out": False, "fold": -1}),
    )
    assert by(find_hints(cohort, results, NONE), "slide", "confusion") == []


def test_nearest_slide_across_subtypes(four):
    cohort, results = four
    hints = by(find_hints(cohort, results, NONE, tau=0.1), "slide", "neighbours")
    found = {frozenset((h.a, h.b)): h for h in hints}
    best = found[frozenset(("a2", "b2"))]
    own, other = np.cos(np.radians(30)), np.cos(np.radians(50))  # from b2's side
    assert best.value == pytest.approx(1 / (1 + np.exp((own - other) / 0.1)), rel=1e-4)
    assert by(find_hints(cohort, results, NONE), "subtype", "neighbours") == []


def test_slides_of_one_patient_are_never_paired():
    cohort = cohort_of(("a1", "alpha", "p1"), ("b1", "beta", "p1"), ("b2", "beta", "p2"))
    results = results_of(
        AB,
        a1=(angle(0), (0.1, 0.9)),
        b1=(angle(1), (0.1, 0.9)),
        b2=(angle(40), (0.1, 0.9)),
    )
    hints = find_hints(cohort, results, NONE)
    pairs = {frozenset((h.a, h.b)) for h in hints.found if h.level == "slide"}
    assert pairs == {frozenset(("a1", "b2"))}


def test_a_copy_of_a_slide_is_no_look_alike_of_it():
    cohort = cohort_of(
        ("a1", "alpha", "p1"),
        ("b1", "beta", "p2"),
        a1={"fingerprint": "same"},
        b1={"fingerprint": "same"},
    )
    results = results_of(AB, a1=(angle(0), (0.1, 0.9)), b1=(angle(0), (0.1, 0.9)))
    assert [h for h in find_hints(cohort, results, NONE).found if h.level == "slide"] == []


def test_excluded_and_locked_slides_are_left_out(four):
    cohort, results = four
    hints = find_hints(cohort, results, NONE, locked=["b2"])
    assert not [h for h in hints.found if "b2" in (h.a, h.b, *h.slides)]
    assert all("b2" not in pair for _, pair in hints.examples)
    excluded = cohort.with_record(type(cohort["a2"])(**{**vars(cohort["a2"]), "excluded": True}))
    assert not [h for h in find_hints(excluded, results, NONE).found if "a2" in (h.a, h.b)]


def test_prototypes_leave_the_own_patient_out(four):
    cohort, results = four
    s = prototype_similarity(gather(cohort, results))
    # a1's alpha prototype is a2 alone; its beta prototype the mean of 60 and 90 degrees.
    assert s[0, 0] == pytest.approx(np.cos(np.radians(10)), abs=1e-6)
    assert s[0, 1] == pytest.approx(np.cos(np.radians(75)), abs=1e-6)


def test_a_subtype_of_one_patient_has_no_prototype_for_that_patient():
    cohort = cohort_of(("a1", "alpha", "p1"), ("b1", "beta", "p2"), ("n1", "", "p3"))
    z = {"a1": angle(0), "b1": angle(90), "n1": angle(45)}
    results = results_of(AB, **{s: (v, (0.5, 0.5)) for s, v in z.items()})
    s = prototype_similarity(gather(cohort, results))
    assert np.isneginf(s[0, 0])
    assert np.isneginf(s[1, 1])
    entropy, pair = pair_entropy(s, 0.1)
    assert entropy.tolist() == [0.0, 0.0, pytest.approx(1.0)]
    assert pair[:2].tolist() == [[-1, -1], [-1, -1]]
    assert sorted(pair[2]) == [0, 1]


def test_entropy_is_that_of_the_two_nearest_prototypes_not_of_two_far_ones():
    similarity = np.array([[0.9, 0.8, -0.5, -0.5]], np.float32)
    entropy, pair = pair_entropy(similarity, 0.1)
    share = 1 / (1 + np.exp(-1))
    assert pair.tolist() == [[0, 1]]
    assert entropy[0] == pytest.approx(-share * np.log2(share) - (1 - share) * np.log2(1 - share))


def test_binary_entropy_ends():
    assert binary_entropy(np.array([0.0, 0.5, 1.0])).tolist() == [0.0, 1.0, 0.0]


def test_a_slide_between_two_subtypes_is_found():
    cohort = cohort_of(
        *((f"a{i}", "alpha", f"p{i}") for i in range(3)),
        *((f"b{i}", "beta", f"q{i}") for i in range(3)),
    )
    at = {"a0": 0, "a1": 2, "a2": 45, "b0": 88, "b1": 90, "b2": 92}
    results = results_of(AB, **{s: (angle(v), (0.5, 0.5)) for s, v in at.items()})
    hints = find_hints(cohort, results, NONE)
    [slide] = by(hints, "slide", "entropy")
    assert (slide.a, slide.b) == ("a2", "b0")
    assert slide.value >= BETWEEN_BITS
    [subtypes] = by(hints, "subtype", "entropy")
    assert subtypes.value == pytest.approx(2 / 6)
    assert subtypes.text.startswith("1 slide lies between the two")


def test_nearest_in_blocks_is_the_same_as_by_hand(monkeypatch):
    monkeypatch.setattr("napari_lookalike.core.suggest.nearest.BLOCK", 7)
    rng = np.random.default_rng(1)
    names = ("alpha", "beta", "gamma")
    slides = [(f"s{i}", (*names, "")[rng.integers(4)], f"p{rng.integers(12)}") for i in range(40)]
    said = {s: (rng.normal(size=5), rng.dirichlet(np.ones(3))) for s, _, _ in slides}
    m = gather(cohort_of(*slides), results_of(names, **said))
    found = nearest_of_each_class(m)
    for i in range(len(m)):
        for c in range(3):
            there = np.flatnonzero((m.y == c) & (m.group != m.group[i]))
            if not len(there):
                assert found.row[i, c] == -1
                continue
            cosines = m.z[there] @ m.z[i]
            assert found.similarity[i, c] == pytest.approx(cosines.max(), abs=1e-6)
            assert m.z[found.row[i, c]] @ m.z[i] == pytest.approx(cosines.max(), abs=1e-6)


def test_labels_that_the_model_does_not_know_are_no_error():
    cohort = cohort_of(("a1", "alpha", "p1"), ("x1", "new one", "p2"), ("b1", "beta", "p3"))
    results = results_of(AB, **dict.fromkeys(("a1", "x1", "b1"), ((1.0, 0.0), (0.5, 0.5))))
    hints = find_hints(cohort, results, NONE)
    assert not [h for h in hints.found if "x1" in (h.a, h.b)]


def test_without_a_model_and_without_slides_there_is_only_the_textbook():
    assert find_hints(cohort_of(), None, NONE).found == ()
    assert find_hints(cohort_of(), results_of(AB), NONE).found == ()
