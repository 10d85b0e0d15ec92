"""AdamW, in plain tensor operations.

torch's own optimizers import its compiler (and triton with it) when the first one is made,
which takes longer than training the demo's networks, in every process that trains.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import torch
from torch import Tensor


class AdamW:
    """Adam with decoupled weight decay.

    Parameters
    ----------
    parameters
        What to train. Those without gradient are left alone in a step.
    weight_decay
        Share of a parameter that a step with learning rate 1 would remove.
    betas
        Decay of the running mean of the gradient and of its square.
    eps
        Keeps the division finite.

    References
    ----------
    Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self._parameters = list(parameters)
        self._mean = [torch.zeros_like(p) for p in self._parameters]
        self._square = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [0] * len(self._parameters)
        self._decay, self._betas, self._eps = weight_decay, betas, eps

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Move every parameter that has a gradient, then forget the gradients."""
        b1, b2 = self._betas
        for i, (p, m, v) in enumerate(zip(self._parameters, self._mean, self._square, strict=True)):
            if p.grad is None:
                continue
            self._steps[i] += 1
            t = self._steps[i]
            m.lerp_(p.grad, 1 - b1)
            v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
            p.mul_(1 - lr * self._decay)
            spread = (v.sqrt() / sqrt(1 - b2**t)).add_(self._eps)
            p.addcdiv_(m, spread, value=-lr / (1 - b1**t))
            p.grad = None
