"""MixUp of slides: half one slide, half another, and labels to match."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def mix(pooled: Tensor, targets: Tensor, share: float, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Each slide mixed with its partner.

    Parameters
    ----------
    pooled
        (batch, ...) what a head's classifier reads.
    targets
        (batch, n_classes) shares of classes.
    share
        Of the slide itself, 0 to 1.
    partner
        int64 (batch,) row of each slide's partner.

    Returns
    -------
    pooled, targets
        ``share * x + (1 - share) * x[partner]`` of either.

    References
    ----------
    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, eq. 2; on hidden
    states: Verma et al., "Manifold Mixup", ICML 2019.
    """
    other = 1.0 - share
    return share * pooled + other * pooled[partner], share * targets + other * targets[partner]


class MixUp:
    """`mix` with a share from Beta(alpha, alpha) and partners by chance, drawn per batch.

    Parameters
    ----------
    alpha
        > 0. Small: mostly one slide; 1: all shares alike.
    rng
        Source of randomness.
    """

    def __init__(self, alpha: float, rng: np.random.Generator) -> None:
        self._alpha, self._rng = alpha, rng

    def __call__(self, pooled: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """See `mix`."""
        share = float(self._rng.beta(self._alpha, self._alpha))
        partner = torch.from_numpy(self._rng.permutation(len(targets))).to(targets.device)
        return mix(pooled, targets, share, partner)
