"""The same slide under two names is never on both sides of a fold."""

import numpy as np
import pytest

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.duplicates import content_of, joined
from napari_lookalike.core.errors import TrainingError


def bag(name, patient, label="A", seed=None):
    rng = np.random.default_rng(sum(name.encode()) if seed is None else seed)
    return Bag(name, patient, rng.normal(size=(40, 4)).astype(np.float32), label)


def contents(bags, **same):
    return {b.slide_id: same.get(b.slide_id, b.slide_id) for b in bags}


def test_nothing_to_say_where_all_differ():
    bags = [bag("S1", "p"), bag("S2", "p"), bag("S3", "q")]
    assert joined(bags, contents(bags)) == (tuple(bags), ())


def test_patients_who_share_a_slide_become_one_group():
    bags = [bag("S1", "p"), bag("S2", "q"), bag("S3", "q"), bag("S4", "r"), bag("S5", "s")]
    found, notes = joined(bags, contents(bags, S1="x", S2="x", S3="y", S4="y"))
    assert [b.group for b in found] == ["p", "p", "p", "p", "s"]
    assert len(notes) == 2
    assert "S1 and S2 hold the same slide under different patients" in notes[0]
    assert not any(group in " ".join(notes).split() for group in "pqrs")


def test_a_copy_of_the_same_patient_is_said():
    bags = [bag("S1", "p"), bag("S2", "p", label="")]
    found, notes = joined(bags, contents(bags, S1="x", S2="x"))
    assert found[0].group == found[1].group
    assert "counts more than once" in notes[0]


def test_a_slide_with_two_labels_is_refused():
    bags = [bag("S1", "p", "A"), bag("S2", "q", "B")]
    with pytest.raises(TrainingError, match="S1 and S2 hold the same slide") as caught:
        joined(bags, contents(bags, S1="x", S2="x"))
    assert caught.value.remedy


def test_content_is_the_fingerprint_else_the_features():
    one, same, other = bag("S1", "p", seed=1), bag("S2", "q", seed=1), bag("S3", "r", seed=2)
    assert content_of("abc", one) == content_of("abc", other) == "abc"
    assert content_of("", one) == content_of("", same) != content_of("", other)
