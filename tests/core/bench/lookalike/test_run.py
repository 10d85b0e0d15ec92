"""Arms, clicks and what is made of a seed, on made tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.core.bench.lookalike.made import REGIME, made_tiles

from napari_lookalike.core.bench.lookalike import arms, outcome
from napari_lookalike.core.bench.lookalike.clicks import clicks, every_tile
from napari_lookalike.core.bench.lookalike.compose import BENIGN, CLASSES, PAIR, Composed, compose
from napari_lookalike.core.bench.lookalike.run import BEST, THRESHOLDS, run_seed
from napari_lookalike.core.bench.lookalike.training import BASE
from napari_lookalike.core.progress import Job, JobCancelled

TILES = made_tiles()
FEW = (arms.CE, arms.SAME, arms.BENIGN_CE, arms.TABLE, arms.SHUFFLED, arms.BENIGN_TABLE)
SOME = (*FEW, arms.FULL_MANY, arms.WRONG_FULL)


@pytest.fixture(scope="module")
def cohort() -> Composed:
    return compose(*TILES, REGIME, 1)


@pytest.fixture(scope="module")
def seeds() -> list[dict[str, Any]]:
    return [run_seed(*TILES, REGIME, s, arms=SOME) for s in (1, 2)]


def test_right_clicks_are_right_and_only_in_training_slides_of_the_pair(cohort: Composed) -> None:
    found = clicks(cohort, 2, 2, 1, right=True)
    training = {b.slide_id: b.label for b in cohort.parts["train"]}
    assert len(found) == 4
    for slide_id, evidence in found.items():
        assert training[slide_id] in PAIR
        assert cohort.tumour[slide_id][evidence.diagnostic].all()
        assert not cohort.tumour[slide_id][evidence.lookalike].any()
        assert len(evidence.lookalike) == 2


def test_random_clicks_fall_in_the_same_slides_and_mostly_beside_the_tumour(
    cohort: Composed,
) -> None:
    right, wrong = (clicks(cohort, 2, 1, 1, right=r) for r in (True, False))
    assert set(right) == set(wrong)
    many = [clicks(cohort, 2, 1, seed, right=False) for seed in range(60)]
    hits = [cohort.tumour[s][e.diagnostic[0]] for one in many for s, e in one.items()]
    assert 0.05 < np.mean(hits) < 0.35  # 10 to 25 % of the tiles are tumour


def test_the_ceiling_points_at_everything(cohort: Composed) -> None:
    found = every_tile(cohort)
    assert {len(e) for e in found.values()} == {REGIME.tiles}


def test_few_clicks_are_four(cohort: Composed) -> None:
    evidence = arms.FULL.weights(cohort, 1).evidence
    assert sum(len(e) for e in evidence.values()) == 4


def test_arms_differ_in_what_they_are_named_for(cohort: Composed) -> None:
    i, j = (CLASSES.index(name) for name in PAIR)
    strength = arms.TABLE.weights(cohort, 1).class_strength
    assert strength[i, j] == 1.0
    assert strength.sum() == 2.0
    for seed in range(20):
        wrong = arms.SHUFFLED.weights(cohort, seed).class_strength
        assert wrong[i, j] == 0.0
        assert wrong.sum() == 2.0
    assert arms.FULL.config(BASE).benign == BENIGN
    assert arms.TABLE.config(BASE).benign == ()
    assert arms.CE.config(BASE).loss == "ce"
    assert arms.EVIDENCE.config(BASE).loss == "expert"
    assert arms.EVIDENCE.config(BASE).lam == arms.SAME.config(BASE).lam == arms.LAM
    names = [arm.name for arm in arms.ARMS]
    assert len(names) == len(set(names))
    assert all(not a.expert or a.name in outcome.EXPERTS for a in arms.ARMS)


def test_a_seed_holds_every_arm_and_repeats(seeds: list[dict[str, Any]]) -> None:
    one = seeds[0]
    wanted = {a.name for a in SOME} | {BEST}
    wanted |= {a.name + THRESHOLDS for a in (arms.CE, arms.SAME, arms.BENIGN_CE)}
    assert set(one["arms"]) == wanted
    assert one["lambda"] == 1.0
    assert set(one["kept"]) == {arms.FULL_MANY.name, arms.WRONG_FULL.name}
    assert one["clicks"][arms.FULL_MANY.name] == 2 * 4 + 6 * 4
    for parts in one["arms"].values():
        for figures in parts.values():
            assert 0 <= figures["confusion"] <= 1
            assert 0 <= figures["balanced_accuracy"] <= 1
    again = run_seed(*TILES, REGIME, 1, arms=FEW)
    for arm in FEW:
        assert again["arms"][arm.name] == one["arms"][arm.name]  # other arms do not matter


def test_tables_are_made_of_what_was_run(seeds: list[dict[str, Any]]) -> None:
    best = outcome.best_without_expert(seeds)
    assert best not in outcome.EXPERTS
    lowest = min(
        outcome.values(seeds, n).mean() for n in outcome.names(seeds) if n not in outcome.EXPERTS
    )
    assert outcome.values(seeds, best).mean() == lowest
    text = outcome.markdown(seeds)
    assert all(f"| {arm.name} |" in text for arm in SOME)
    share = outcome.caught(seeds, arms.WRONG_FULL)
    assert share in (0.0, 0.5, 1.0)
    kept = outcome.gated(seeds, arms.FULL_MANY, arms.BENIGN_TABLE)
    assert kept.shape == (2,)


def test_a_cancelled_seed_stops() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        run_seed(*TILES, REGIME, 1, arms=FEW, job=job)
