"""Every figure against scikit-learn or a plain loop; resamples against the slides they draw."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import (
    balanced_accuracy_score,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
    silhouette_samples,
)
from tests.core.measures.answers import CLASSES, drawn_rows, make_answers, rows

from napari_lookalike.core import heldout
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.measures import Answers, calibration, every_figure, geometry, paired
from napari_lookalike.core.measures.calibration import cross_fitted, fit_temperature, tempered
from napari_lookalike.core.measures.ranking import class_aucs
from napari_lookalike.core.measures.robustness import best_k, quarters
from napari_lookalike.core.measures.selective import COVERAGES, selective_accuracy
from napari_lookalike.core.results import ModelResults, SlideResult

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_auc_and_matthews_equal_scikit_learn(seed):
    a = make_answers(seed)
    found = every_figure(a)
    wanted = roc_auc_score(a.held.y, a.probabilities, multi_class="ovr", average="macro")
    assert found["macro_auc"]["value"] == pytest.approx(wanted)
    assert found["mcc"]["value"] == pytest.approx(matthews_corrcoef(a.held.y, a.held.predicted))
    for i, name in enumerate(CLASSES):
        one = roc_auc_score(a.held.y == i, a.probabilities[:, i])
        assert found["per_class_auc"][name]["value"] == pytest.approx(one)
    assert found["auc_left_out"] == []


def test_a_class_without_slides_is_left_out_of_the_auc_and_named():
    a = make_answers(1)
    held = replace(a.held, y=np.where(a.held.y == 2, 0, a.held.y))
    found = every_figure(replace(a, held=held))
    assert found["auc_left_out"] == ["C"]
    assert found["per_class_auc"]["C"]["value"] is None
    both = [found["per_class_auc"][n]["value"] for n in "AB"]
    assert found["macro_auc"]["value"] == pytest.approx(np.mean(both))
    json.dumps(found, allow_nan=False)


def test_equal_probabilities_count_half():
    a = make_answers(0)
    flat = replace(a, probabilities=np.full_like(a.probabilities, 1 / 3))
    np.testing.assert_allclose(class_aucs(flat), 0.5)


def test_resamples_are_what_their_slides_give():
    a = make_answers(3)
    draws = a.held.draws(seed=4)[:15]
    fast = {
        "auc": class_aucs(a, draws),
        "ece": calibration.calibration_error(a, draws),
        "selective": selective_accuracy(a, draws),
        "mcc": heldout.matthews(a.held.confusion(draws)),
    }
    for r, draw in enumerate(draws):
        b = rows(a, drawn_rows(a.held, draw))
        np.testing.assert_allclose(fast["auc"][r], class_aucs(b)[0])
        assert fast["ece"][r] == pytest.approx(calibration.calibration_error(b)[0])
        np.testing.assert_allclose(fast["selective"][r], selective_accuracy(b)[0])
        assert fast["mcc"][r] == pytest.approx(matthews_corrcoef(b.held.y, b.held.predicted))


@pytest.mark.parametrize("seed", SEEDS)
def test_calibration_equals_plain_loops(seed):
    a = make_answers(seed)
    bins = [[] for _ in range(10)]
    for p, y in zip(a.probabilities, a.held.y, strict=True):
        k = next(i for i in range(10) if p.max() <= (i + 1) / 10)
        bins[k].append((p.max(), p.argmax() == y))
    ece = sum(
        len(b) / 40 * abs(np.mean([c for c, _ in b]) - np.mean([r for _, r in b]))
        for b in bins
        if b
    )
    found = every_figure(a)["calibration"]["before"]
    assert found["ece"]["value"] == pytest.approx(ece)
    assert [b["n"] for b in found["reliability"]] == [len(b) for b in bins]
    brier = np.mean(
        [
            sum((p[c] - (c == y)) ** 2 for c in range(3))
            for p, y in zip(a.probabilities, a.held.y, strict=True)
        ]
    )
    assert found["brier"]["value"] == pytest.approx(brier)
    assert found["log_loss"]["value"] == pytest.approx(log_loss(a.held.y, a.probabilities))


def test_the_temperature_is_the_best_of_a_grid_and_mends_overconfidence():
    a = make_answers(2, n=400)
    sharp = tempered(a.probabilities, 0.25)  # four times too sure
    t = fit_temperature(sharp, a.held.y)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 4001))
    losses = [log_loss(a.held.y, tempered(sharp, g)) for g in grid]
    assert t == pytest.approx(grid[int(np.argmin(losses))], rel=2e-3)
    assert 3 < t < 6
    found = every_figure(a.with_probabilities(sharp))["calibration"]
    assert found["after"]["ece"]["value"] < 0.5 * found["before"]["ece"]["value"]
    assert found["after"]["log_loss"]["value"] < found["before"]["log_loss"]["value"]


def test_a_folds_temperature_does_not_know_the_fold():
    a = make_answers(5)
    after, temperatures = cross_fitted(a)
    here = a.fold == 2
    wrong = a.held.y.copy()
    wrong[here] = (wrong[here] + 1) % 3
    again, other = cross_fitted(replace(a, held=replace(a.held, y=wrong)))
    assert other[2] == temperatures[2]
    np.testing.assert_array_equal(again.probabilities[here], after.probabilities[here])
    assert other[1] != temperatures[1]
    np.testing.assert_array_equal(after.probabilities.argmax(1), a.probabilities.argmax(1))


def test_too_few_slides_for_a_temperature_is_said():
    a = rows(make_answers(0), np.arange(8))
    found = every_figure(a)["calibration"]
    assert found["after"] is None
    assert "too few" in found["note"]


def test_selective_accuracy_equals_a_plain_loop():
    a = make_answers(6, n=37)
    ranked = sorted(zip(a.confidence, a.correct, strict=True), key=lambda t: -t[0])
    for coverage, value in zip(COVERAGES, selective_accuracy(a)[0], strict=True):
        k = int(np.ceil(coverage * 37 - 1e-9))
        assert value == pytest.approx(np.mean([right for _, right in ranked[:k]]))
    everything = every_figure(a)["selective_accuracy"][-1]
    assert everything["coverage"] == 1.0
    assert everything["accuracy"]["value"] == pytest.approx(a.correct.mean())


def test_slides_with_equal_confidence_are_taken_together():
    a = make_answers(0)
    p = np.tile([0.6, 0.3, 0.1], (40, 1))
    same = a.with_probabilities(p)
    np.testing.assert_allclose(selective_accuracy(same)[0], (a.held.y == 0).mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_geometry_equals_plain_loops(seed):
    a = make_answers(seed)
    z, y = a.embeddings, a.held.y
    found = every_figure(a, [("A", "B")])["geometry"]
    mu = []
    for c in range(3):
        m = z[y == c].sum(0)
        mu.append(m / np.linalg.norm(m))
    compact = [np.mean([1 - z[i] @ mu[c] for i in np.flatnonzero(y == c)]) for c in range(3)]
    apart = [1 - mu[i] @ mu[j] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found["compactness"]["value"] == pytest.approx(np.mean(compact))
    assert found["separation"]["value"] == pytest.approx(np.mean(apart))
    assert found["ratio"]["value"] == pytest.approx(np.mean(compact) / np.mean(apart))
    silhouette = silhouette_samples(z, y, metric="cosine")
    assert found["silhouette"]["value"] == pytest.approx(silhouette.mean())
    assert found["per_class_silhouette"]["B"]["value"] == pytest.approx(silhouette[y == 1].mean())
    pair = found["pairs"]["A | B"]
    assert pair["separation"] == pytest.approx(apart[0])
    assert pair["knn_confusion"]["value"] == pytest.approx(plain_knn(a, 0, 1))


def plain_knn(a, first, second):
    shares = []
    for i in np.flatnonzero((a.held.y == first) | (a.held.y == second)):
        other = second if a.held.y[i] == first else first
        near = sorted(
            (j for j in range(len(a.held.y)) if a.held.patient[j] != a.held.patient[i]),
            key=lambda j: -float(a.embeddings[i] @ a.embeddings[j]),
        )[: geometry.NEIGHBOURS]
        shares.append(np.mean([a.held.y[j] == other for j in near]))
    return np.mean(shares)


def test_a_class_with_one_slide_has_no_compactness_and_no_silhouette():
    a = make_answers(0)
    y = np.where(a.held.y == 2, 0, a.held.y)
    y[7] = 2
    found = every_figure(replace(a, held=replace(a.held, y=y)))["geometry"]
    assert found["left_out"] == ["C"]
    assert found["per_class_compactness"]["C"]["value"] is None
    assert found["per_class_silhouette"]["C"]["value"] is None
    silhouette = silhouette_samples(a.embeddings, y, metric="cosine")
    assert found["silhouette"]["value"] == pytest.approx(np.delete(silhouette, 7).mean())


def test_robustness_equals_a_plain_loop_and_never_looks_at_the_own_patient():
    a = make_answers(8)
    found = every_figure(a)["robustness"]
    counts = dict.fromkeys(("SS", "SO", "OS", "OO"), 0)
    for i in range(40):
        near = sorted(
            (j for j in range(40) if a.held.patient[j] != a.held.patient[i]),
            key=lambda j: -float(a.embeddings[i] @ a.embeddings[j]),
        )[: found["k"]]
        for j in near:
            key = "S" if a.held.y[i] == a.held.y[j] else "O"
            counts[key + ("S" if a.centre[i] == a.centre[j] else "O")] += 1
    assert found["counts"] == counts
    ss, so, os_, _ = counts.values()
    assert found["original"]["value"] == pytest.approx((ss + so) / (ss + os_))
    assert found["index"]["value"] == pytest.approx(so / (so + os_))
    # Twins of one patient lie on each other: they would be all that is near.
    z = np.repeat(a.embeddings[::2], 2, axis=0)
    near = geometry.neighbours(z, a.held.patient, 3)
    assert all(a.held.patient[i] not in a.held.patient[others] for i, others in enumerate(near))


def test_robustness_where_the_centre_explains_everything_and_where_the_subtype_does():
    n = 24
    y, centre = np.arange(n) % 2, np.arange(n) // 2 % 2
    by_centre, by_class = np.eye(2)[centre], np.eye(2)[y]
    for z, wanted in ((by_centre, 0.0), (by_class, 1.0)):
        near = geometry.neighbours(z, np.arange(n), 5)
        ss, so, os_, _ = quarters(near, y, centre).sum(0)
        assert so / (so + os_) == wanted
        assert ((ss + so) / (ss + os_) > 1) == bool(wanted)
    assert best_k(by_class, y, np.arange(n), 2) == 1


def test_without_centres_robustness_is_absent_and_said():
    a = make_answers(0)
    none = every_figure(replace(a, centre=("",) * 40))["robustness"]
    assert none["index"] is None and "No slide has a centre" in none["note"]
    one = every_figure(replace(a, centre=("x",) * 40))["robustness"]
    assert one["original"] is None and "one centre" in one["note"]
    some = every_figure(replace(a, centre=("",) * 4 + a.centre[4:]))["robustness"]
    assert some["n_slides"] == 36 and "4 slides" in some["note"]


def other_model(a, seed, changed):
    """The same slides, some answered otherwise."""
    rng = np.random.default_rng(seed)
    said = a.held.predicted.copy()
    index = rng.choice(len(said), changed, replace=False)
    said[index] = rng.integers(0, 3, changed)
    return replace(a.held, predicted=said)


@pytest.mark.parametrize(("changed", "kind"), [(5, "exact"), (8, "exact"), (40, "drawn")])
def test_the_permutation_test_equals_scipys(changed, kind):
    a = make_answers(1, per_patient=1)
    other = other_model(a, 3, changed)
    found = paired.permutation_test(a.held, other, heldout.accuracy)
    assert found["kind"] == kind
    right = [(h.predicted == h.y).astype(float) for h in (a.held, other)]
    differ = a.held.predicted != other.predicted
    wanted = stats.permutation_test(
        [r[differ] for r in right] if kind == "exact" else right,
        lambda x, y, axis: (y - x).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999 if kind == "drawn" else np.inf,
        rng=np.random.default_rng(0),
    ).pvalue
    assert found["p"] == pytest.approx(wanted, abs=1e-9 if kind == "exact" else 0.03)


def test_the_exact_test_of_balanced_accuracy_equals_a_plain_loop():
    a = make_answers(2)
    other = other_model(a, 0, 10)
    found = paired.permutation_test(a.held, other, heldout.balanced_accuracy)
    differ = sorted(
        {int(a.held.patient[i]) for i in np.flatnonzero(a.held.predicted != other.predicted)}
    )
    assert found["patients"] == len(differ)

    def change(swapped):
        mine = np.isin(a.held.patient, swapped)
        one = np.where(mine, other.predicted, a.held.predicted)
        two = np.where(mine, a.held.predicted, other.predicted)
        return balanced_accuracy_score(a.held.y, two) - balanced_accuracy_score(a.held.y, one)

    observed = abs(change([]))
    every = [
        abs(change([p for b, p in enumerate(differ) if m >> b & 1]))
        for m in range(2 ** len(differ))
    ]
    assert found["p"] == pytest.approx(np.mean([v >= observed - 1e-12 for v in every]))


def test_a_model_against_itself_cannot_be_told_apart():
    a = make_answers(0)
    found = paired.permutation_test(a.held, a.held, heldout.balanced_accuracy)
    assert found == {"p": 1.0, "exchanges": 1, "patients": 0, "kind": "exact"}


def results_like(a, *, stored=True):
    slides = {
        s: SlideResult(
            s,
            p.astype(np.float32),
            z.astype(np.float32),
            np.zeros((1, 1), np.float32),
            True,
            int(f),
        )
        for s, p, z, f in zip(a.held.slide_ids, a.probabilities, a.embeddings, a.fold, strict=True)
    }
    kept = a.held.to_json()
    if stored:
        kept |= {"probabilities": a.probabilities.tolist(), "fold": a.fold.tolist()}
    return ModelResults("m001-ce", a.held.classes, slides, {"slides": kept}, {})


@pytest.mark.parametrize("stored", [True, False])
def test_answers_come_from_a_versions_results(stored):
    a = make_answers(3)
    back = Answers.of(results_like(a, stored=stored), {"S0": "x"})
    np.testing.assert_allclose(back.probabilities, a.probabilities, rtol=1e-6)
    np.testing.assert_allclose(back.embeddings, a.embeddings, rtol=1e-5)
    np.testing.assert_array_equal(back.fold, a.fold)
    assert back.centre == ("x", *[""] * 39)


def test_results_that_are_not_whole_are_refused():
    a = make_answers(3)
    results = results_like(a)
    slides = {k: v for k, v in results.slides.items() if k != "S4"}
    with pytest.raises(ModelError, match="not whole") as caught:
        Answers.of(replace(results, slides=slides), {})
    assert caught.value.slide == "S4"
    with pytest.raises(ModelError, match="no held-out answers"):
        Answers.of(replace(results, metrics={}), {})


def test_every_figure_is_json_seeded_and_inside_its_interval():
    a = make_answers(0, n=60)
    one, two = every_figure(a, [("A", "C")], seed=1), every_figure(a, [("A", "C")], seed=1)
    assert one == two
    json.dumps(one, allow_nan=False)
    for f in (
        one["macro_auc"],
        one["mcc"],
        one["geometry"]["silhouette"],
        one["robustness"]["index"],
    ):
        assert f["low"] < f["value"] < f["high"]
