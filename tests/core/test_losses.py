"""Losses against plain loops, against pytorch-metric-learning, and by their invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import SupConLoss
from torch import Tensor

from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.losses import (
    class_balanced_ce,
    expert_supcon,
    negative_weights,
    supcon,
)

LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=9)


def embeddings(n: int, seed: int = 0, dim: int = 5) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_weights(n: int, seed: int = 0) -> Tensor:
    return 1 + 7 * torch.rand(n, n, generator=torch.Generator().manual_seed(seed)).double()


def plain_expert(z: Tensor, y: list[int], tau: float, w: Tensor, normalise: bool = False) -> float:
    unit = [row / row.norm() for row in z]
    losses = []
    for i in range(len(y)):
        positives = [p for p in range(len(y)) if p != i and y[p] == y[i]]
        negatives = [n for n in range(len(y)) if y[n] != y[i]]
        if not positives:
            continue
        mean = sum(float(w[i, n]) for n in negatives) / len(negatives) if negatives else 1.0
        scale = mean if normalise else 1.0
        below = sum(math.exp(float(unit[i] @ unit[p]) / tau) for p in positives)
        below += sum(
            float(w[i, n]) / scale * math.exp(float(unit[i] @ unit[n]) / tau) for n in negatives
        )
        parts = [math.log(math.exp(float(unit[i] @ unit[p]) / tau) / below) for p in positives]
        losses.append(-sum(parts) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


@given(LABELS, st.sampled_from([0.07, 0.1, 1.0]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_expert_supcon_is_the_plain_loop(labels: list[int], tau: float, normalise: bool) -> None:
    z, w = embeddings(len(labels)), random_weights(len(labels))
    got = expert_supcon(z, torch.tensor(labels), tau, w, normalise=normalise)
    assert got.item() == pytest.approx(plain_expert(z, labels, tau, w, normalise), abs=1e-9)


@given(LABELS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_an_empty_table_is_supcon_exactly(labels: list[int], seed: int) -> None:
    z, y = embeddings(len(labels), seed), torch.tensor(labels)
    classes = tuple("abcd")
    w = negative_weights(
        PairWeights.none(classes), 8.0, y.numpy(), classes, [str(i) for i in range(len(labels))]
    )
    assert expert_supcon(z, y, 0.1, torch.from_numpy(w)).item() == supcon(z, y, 0.1).item()


@given(LABELS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_supcon_is_pytorch_metric_learnings(labels: list[int], seed: int) -> None:
    assume(len(set(labels)) > 1)  # without negatives theirs is 0; ours is the paper's sum
    z, y = embeddings(len(labels), seed), torch.tensor(labels)
    theirs = SupConLoss(temperature=0.1)(z, y)
    assert supcon(z, y, 0.1).item() == pytest.approx(float(theirs), abs=1e-9)


def test_all_pairs_marked_and_normalised_is_supcon() -> None:
    y = torch.tensor([0, 0, 1, 1, 2])
    z = embeddings(5)
    full = torch.full((5, 5), 8.0, dtype=torch.float64)
    assert expert_supcon(z, y, 0.1, full, normalise=True).item() == pytest.approx(
        supcon(z, y, 0.1).item()
    )
    assert expert_supcon(z, y, 0.1, full).item() > supcon(z, y, 0.1).item() + 0.1


def test_a_weight_is_a_margin_of_tau_ln_w() -> None:
    """Weighting a negative by w is adding tau * ln(w) to its cosine."""
    tau, w = 0.1, 4.0
    y = torch.tensor([0, 0, 1])
    angle = {"pos": 0.6, "neg": 1.1}
    z = torch.tensor(
        [[1.0, 0.0]] + [[math.cos(a), math.sin(a)] for a in angle.values()], dtype=torch.float64
    )
    weights = torch.ones(3, 3, dtype=torch.float64)
    weights[0, 2] = w
    anchor0 = -math.log(
        1 / (1 + math.exp((math.cos(1.1) + tau * math.log(w) - math.cos(0.6)) / tau))
    )
    anchor1 = -math.log(1 / (1 + math.exp((math.cos(0.5) - math.cos(0.6)) / tau)))
    got = expert_supcon(z, y, tau, weights).item()
    assert got == pytest.approx((anchor0 + anchor1) / 2)


def test_gradients() -> None:
    y = torch.tensor([0, 0, 1, 1, 2])
    z = embeddings(5).requires_grad_()
    w = random_weights(5)
    for normalise in (False, True):
        assert torch.autograd.gradcheck(
            lambda x, n=normalise: expert_supcon(x, y, 0.5, w, normalise=n), (z,)
        )


@given(LABELS, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_slides_does_not_matter(labels: list[int], random: object) -> None:
    order = list(range(len(labels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    z, y, w = embeddings(len(labels)), torch.tensor(labels), random_weights(len(labels))
    a = expert_supcon(z, y, 0.1, w)
    b = expert_supcon(z[order], y[order], 0.1, w[order][:, order])
    assert a.item() == pytest.approx(b.item(), abs=1e-9)


@given(LABELS)
@settings(max_examples=30, deadline=None)
def test_duplicated_slides_stay_finite(labels: list[int]) -> None:
    z = torch.cat([embeddings(len(labels))] * 2).requires_grad_()
    y = torch.tensor(labels * 2)
    loss = supcon(z, y, 0.07)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("labels", [[0, 1, 2], [0], [1, 1, 2], [0, 0, 0]])
def test_singletons_and_missing_sides_are_finite(labels: list[int]) -> None:
    z = embeddings(len(labels)).requires_grad_()
    loss = supcon(z, torch.tensor(labels), 0.1)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()
    if len(set(labels)) == len(labels):
        assert loss.item() == 0.0
        assert torch.equal(z.grad, torch.zeros_like(z))


def test_a_zero_embedding_is_finite() -> None:
    z = torch.zeros(3, 4, requires_grad=True)
    loss = supcon(z, torch.tensor([0, 0, 1]), 0.1)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()


def test_balanced_ce_weighs_by_draws() -> None:
    logits = embeddings(6, dim=3)
    y = torch.tensor([0, 0, 0, 0, 1, 1])
    log_p = logits.log_softmax(1)
    losses = [-float(log_p[i, c]) for i, c in enumerate(y.tolist())]
    expected = (sum(losses[:4]) / 4 + sum(losses[4:]) / 2) / 2
    got = class_balanced_ce(logits, y, torch.tensor([4, 2, 0]))
    assert got.item() == pytest.approx(expected)


def test_balanced_draws_give_plain_ce() -> None:
    logits, y = embeddings(4, dim=2), torch.tensor([0, 1, 0, 1])
    plain = torch.nn.functional.cross_entropy(logits, y)
    assert class_balanced_ce(logits, y, torch.tensor([2, 2])).item() == pytest.approx(plain.item())


def table() -> PairWeights:
    strength = np.zeros((3, 3), np.float32)
    strength[0, 1] = strength[1, 0] = 0.5
    return PairWeights(("a", "b", "c"), strength, {("s0", "s3"): 1.0, ("s0", "s1"): 1.0})


def test_negative_weights_follow_classes_and_slide_pairs() -> None:
    # The model counts its classes in another order, and knows one that the table does not.
    classes = ("c", "b", "a", "new")
    y = np.array([2, 2, 1, 1, 0, 3])
    w = negative_weights(table(), 8.0, y, classes, [f"s{i}" for i in range(6)])
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w, w.T)
    assert w[0, 2] == 1 + 7 * 0.5  # class pair a, b
    assert w[0, 3] == 8.0  # the slide pair overrides it
    assert w[0, 1] == 1.0  # one class: never negatives
    assert w[0, 4] == w[0, 5] == w[4, 5] == 1.0  # not marked


def test_a_slide_pair_can_take_a_class_pair_back() -> None:
    weights = PairWeights(table().classes, table().class_strength, {("s0", "s1"): 0.0})
    w = negative_weights(weights, 8.0, np.array([0, 1, 1]), ("a", "b", "c"), ["s0", "s1", "s2"])
    assert w[0, 1] == 1.0
    assert w[0, 2] == 4.5
