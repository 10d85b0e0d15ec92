"""The step loop: without switches it is the plain loop to the bit; each switch does its work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core.mil_cohort import CLASSES, CONFIG, NONE, SOURCE, make_bags, marks

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.losses import class_balanced_ce, expert_supcon, negative_weights, supcon
from napari_lookalike.core.mil import HEADS, Head, default_arguments, make_head
from napari_lookalike.core.mil.adamw import AdamW
from napari_lookalike.core.mil.apply import draw, pad, standardise
from napari_lookalike.core.mil.networks import vote_shares
from napari_lookalike.core.mil.objective import Objective
from napari_lookalike.core.mil.stage import TrainingSet, torch_settings, train_stage
from napari_lookalike.core.model import MilModel
from napari_lookalike.core.progress import SILENT
from napari_lookalike.core.sampling import Sampler
from napari_lookalike.core.training import fit

BAGS = make_bags()
AT = torch.zeros(8), torch.ones(8)
SHORT = replace(CONFIG, max_instances=6, threads=1)


def training_set(weights: PairWeights = NONE, bags: list[Bag] = BAGS) -> TrainingSet:
    y = np.array([CLASSES.index(b.label) for b in bags])
    instances = [torch.from_numpy(b.instances) for b in bags]
    ids = tuple(b.slide_id for b in bags)
    sites = tuple(b.site for b in bags)
    return TrainingSet(instances, y, ids, CLASSES, weights, sites, vote_shares(bags, CLASSES))


def new_head(name: str, config: TrainConfig) -> Head:
    torch.manual_seed(config.seed)
    return make_head(name, default_arguments(8, 3, config.dropout))


def plain_stage(head: Head, data: TrainingSet, config: TrainConfig, epochs: int) -> None:
    """The loop without any switch, written out."""
    rng = np.random.default_rng(config.seed)
    tiles = torch.Generator().manual_seed(config.seed)
    p, k = config.classes_per_batch, config.slides_per_class
    sampler = Sampler(data.y, data.slide_ids, data.classes, data.weights, p, k, rng)
    w = negative_weights(data.weights, config.gamma, data.y, data.classes, data.slide_ids)
    w, y = torch.from_numpy(w), torch.from_numpy(data.y)
    optimizer = AdamW(head.parameters(), config.weight_decay)
    head.train()
    for epoch in range(epochs):
        batches = sampler.epoch()
        counts = torch.from_numpy(np.bincount(data.y[np.concatenate(batches)], minlength=3))
        for i, batch in enumerate(batches):
            progress = (epoch + i / len(batches)) / epochs
            ramp = min(1.0, 0.1 + progress / 0.1)
            lr = config.lr * ramp * 0.5 * (1 + np.cos(np.pi * progress))
            x, mask = pad(
                [draw(data.instances[j], config.max_instances, tiles) for j in batch],
                torch.device("cpu"),
            )
            x = standardise(x, *AT)
            out, at = head(x, mask), torch.from_numpy(batch)
            loss = head.bag_weight * class_balanced_ce(out.logits, y[at], counts)
            if head.bag_weight < 1:
                extra = head.auxiliary_loss(out, x, mask, y[at])
                loss = loss + (1 - head.bag_weight) * extra
            if config.loss == "supcon":
                loss = loss + config.lam * supcon(out.embedding, y[at], config.tau)
            if config.loss == "expert":
                part = w[at[:, None], at[None, :]]
                loss = loss + config.lam * expert_supcon(out.embedding, y[at], config.tau, part)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), config.clip)
            optimizer.step(float(lr))


def same(a: Head, b: Head) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("name", ["abmil", "clam_mb"])
@pytest.mark.parametrize("loss", ["ce", "supcon", "expert"])
def test_without_switches_it_is_the_plain_loop_to_the_bit(name: str, loss: str) -> None:
    config = replace(SHORT, head=name, loss=loss)
    data = training_set(marks())
    trained = []
    for loop in (
        lambda head: train_stage(head, data, AT, config, 3, SILENT),
        lambda head: plain_stage(head, data, config, 3),
    ):
        with torch_settings(config, torch.device("cpu")):
            head = new_head(name, config)
            loop(head)
        trained.append(head)
    assert same(*trained)
    assert not same(trained[0], new_head(name, config))


SWITCHES = {
    "tilt": {"tilt": 1.0},
    "focal": {"focal": 2.0},
    "adaptive focal": {"focal": 2.0, "focal_adaptive": True},
    "memory": {"memory": 8},
    "by_centre": {"by_centre": True},
    "by_hardness": {"by_hardness": True},
    "replay": {"replay": 2},
    "mixup": {"mixup": 0.4},
}


def fine_tuned(start: MilModel, bags: list[Bag] = BAGS, **switches: object) -> MilModel:
    # Batches of a few slides of many: replay and chances have something to choose from.
    config = replace(
        SHORT,
        loss="expert",
        slides_per_class=2,
        finetune_epochs=4,
        **switches,  # type: ignore[arg-type]
    )
    return fit(bags, CLASSES, config, marks(), start=start, source=SOURCE)


@pytest.fixture(scope="module")
def start() -> MilModel:
    return fit(BAGS, CLASSES, replace(SHORT, epochs=1), marks(), source=SOURCE)


def weights_of(model: MilModel) -> np.ndarray:
    return np.concatenate([v.ravel() for v in model.final.state.values()])


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_changes_training_and_keeps_it_repeatable(switch: str, start: MilModel) -> None:
    bags = [replace(b, site="north" if i % 4 else "south") for i, b in enumerate(BAGS)]
    plain = weights_of(fine_tuned(start, bags))
    one, two = (weights_of(fine_tuned(start, bags, **SWITCHES[switch])) for _ in range(2))
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, plain)


def test_all_switches_at_once_with_every_head() -> None:
    everything = {k: v for part in SWITCHES.values() for k, v in part.items()}
    bags = [replace(b, votes={"a": 1, b.label: 2}) for b in BAGS]
    for name in HEADS.names():
        config = replace(SHORT, head=name, epochs=1, finetune_epochs=2)
        first = fit(bags, CLASSES, config, marks(), source=SOURCE)
        second = replace(config, loss="expert", **everything)  # type: ignore[arg-type]
        model = fit(bags, CLASSES, second, marks(), start=first, source=SOURCE)
        assert np.isfinite(weights_of(model)).all()


def test_votes_become_targets_and_move_the_class_loss() -> None:
    voted = [replace(BAGS[0], votes={"a": 2, "c": 2}), *BAGS[1:]]
    shares = vote_shares(voted, CLASSES)
    assert shares is not None
    assert shares[0].tolist() == [0.5, 0.0, 0.5]
    assert shares[1].tolist() == [1.0, 0.0, 0.0]
    assert vote_shares(BAGS, CLASSES) is None
    config = replace(SHORT, dropout=0.0)
    head = new_head("abmil", config).eval()
    x, mask = pad([torch.from_numpy(BAGS[0].instances)], torch.device("cpu"))
    head.requires_grad_(False)
    losses = []
    for bags in (BAGS, voted):
        loss_of = Objective(head, training_set(bags=bags), config)
        losses.append(float(loss_of(x, mask, np.array([0]), torch.ones(3))))
    log_p = head(x, mask).logits.log_softmax(1)[0]
    assert losses[0] == pytest.approx(-float(log_p[0].detach()))
    assert losses[1] == pytest.approx(-float((0.5 * log_p[0] + 0.5 * log_p[2]).detach()))


def test_the_memory_brings_the_marks_of_its_slides() -> None:
    """A remembered slide is weighted as a negative as if it sat in the batch."""
    config = replace(SHORT, loss="expert", memory=8, dropout=0.0, lam=1.0)
    data, head = training_set(marks()), new_head("abmil", SHORT).eval()
    objective = Objective(head, data, config)
    first, second = np.array([0, 6]), np.array([1, 2])
    together = np.array([1, 2, 0, 6])

    def batch(slides: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return pad([data.instances[i] for i in slides], torch.device("cpu"))

    objective(*batch(first), first, torch.ones(3))
    got = float(objective(*batch(second), second, torch.ones(3)).detach())
    with torch.no_grad():
        z = head(*batch(together)).embedding.double()
        ce = class_balanced_ce(
            head(*batch(second)).logits, torch.from_numpy(data.y[second]), torch.ones(3)
        )
    w = negative_weights(data.weights, config.gamma, data.y, data.classes, data.slide_ids)
    unit = z / z.norm(dim=1, keepdim=True)
    expected = []
    for i in (0, 1):  # anchors: the batch; 0 (class a) is remembered, and so is 6 (class b)
        e = [float((unit[i] @ unit[j]).item() / config.tau) for j in range(4)]
        e[3] += float(np.log(w[together[i], together[3]]))
        below = np.log(sum(np.exp(e[j]) for j in range(4) if j != i))
        expected.append(np.mean([below - e[j] for j in (0, 1, 2) if j != i]))
    assert w[1, 6] == config.gamma
    assert got == pytest.approx(float(ce) + np.mean(expected), rel=1e-4)
