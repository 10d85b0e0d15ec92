"""One fold of a classic MIL set, trained as in the paper: one bag a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.bench.mil.sets import MilSet
from napari_lookalike.core.mil import Head, make_head
from napari_lookalike.core.mil.apply import apply_head, moments, standardise
from napari_lookalike.core.progress import Job, JobCancelled

PLAIN = "abmil-plain"
"""ABMIL without gate; every other name is that of a head."""


@dataclass(frozen=True)
class Recipe:
    """How a set is trained. From the ABMIL paper as remembered, not verified; never tuned here.

    Glorot's initial weights, biases zero; stochastic gradient descent with momentum, one bag
    a step; three layers of 256, 128 and 64 units with dropout before the attention of 64
    units. The network after the last epoch is asked: stopping where held-out bags go best
    would be choosing on them.
    """

    lr: float = 5e-4
    weight_decay: float = 0.005
    momentum: float = 0.9
    epochs: int = 100
    widths: tuple[int, ...] = (256, 128, 64)
    attention: int = 64
    dropout: float = 0.5


RECIPES = {"Tiger": Recipe(1e-4, 0.01), "Elephant": Recipe(1e-4, 0.005)}
RECIPES |= {"Musk2": Recipe(5e-4, 0.03)}
"""Sets that differ from the usual recipe."""


def arguments(name: str, dim: int, n_classes: int, recipe: Recipe) -> tuple[str, dict[str, Any]]:
    """Head and its arguments: only ABMIL has the paper's three layers, others have their one."""
    given: dict[str, Any] = {
        "in_dim": dim,
        "n_classes": n_classes,
        "hidden_dim": recipe.widths[-1],
        "attention_dim": recipe.attention,
        "dropout": recipe.dropout,
    }
    if name in ("abmil", PLAIN):
        given |= {"before": list(recipe.widths[:-1]), "gated": name != PLAIN}
    return ("abmil" if name == PLAIN else name), given


class _Momentum:
    """SGD with momentum and weight decay on all parameters as one vector: few, large sums."""

    def __init__(self, head: Head, recipe: Recipe) -> None:
        parameters = list(head.parameters())
        self._values = torch.cat([p.detach().flatten() for p in parameters])
        self._gradient = torch.zeros_like(self._values)
        self._run = torch.zeros_like(self._values)
        self._recipe = recipe
        start = 0
        for p in parameters:
            end = start + p.numel()
            p.data = self._values[start:end].view_as(p)
            p.grad = self._gradient[start:end].view_as(p)
            start = end

    def step(self) -> None:
        """Move all parameters, and forget the gradients."""
        recipe = self._recipe
        self._gradient.add_(self._values, alpha=recipe.weight_decay)
        self._run.mul_(recipe.momentum).add_(self._gradient)
        self._values.sub_(self._run, alpha=recipe.lr)
        self._gradient.zero_()


def held_out(
    data: MilSet, train: NDArray[np.bool_], name: str, recipe: Recipe, seed: int, job: Job
) -> NDArray[np.bool_]:
    """Which of the held-out bags a freshly trained head gets right, in their order.

    Parameters
    ----------
    data
        The set.
    train
        bool (n_bags,) one fold's mask.
    name
        Head, or "abmil-plain".
    recipe
        How to train.
    seed
        Of weights, order and dropout.
    job
        Stops between epochs.
    """
    kind, given = arguments(name, data.bags[0].shape[1], int(data.y.max()) + 1, recipe)
    seen = [data.bags[i] for i in np.flatnonzero(train)]
    mean, std = (torch.from_numpy(m) for m in moments(seen))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = make_head(kind, given)
        _start(head)
        _train(head, seen, data.y[train], (mean, std), recipe, job)
    held = np.flatnonzero(~train)
    said = [apply_head(head, data.bags[i], mean, std).probabilities.argmax() for i in held]
    return np.asarray(np.array(said) == data.y[held])


def _start(head: Head) -> None:
    """Initial weights as in the paper."""
    for module in head.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.xavier_uniform_(module.weight)
            torch.nn.init.zeros_(module.bias)


def _train(
    head: Head,
    bags: Sequence[NDArray[np.float32]],
    y: NDArray[np.int64],
    at: tuple[Tensor, Tensor],
    recipe: Recipe,
    job: Job,
) -> None:
    x = [standardise(torch.tensor(bag), *at)[None] for bag in bags]
    masks = [torch.ones(bag.shape[:2], dtype=torch.bool) for bag in x]
    targets = torch.from_numpy(y)
    optimizer = _Momentum(head, recipe)
    head.train()
    for _ in range(recipe.epochs):
        if job.cancelled:
            raise JobCancelled("a fold")
        for i in torch.randperm(len(x)).tolist():
            target = targets[i : i + 1]
            out = head(x[i], masks[i])
            loss = head.bag_weight * functional.cross_entropy(out.logits, target)
            if head.bag_weight < 1:
                extra = head.auxiliary_loss(out, x[i], masks[i], target)
                loss = loss + (1 - head.bag_weight) * extra
            torch.autograd.backward(loss)
            optimizer.step()
