"""Figures against plain loops and scikit-learn; intervals; the verdict in words."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from napari_lookalike.core import heldout
from napari_lookalike.core.evaluation import (
    compare,
    evaluate,
    most_confused,
    pair_figures,
    pair_name,
)
from napari_lookalike.core.heldout import HeldOut
from napari_lookalike.core.model import CrossValidation

CLASSES = ("A", "B", "C")


def make_cv(y, predicted, groups=None, classes=CLASSES, seed=0, embeddings=None, means=None):
    rng = np.random.default_rng(seed)
    y, predicted = np.asarray(y), np.asarray(predicted)
    n, c, e, k = len(y), len(classes), 4, 2
    probabilities = np.full((n, c), 0.1, np.float32)
    probabilities[np.arange(n), predicted] = 0.8
    z = rng.normal(size=(n, e)).astype(np.float32) if embeddings is None else embeddings
    return CrossValidation(
        classes=tuple(classes),
        slide_ids=tuple(f"S{i}" for i in range(n)),
        groups=tuple(groups if groups is not None else [f"PAT-{i}" for i in range(n)]),
        y=y,
        fold=np.arange(n) % k,
        probabilities=probabilities,
        embeddings=z,
        aligned=z,
        class_means=rng.normal(size=(k, c, e)).astype(np.float32) if means is None else means,
        attention_logits=tuple(np.zeros((1, 2), np.float32) for _ in range(n)),
        distances=np.zeros(n, np.float32),
        networks=(),
    )


def random_cv(seed, n=40):
    rng = np.random.default_rng(seed)
    y = np.r_[0, 1, 2, rng.integers(0, 3, n - 3)]
    predicted = np.where(rng.random(n) < 0.6, y, rng.integers(0, 3, n))
    return make_cv(y, predicted, [f"PAT-{i // 2}" for i in range(n)], seed=seed)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_figures_equal_scikit_learn(seed):
    cv = random_cv(seed)
    said = cv.probabilities.argmax(1)
    found = evaluate(cv)
    assert found["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(cv.y, said))
    assert found["macro_f1"]["value"] == pytest.approx(f1_score(cv.y, said, average="macro"))
    assert found["accuracy"]["value"] == pytest.approx((said == cv.y).mean())
    np.testing.assert_array_equal(found["confusion_matrix"], confusion_matrix(cv.y, said))
    for i, name in enumerate(CLASSES):
        recall = found["per_class_recall"][name]
        assert recall["value"] == pytest.approx((said[cv.y == i] == i).mean())
        assert recall["n"] == (cv.y == i).sum()
    assert found["n_patients"] == 20


def test_pair_confusion_and_margin_equal_a_plain_loop():
    cv = random_cv(3)
    said = cv.probabilities.argmax(1)
    a, b = 0, 2
    confused, sides = [], {a: [], b: []}
    for i, (true, pred) in enumerate(zip(cv.y, said, strict=True)):
        if true not in (a, b):
            continue
        other = b if true == a else a
        if pred == other:
            confused.append(cv.slide_ids[i])
        cosine = {}
        for c in (a, b):
            mu = cv.class_means[cv.fold[i], c].astype(float)
            z = cv.embeddings[i].astype(float)
            cosine[c] = z @ mu / np.linalg.norm(z) / np.linalg.norm(mu)
        sides[true].append(cosine[true] - cosine[other])
    found = evaluate(cv, [("C", "A"), ("A", "C"), ("A", "Z"), ("A", "A")])["pairs"]
    assert list(found) == ["A | C"]
    assert found["A | C"]["confused"] == confused
    n = len(sides[a]) + len(sides[b])
    assert found["A | C"]["confusion"]["value"] == pytest.approx(len(confused) / n)
    margin = (np.mean(sides[a]) + np.mean(sides[b])) / 2
    assert found["A | C"]["margin"]["value"] == pytest.approx(margin, abs=1e-4)
    assert (found["A | C"]["n_a"], found["A | C"]["n_b"]) == (len(sides[a]), len(sides[b]))


def test_the_bootstrap_draws_patients_and_equals_a_plain_loop():
    cv = random_cv(5)
    held = HeldOut.of(cv)
    draws = held.draws(seed=7)
    assert draws.shape == (1000, 20)
    assert (draws.sum(axis=1) == 20).all()
    fast = heldout.balanced_accuracy(held.confusion(draws))[:25]
    fast_margin = held.margin((0, 1), draws)[:25]
    for r in range(25):
        rows = [
            i
            for p in range(20)
            for _ in range(int(draws[r, p]))
            for i in np.flatnonzero(held.patient == p)
        ]
        y, said = held.y[rows], held.predicted[rows]
        assert fast[r] == pytest.approx(np.mean([(said[y == c] == c).mean() for c in np.unique(y)]))
        sides = [
            (held.similarity[rows, own] - held.similarity[rows, other])[y == own]
            for own, other in ((0, 1), (1, 0))
        ]
        assert fast_margin[r] == pytest.approx(np.mean([s.mean() for s in sides if len(s)]))


def test_intervals_are_seeded_and_cover_their_value():
    cv = random_cv(1)
    one, two = evaluate(cv, [("A", "B")], seed=1), evaluate(cv, [("A", "B")], seed=1)
    assert one == two
    assert evaluate(cv, seed=2)["macro_f1"] != one["macro_f1"]
    for f in (one["accuracy"], one["macro_f1"], one["pairs"]["A | B"]["margin"]):
        assert f["low"] < f["value"] < f["high"]


def test_an_interval_is_wider_when_slides_come_from_few_patients():
    y = np.arange(60) % 3
    said = np.where((np.arange(60) // 6) % 2, y, (y + 1) % 3)  # whole patients right or wrong
    many = evaluate(make_cv(y, said))["accuracy"]
    few = evaluate(make_cv(y, said, [f"P{i // 6}" for i in range(60)]))["accuracy"]
    assert few["value"] == many["value"]
    assert few["high"] - few["low"] > 1.5 * (many["high"] - many["low"])


def test_a_class_that_no_slide_has_is_unknown_and_not_zero():
    found = evaluate(make_cv([0, 0, 1, 1], [0, 0, 1, 1]), [("A", "C"), ("A", "B")])
    assert found["per_class_recall"]["C"] == {"value": None, "low": None, "high": None, "n": 0}
    assert found["balanced_accuracy"]["value"] == 1.0
    assert found["pairs"]["A | C"]["confusion"]["value"] == 0.0
    json.dumps(found, allow_nan=False)


def test_a_fold_that_trained_without_a_class_says_nothing_of_the_margin():
    cv = make_cv([0, 0, 1, 1], [0, 0, 1, 1])
    means = cv.class_means.copy()
    means[0, 1] = np.nan  # fold 0 (slides 0 and 2) never saw B
    found = evaluate(replace(cv, class_means=means), [("A", "B")])
    s = HeldOut.of(cv).similarity
    expected = ((s[1, 0] - s[1, 1]) + (s[3, 1] - s[3, 0])) / 2
    assert found["pairs"]["A | B"]["margin"]["value"] == pytest.approx(expected, abs=1e-4)
    json.dumps(found, allow_nan=False)


def test_no_patient_is_in_the_metrics_and_they_survive_json():
    cv = random_cv(2)
    metrics = evaluate(cv, [("A", "B")], seed=4)
    text = json.dumps(metrics, allow_nan=False)
    assert "PAT" not in text
    read = json.loads(text)
    assert pair_figures(read, [("B", "A")], seed=4) == metrics["pairs"]


def test_most_confused_pairs_come_first_and_never_confused_ones_not_at_all():
    y = [0] * 4 + [1] * 4 + [2] * 4
    said = [0, 1, 1, 0, 1, 1, 0, 1, 2, 2, 1, 2]
    metrics = evaluate(make_cv(y, said))
    assert most_confused(metrics, 5) == (("A", "B"), ("B", "C"))
    assert most_confused(metrics, 1) == (("A", "B"),)


def test_pair_names_do_not_depend_on_the_order():
    assert pair_name("b", "a") == pair_name("a", "b") == "a | b"


def compared(before, after, pairs=(("A", "B"),), **kw):
    return compare(evaluate(before), evaluate(after), pairs, **kw)


Y = [0] * 20 + [1] * 20 + [2] * 10


def test_a_model_against_itself_is_not_better():
    cv = random_cv(0)
    found = compared(cv, cv)
    assert found["balanced_accuracy"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["got_worse"] == []
    assert "not better" in found["verdict"]


def test_a_clear_gain_is_called_better_and_its_price_is_named():
    bad = np.array(Y)
    bad[:12] = 1
    good = np.array(Y)
    good[40:43] = 0
    found = compared(make_cv(Y, bad), make_cv(Y, good))
    change = found["pairs"]["A | B"]["confusion"]
    assert (change["before"], change["after"]) == (0.3, 0.0)
    assert change["difference"]["high"] < 0
    assert found["marked_pairs"]["confusion"]["difference"] == change["difference"]
    assert found["got_worse"] == ["C"]
    assert found["verdict"].startswith("The model is better on the marked pairs")
    assert "Got worse: C (recall 100 % to 70 %, 10 slides)" in found["verdict"]


def test_a_loss_and_a_doubtful_gain_are_called_so():
    bad = np.array(Y)
    bad[:12] = 1
    assert "is worse" in compared(make_cv(Y, Y), make_cv(Y, bad))["verdict"]
    one = np.array(Y)
    one[0] = 1
    assert "may be chance" in compared(make_cv(Y, one), make_cv(Y, Y))["verdict"]


def test_the_comparison_is_paired():
    """Two models with the same mistakes but for one differ by less than two independent ones."""
    rng = np.random.default_rng(0)
    said = np.where(rng.random(50) < 0.5, Y, (np.array(Y) + 1) % 3)
    other = said.copy()
    other[np.flatnonzero(said != Y)[0]] = Y[np.flatnonzero(said != Y)[0]]
    width = compared(make_cv(Y, said), make_cv(Y, other))["accuracy"]["difference"]
    alone = evaluate(make_cv(Y, said))["accuracy"]
    assert width["high"] - width["low"] < 0.5 * (alone["high"] - alone["low"])


def test_only_slides_that_both_held_out_under_one_label_are_compared():
    before = make_cv(Y, Y)
    relabelled = list(Y)
    relabelled[0] = 1
    after = replace(make_cv(relabelled, Y), slide_ids=(*before.slide_ids[:-5], *"vwxyz"))
    assert compared(before, after)["n_slides"] == 44
    nothing = replace(after, slide_ids=tuple(f"N{i}" for i in range(50)))
    assert "no held-out slide in common" in compared(before, nothing)["verdict"]


def test_models_with_other_classes_or_order_are_compared_by_name():
    before = make_cv(Y, Y)
    index = np.array([2, 0, 1])  # A, B, C in the order B, C, A
    after = make_cv(index[Y], index[Y], classes=("B", "C", "A"))
    found = compared(before, after)
    assert found["accuracy"]["before"] == found["accuracy"]["after"] == 1.0
    assert found["per_class_recall"]["C"]["n"] == 10
