"""MixUp of what heads pool, and of their labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lookalike.core.mil import HEADS, default_arguments, make_head
from napari_lookalike.core.mil.mixup import MixUp, mix


def test_slides_and_labels_are_mixed_alike() -> None:
    pooled, targets = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.eye(2)
    x, t = mix(pooled, targets, 0.75, torch.tensor([1, 0]))
    torch.testing.assert_close(x, torch.tensor([[0.75, 0.5], [0.25, 1.5]]))
    torch.testing.assert_close(t, torch.tensor([[0.75, 0.25], [0.25, 0.75]]))
    same, _ = mix(pooled, targets, 1.0, torch.tensor([1, 0]))
    assert torch.equal(same, pooled)


def test_labels_stay_shares_and_the_seed_decides() -> None:
    targets = torch.eye(4)[torch.tensor([0, 1, 2, 3, 3])]
    pooled = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    one, two, other = (MixUp(0.4, np.random.default_rng(s))(pooled, targets) for s in (1, 1, 2))
    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[0], other[0])
    torch.testing.assert_close(one[1].sum(1), torch.ones(5))


@pytest.mark.parametrize("name", HEADS.names())
def test_every_heads_slides_can_be_mixed(name: str) -> None:
    torch.manual_seed(0)
    head = make_head(name, default_arguments(4, 3)).eval()
    x, mask = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    out = head(x, mask)
    half, _ = mix(out.pooled, torch.eye(3)[:2], 0.5, torch.tensor([1, 0]))
    # Classifiers are linear: half of both slides has the mean of both slides' logits.
    torch.testing.assert_close(head.classify(half)[0], out.logits.mean(0))
