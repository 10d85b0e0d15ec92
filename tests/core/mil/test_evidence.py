"""What single tiles teach: attention goes where an expert points, wrong slides teach nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core.mil_cohort import CLASSES, CONFIG, NONE, SOURCE, make_bags, marks

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.on_bags import BagEvidence
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.mil import HEADS, default_arguments, make_head
from napari_lookalike.core.mil.evidence import TileTerms, tile_terms
from napari_lookalike.core.mil.stage import TrainingSet
from napari_lookalike.core.model import MilModel
from napari_lookalike.core.predictor import Predictor
from napari_lookalike.core.training import fit

BAGS = make_bags()
FAST = replace(CONFIG, threads=1, max_instances=6)
EXPERT = replace(FAST, loss="expert", finetune_epochs=25, lr=1e-2, evidence_attention=2.0)
AT = torch.zeros(8), torch.ones(8)


def clicked(bags: list[Bag] = BAGS, on: int = 0, off: int = 1) -> dict[str, BagEvidence]:
    """In every slide of a and b one tile of either kind."""
    return {b.slide_id: BagEvidence.of([on], [off]) for b in bags if b.label in "ab"}


def with_clicks(weights: PairWeights = NONE, **where: int) -> PairWeights:
    return replace(weights, evidence=clicked(**where))  # type: ignore[arg-type]


def training_set(weights: PairWeights) -> TrainingSet:
    y = np.array([CLASSES.index(b.label) for b in BAGS])
    tensors = [torch.from_numpy(b.instances) for b in BAGS]
    return TrainingSet(tensors, y, tuple(b.slide_id for b in BAGS), CLASSES, weights)


@pytest.fixture(scope="module")
def start() -> MilModel:
    return fit(BAGS, CLASSES, replace(FAST, epochs=2), NONE, source=SOURCE)


def tuned(start: MilModel, weights: PairWeights, config: TrainConfig = EXPERT) -> MilModel:
    return fit(BAGS, CLASSES, config, weights, start=start, source=SOURCE)


def attention_on(model: MilModel, index: int) -> float:
    predictor, shares = Predictor(model), []
    for bag in (b for b in BAGS if b.label in "ab"):
        said = predictor.predict(bag.instances).attention_logits[0]
        weight = np.exp(said - said.max())
        shares.append(weight[index] / weight.sum())
    return float(np.mean(shares))


def state(model: MilModel) -> np.ndarray:
    return np.concatenate([v.ravel() for v in model.final.state.values()])


def test_attention_follows_the_clicks(start: MilModel) -> None:
    plain, taught = tuned(start, NONE), tuned(start, with_clicks())
    assert attention_on(taught, 0) > attention_on(plain, 0) + 0.1
    assert attention_on(taught, 1) < attention_on(plain, 1)


def test_the_same_twice_and_only_the_loss_expert_learns_from_clicks(start: MilModel) -> None:
    once, again = (state(tuned(start, with_clicks())) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    for loss in ("ce", "supcon"):
        config = replace(EXPERT, loss=loss, finetune_epochs=2)
        plain, clicks = (state(tuned(start, w, config)) for w in (NONE, with_clicks()))
        np.testing.assert_array_equal(plain, clicks)


def test_without_weight_clicks_change_nothing(start: MilModel) -> None:
    config = replace(EXPERT, finetune_epochs=2, evidence_attention=0.0, evidence_tiles=0.0)
    plain, clicks = (state(tuned(start, w, config)) for w in (NONE, with_clicks()))
    np.testing.assert_array_equal(plain, clicks)


def test_clicks_on_slides_that_are_not_trained_on_teach_nothing(start: MilModel) -> None:
    """A fold's network cannot learn from a test slide, whatever reached it."""
    held = [b for b in BAGS if b.group != BAGS[0].group]
    away = {b.slide_id: BagEvidence.of([0], [1]) for b in BAGS if b not in held}
    config = replace(EXPERT, finetune_epochs=2)
    found = [
        state(fit(held, CLASSES, config, replace(NONE, evidence=e), start=start, source=SOURCE))
        for e in ({}, away)
    ]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", HEADS.names())
def test_every_head_learns_from_tiles_and_from_benign_slides(name: str) -> None:
    torch.manual_seed(0)
    head = make_head(name, default_arguments(8, 3, 0.1))
    config = replace(EXPERT, head=name, benign=("c",), threads=1)
    terms = tile_terms(head, training_set(with_clicks(marks())), config, AT)
    assert terms is not None
    loss = terms()
    loss.backward()
    assert torch.isfinite(loss)
    gradients = [p.grad for p in head.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(g).all() for g in gradients)


def test_clicked_tiles_are_always_among_those_drawn() -> None:
    head = make_head("abmil", default_arguments(8, 3, 0.0))
    terms = TileTerms(head, training_set(with_clicks()), replace(EXPERT, max_instances=3), AT)
    for n in (2, 3, 10):
        keep = torch.tensor([n - 1, 0])
        for _ in range(5):
            index = terms._keeping(n, keep)
            assert set(keep.tolist()) <= set(index.tolist())
            assert len(index) == min(n, 3) == len(set(index.tolist()))


def test_benign_tiles_lose_attention_without_any_click(start: MilModel) -> None:
    """Slides of class c hold nothing but their own; put into others they get none."""
    rng = np.random.default_rng(3)
    strange = rng.normal(size=(4, 8)).astype(np.float32)
    strange[:, 2] += 1.5  # as in class c
    mixed = [np.concatenate([b.instances, strange]) for b in BAGS if b.label != "c"]

    def share(model: MilModel) -> float:
        found = []
        for x in mixed:
            said = Predictor(model).predict(x).attention_logits[0]
            weight = np.exp(said - said.max())
            found.append(weight[-4:].sum() / weight.sum())
        return float(np.mean(found))

    config = replace(EXPERT, loss="ce")
    plain = tuned(start, NONE, config)
    taught = tuned(start, NONE, replace(config, benign=("c",)))
    assert share(taught) < 0.7 * share(plain)


def test_nothing_to_learn_is_no_term() -> None:
    head = make_head("abmil", default_arguments(8, 3, 0.0))
    assert tile_terms(head, training_set(NONE), EXPERT, AT) is None
    unknown = replace(EXPERT, benign=("elsewhere",))
    assert tile_terms(head, training_set(NONE), unknown, AT) is None
    off = replace(EXPERT, benign=("c",), benign_weight=0.0)
    assert tile_terms(head, training_set(NONE), off, AT) is None
