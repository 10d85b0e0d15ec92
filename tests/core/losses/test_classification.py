"""Losses on class logits against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.losses import class_balanced_ce, soft_focal, soft_labels


def embeddings(n: int, seed: int = 0, dim: int = 5) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def shares(n: int, classes: int, seed: int = 0) -> Tensor:
    return embeddings(n, seed + 50, classes).softmax(1)


def plain_focal(
    logits: Tensor, targets: Tensor, gamma: float, adaptive: bool, w: list[float]
) -> float:
    total = 0.0
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        below = sum(math.exp(v) for v in row)
        p = [math.exp(v) / below for v in row]
        sure = sum(t * q for t, q in zip(target, p, strict=True))
        exponent = gamma * (1 - sure) if adaptive else gamma
        total += sum(
            v * t * (1 - q) ** exponent * -math.log(q) for v, t, q in zip(w, target, p, strict=True)
        )
    return total / len(logits)


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


@given(
    st.integers(1, 6),
    st.integers(2, 4),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_soft_focal_is_the_plain_loop(
    n: int, classes: int, gamma: float, adaptive: bool, balanced: bool
) -> None:
    logits, targets = embeddings(n, 1, classes), shares(n, classes)
    counts = torch.arange(1, classes + 1) if balanced else None
    total = classes * (classes + 1) / 2
    w = [total / (classes * (c + 1)) if balanced else 1.0 for c in range(classes)]
    got = soft_focal(logits, targets, gamma, adaptive=adaptive, counts=counts)
    assert got.item() == pytest.approx(plain_focal(logits, targets, gamma, adaptive, w))


def test_without_an_exponent_and_with_hard_labels_it_is_balanced_ce() -> None:
    logits, y = embeddings(6, dim=3), torch.tensor([0, 0, 1, 2, 2, 2])
    counts = torch.tensor([2, 1, 3])
    hard = torch.nn.functional.one_hot(y, 3).double()
    assert soft_focal(logits, hard, counts=counts).item() == pytest.approx(
        class_balanced_ce(logits, y, counts).item()
    )


def test_sure_slides_count_less_and_less_so_when_adaptive() -> None:
    sure, unsure = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    target = torch.tensor([[1.0, 0.0]])

    def share(logits: Tensor, **how: bool) -> float:
        return float(soft_focal(logits, target, 2.0, **how) / soft_focal(logits, target))

    assert share(sure) < 0.01 < share(unsure) == pytest.approx(0.25)
    # gamma_i goes to 0 with certainty: (1 - p)^(2 (1 - p)) goes to 1 again.
    assert share(sure, adaptive=True) > 0.8


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_gradients(gamma: float, adaptive: bool) -> None:
    logits, targets = embeddings(4, dim=3).requires_grad_(), shares(4, 3)
    counts = torch.tensor([3, 1, 2])
    assert torch.autograd.gradcheck(
        lambda x: soft_focal(x, targets, gamma, adaptive=adaptive, counts=counts), (logits,)
    )
    y = torch.tensor([0, 1, 2, 2])
    assert torch.autograd.gradcheck(lambda x: class_balanced_ce(x, y, counts), (logits,))


def test_logits_beyond_all_doubt_stay_finite() -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0], [0.0, 200.0, 0.0]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    for adaptive in (False, True):
        loss = soft_focal(logits, targets, 2.0, adaptive=adaptive)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert math.isfinite(loss.item())
        assert torch.isfinite(gradient).all()


@given(st.lists(st.integers(0, 5), min_size=2, max_size=5).filter(any), st.floats(0, 2))
def test_votes_become_shares(votes: list[int], smoothing: float) -> None:
    (got,) = soft_labels(np.array([votes]), smoothing)
    below = sum(votes) + len(votes) * smoothing
    np.testing.assert_allclose(got, [(v + smoothing) / below for v in votes], rtol=1e-5, atol=1e-7)
    assert got.sum() == pytest.approx(1, abs=1e-5)


def test_a_slide_without_votes_is_refused_or_evenly_unknown() -> None:
    votes = np.array([[2, 1], [0, 0]])
    with pytest.raises(TrainingError, match="no expert's vote"):
        soft_labels(votes)
    assert soft_labels(votes, 1.0)[1].tolist() == [0.5, 0.5]
    with pytest.raises(TrainingError, match="counts"):
        soft_labels(np.array([[1, -1]]))
