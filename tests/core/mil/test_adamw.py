"""Our AdamW against torch's, and what it is for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from napari_lookalike.core.mil.adamw import AdamW


def test_it_is_torchs_adamw() -> None:
    torch.manual_seed(0)
    start = torch.randn(4, 3, dtype=torch.float64)
    ours, theirs = (start.clone().requires_grad_() for _ in range(2))
    idle = torch.ones(2, requires_grad=True)
    mine = AdamW([ours, idle], weight_decay=0.1)
    reference = torch.optim.AdamW([theirs], lr=1.0, weight_decay=0.1)
    for step in range(20):
        lr = 0.01 * (step + 1)
        for p in (ours, theirs):
            (p.sin().sum() + (p**2).sum() * step).backward()
        mine.step(lr)
        reference.param_groups[0]["lr"] = lr
        reference.step()
        reference.zero_grad()
        torch.testing.assert_close(ours, theirs)
    assert ours.grad is None
    assert idle.tolist() == [1.0, 1.0]


@pytest.mark.slow
def test_training_does_not_import_torchs_compiler() -> None:
    code = (
        "import sys\n"
        "from tests.core.mil_cohort import make_bags, train_all\n"
        "train_all(make_bags())\n"
        "print([m for m in ('triton', 'torch._dynamo') if m in sys.modules])\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"
