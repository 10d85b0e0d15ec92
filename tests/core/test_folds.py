"""Folds: patients whole, subtypes spread, small cohorts without a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.folds import fold_notes, make_folds

SLIDES = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(0, 12)), min_size=6, max_size=40
)


@given(SLIDES, st.integers(2, 5), st.integers(0, 20))
@settings(max_examples=80, deadline=None)
def test_patients_are_never_split_and_no_fold_is_empty(
    slides: list[tuple[str, int]], k: int, seed: int
) -> None:
    labels, groups = [s[0] for s in slides], [f"p{s[1]}" for s in slides]
    labelled = {g for label, g in zip(labels, groups, strict=True) if label}
    if len(set(labels) - {""}) < 2 or len(labelled) < k:
        with pytest.raises(TrainingError) as caught:
            make_folds(labels, groups, k, seed)
        assert caught.value.remedy
        return
    folds = make_folds(labels, groups, k, seed)
    for group in set(groups):
        mine = {int(f) for f, g in zip(folds, groups, strict=True) if g == group}
        assert len(mine) == 1
        assert (mine == {-1}) == (group not in labelled)
    assert {int(f) for f, label in zip(folds, labels, strict=True) if label} == set(range(k))
    np.testing.assert_array_equal(folds, make_folds(labels, groups, k, seed))


def test_subtypes_are_spread() -> None:
    labels = ["common"] * 50 + ["rare"] * 10 + ["rarest"] * 5
    groups = [f"p{i}" for i in range(65)]
    folds = make_folds(labels, groups, 5, seed=1)
    for name, each in (("common", 10), ("rare", 2), ("rarest", 1)):
        counts = np.bincount(folds[np.array(labels) == name], minlength=5)
        assert counts.tolist() == [each] * 5


def test_spread_with_several_slides_per_patient() -> None:
    rng = np.random.default_rng(0)
    labels, groups = [], []
    for patient in range(60):
        n = int(rng.integers(1, 4))
        labels += [["a", "b", "c"][patient % 3]] * n
        groups += [f"p{patient}"] * n
    folds = make_folds(labels, groups, 5, seed=0)
    for name in "abc":
        counts = np.bincount(folds[np.array(labels) == name], minlength=5)
        assert counts.max() - counts.min() <= 3


def test_another_seed_deals_otherwise() -> None:
    labels, groups = ["a", "b"] * 15, [f"p{i}" for i in range(30)]
    assert not np.array_equal(make_folds(labels, groups, 5, 0), make_folds(labels, groups, 5, 1))


def test_a_patient_with_two_subtypes_stays_whole() -> None:
    labels = ["a", "b", "a", "b", "a", "b"]
    groups = ["p", "p", "q", "r", "s", "t"]
    folds = make_folds(labels, groups, 2, 0)
    assert folds[0] == folds[1]


def test_small_classes_are_reported() -> None:
    labels = ["a"] * 10 + ["lone"] + ["pair"] * 2
    groups = [f"p{i}" for i in range(13)]
    folds = make_folds(labels, groups, 5, 0)
    notes = fold_notes(labels, groups, folds)
    assert len(notes) == 2
    assert "lone" in notes[0]
    assert "cannot be recognised" in notes[0]
    assert "pair has 2 patients for 5 folds" in notes[1]


@pytest.mark.parametrize(
    ("labels", "k", "says", "remedy"),
    [
        (["a", "a", "a"], 2, "Only one subtype", "two subtypes"),
        (["", "", ""], 2, "No slide", "two subtypes"),
        (["a", "b", "b"], 5, "3 labelled patients for 5 folds", "at most 3 folds"),
        (["a", "b", "b"], 1, "at least 2 folds", "2 or more"),
    ],
)
def test_refusals_say_what_to_do(labels: list[str], k: int, says: str, remedy: str) -> None:
    with pytest.raises(TrainingError, match=says) as caught:
        make_folds(labels, ["p0", "p1", "p2"], k, 0)
    assert remedy in caught.value.remedy


def test_one_patient_is_not_told_to_use_one_fold() -> None:
    with pytest.raises(TrainingError) as caught:
        make_folds(["a", "b"], ["p", "p"], 2, 0)
    assert "fold" not in caught.value.remedy
