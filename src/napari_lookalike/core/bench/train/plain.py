"""A plain training loop as peers write it: CLAM, one slide a step, single precision.

Written for the comparison from the paper's description; no code of the authors' is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_SAMPLED = 8
_BAG_WEIGHT = 0.7


class PlainClam(nn.Module):
    """CLAM-SB for bags (n, dim), of the published sizes."""

    def __init__(self, dim: int, n_classes: int, hidden: int = 512, gate: int = 256) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(0.25))
        self.v = nn.Sequential(nn.Linear(hidden, gate), nn.Tanh(), nn.Dropout(0.25))
        self.u = nn.Sequential(nn.Linear(hidden, gate), nn.Sigmoid(), nn.Dropout(0.25))
        self.w = nn.Linear(gate, 1)
        self.classifier = nn.Linear(hidden, n_classes)
        self.instances = nn.ModuleList(nn.Linear(hidden, 2) for _ in range(n_classes))

    def forward(self, bag: Tensor, y: int) -> Tensor:
        """The loss of one slide."""
        h = self.trunk(bag)
        a = self.w(self.v(h) * self.u(h)).T
        z = torch.softmax(a, 1) @ h
        target = torch.tensor([y], device=bag.device)
        loss = nn.functional.cross_entropy(self.classifier(z), target)
        extra = torch.zeros((), device=bag.device)
        top = h[a[0].topk(_SAMPLED).indices]
        for c, judge in enumerate(self.instances):
            ones = torch.full((_SAMPLED,), int(c == y), device=bag.device)
            if c != y:
                extra = extra + nn.functional.cross_entropy(judge(top), ones)
                continue
            low = h[(-a[0]).topk(_SAMPLED).indices]
            both = judge(torch.cat([top, low]))
            extra = extra + nn.functional.cross_entropy(both, torch.cat([ones, 1 - ones]))
        return _BAG_WEIGHT * loss + (1 - _BAG_WEIGHT) * extra / len(self.instances)


def plain_pass(
    network: PlainClam,
    optimizer: torch.optim.Optimizer,
    files: Sequence[Path],
    y: NDArray[np.int64],
    device: torch.device,
) -> None:
    """One pass over the slides: read a slide, one step, the next slide."""
    network.train()
    for file, label in zip(files, y.tolist(), strict=True):
        bag = torch.from_numpy(np.load(file)).to(device).float()
        optimizer.zero_grad()
        torch.autograd.backward(network(bag, label))
        optimizer.step()
