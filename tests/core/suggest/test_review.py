"""What to look at next: near a prototype, least sure of each batch; strange slides apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lookalike.core.suggest import Material, review_next
from napari_lookalike.core.suggest.review import ID_SHARE


def material(n=400, seed=0, **changes) -> Material:
    """Three classes round the axes of a space; the sureness does not depend on the place."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    z = np.eye(6)[y] + rng.normal(0, 0.15, (n, 6))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    whole = Material(
        tuple(f"s{i}" for i in range(n)),
        ("alpha", "beta", "gamma"),
        y.astype(np.int64),
        np.arange(n),
        z.astype(np.float32),
        rng.dirichlet(np.ones(3), n).astype(np.float32),
        np.ones(n, bool),
        np.zeros(n, np.float32),
        np.zeros(n, bool),
    )
    return replace(whole, **changes)


def entropy(p):
    return -(p * np.log(p)).sum() / np.log(len(p))


def rows(plan, m):
    return [m.slide_ids.index(c.slide_id) for c in plan.chosen]


def test_candidates_are_the_nearest_quarter():
    m = material()
    plan = review_next(m, 20)
    assert plan.pool == 400 - len(plan.outside)
    assert plan.candidates == round(ID_SHARE * plan.pool)
    assert len(plan.chosen) == 20
    means = np.stack([m.z[m.y == c].mean(axis=0) for c in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    distance = 1 - (m.z @ means.T).max(axis=1)
    limit = np.quantile(distance, ID_SHARE) + 0.01  # the own slide's part in a mean is small
    assert distance[rows(plan, m)].max() < limit


def test_of_each_random_batch_the_least_sure_are_taken():
    m = material()
    chosen = [c.entropy for c in review_next(m, 20).chosen]
    assert chosen == sorted(chosen, reverse=True)
    every = np.array([entropy(p) for p in m.p])
    assert np.mean(chosen) > np.mean(every) + every.std()
    # One batch would be the very highest: chance gives others a place.
    greedy = [c.slide_id for c in review_next(m, 20, batches=1).chosen]
    assert set(greedy) != {c.slide_id for c in review_next(m, 20).chosen}
    assert np.mean([c.entropy for c in review_next(m, 20, batches=1).chosen]) >= np.mean(chosen)


def test_the_same_seed_gives_the_same_and_another_one_others():
    m = material()
    ids = [[c.slide_id for c in review_next(m, 10, seed=s).chosen] for s in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("budget", [1, 3, 7, 10, 13, 25])
def test_exactly_as_many_as_wanted_and_none_twice(budget):
    for method in ("entropy", "kmeans"):
        chosen = [c.slide_id for c in review_next(material(), budget, method=method).chosen]
        assert len(set(chosen)) == len(chosen)
        assert len(chosen) == budget or (method == "kmeans" and budget - 1 <= len(chosen))


def test_k_means_spreads_over_the_subtypes():
    m = material()
    plan = review_next(m, 6, method="kmeans")
    assert {int(m.y[i]) for i in rows(plan, m)} == {0, 1, 2}
    assert plan.method == "kmeans"


def test_reviewed_slides_are_not_chosen_again():
    m = material()
    first = review_next(m, 10)
    seen = np.array([s in {c.slide_id for c in first.chosen} for s in m.slide_ids])
    again = review_next(replace(m, reviewed=seen), 10)
    assert not {c.slide_id for c in again.chosen} & {c.slide_id for c in first.chosen}
    assert again.pool == first.pool - 10


def test_a_strange_slide_is_set_apart_and_says_why():
    m = material()
    z, y = m.z.copy(), m.y.copy()
    z[7] = (0, 0, 0, 0, 0, 1)
    y[7] = -1
    plan = review_next(replace(m, z=z, y=y), 10)
    assert plan.outside[0].slide_id == "s7"
    assert "farther from the mean of every subtype" in plan.outside[0].why
    assert "Nearest: " in plan.outside[0].why
    assert "s7" not in [c.slide_id for c in plan.chosen]


def test_what_the_model_calls_unlike_is_set_apart_too():
    unlike = np.zeros(400, np.float32)
    unlike[3] = 0.995
    plan = review_next(material(unlike=unlike), 10)
    why = {o.slide_id: o.why for o in plan.outside}
    assert why["s3"].startswith("Its nearest training slide is farther away")


def test_in_a_small_cohort_no_labelled_slide_is_strange_by_itself():
    assert review_next(material(60), 5).outside == ()


def test_a_slide_without_a_label_says_so():
    y = np.full(400, -1)
    y[:300] = material().y[:300]
    plan = review_next(material(y=y), 60)
    told = {c.slide_id: c.why for c in plan.chosen}
    unlabelled = [s for s in told if int(s[1:]) >= 300]
    assert unlabelled
    assert all("no label yet" in told[s] for s in unlabelled)


def test_nothing_to_choose_from():
    m = material()
    none = Material((), m.classes, m.y[:0], m.group[:0], m.z[:0], m.p[:0], m.held_out[:0],
                    m.unlike[:0], m.reviewed[:0])  # fmt: skip
    for method in ("entropy", "kmeans"):
        assert review_next(none, method=method).chosen == ()
        assert review_next(replace(m, reviewed=np.ones(400, bool)), method=method).chosen == ()
    assert review_next(replace(m, y=np.full(400, -1)), 5).candidates == 100
