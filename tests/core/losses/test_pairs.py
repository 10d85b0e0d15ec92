"""Index tuples against the matrix form, and against pytorch-metric-learning."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_pairs_indices
from torch import Tensor

from napari_lookalike.core.losses import expert_supcon, pair_indices, pair_supcon, supcon

LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=9)


def embeddings(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_weights(n: int) -> Tensor:
    return 1 + 7 * torch.rand(n, n, generator=torch.Generator().manual_seed(0)).double()


@given(LABELS, st.sampled_from([0.07, 0.5]))
@settings(max_examples=60, deadline=None)
def test_tuples_and_matrix_are_equal_in_value_and_gradient(labels: list[int], tau: float) -> None:
    y, w = torch.tensor(labels), random_weights(len(labels))
    a, b = (embeddings(len(labels)).requires_grad_() for _ in range(2))
    matrix, tuples = expert_supcon(a, y, tau, w), pair_supcon(b, tau, pair_indices(y, w))
    assert tuples.item() == pytest.approx(matrix.item(), abs=1e-9)
    matrix.backward()
    tuples.backward()
    torch.testing.assert_close(a.grad, b.grad, atol=1e-9, rtol=1e-7)


@given(LABELS)
@settings(max_examples=40, deadline=None)
def test_tuples_are_pytorch_metric_learnings(labels: list[int]) -> None:
    y = torch.tensor(labels)
    ours = pair_indices(y, random_weights(len(labels))).indices
    for mine, theirs in zip(ours, get_all_pairs_indices(y), strict=True):
        assert torch.equal(mine, theirs)


@given(LABELS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_their_loss_reads_our_tuples(labels: list[int], seed: int) -> None:
    assume(len(set(labels)) > 1)  # without negatives theirs is 0; ours is the paper's sum
    z, y = embeddings(len(labels), seed), torch.tensor(labels)
    pairs = pair_indices(y, torch.ones(len(y), len(y), dtype=torch.float64))
    theirs = SupConLoss(temperature=0.1)(z, indices_tuple=pairs.indices)
    assert pair_supcon(z, 0.1, pairs).item() == pytest.approx(float(theirs), abs=1e-9)
    assert pair_supcon(z, 0.1, pairs).item() == pytest.approx(supcon(z, y, 0.1).item(), abs=1e-9)


def test_only_marked_falls_back_to_all_negatives() -> None:
    y = torch.tensor([0, 0, 1, 2])
    w = torch.ones(4, 4)
    w[0, 2] = w[2, 0] = 8.0
    pairs = pair_indices(y, w, only_marked=True)
    found = list(zip(pairs.negative_anchors.tolist(), pairs.negatives.tolist(), strict=True))
    assert found == [(0, 2), (1, 2), (1, 3), (2, 0), (3, 0), (3, 1), (3, 2)]
    assert pairs.weights.tolist() == [8.0, 1.0, 1.0, 8.0, 1.0, 1.0, 1.0]


def test_gradients_and_empty_batches() -> None:
    y = torch.tensor([0, 0, 1, 1, 2])
    pairs = pair_indices(y, random_weights(5))
    z = embeddings(5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pair_supcon(x, 0.5, pairs), (z,))
    alone = pair_indices(torch.tensor([0, 1]), torch.ones(2, 2))
    loss = pair_supcon(z[:2], 0.1, alone)
    assert loss.item() == 0.0
    assert loss.requires_grad
