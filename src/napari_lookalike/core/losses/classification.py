"""Losses on class logits: cross-entropy, focal, and labels that several experts voted for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.errors import TrainingError


def class_balanced_ce(logits: Tensor, y: Tensor, counts: Tensor) -> Tensor:
    """Cross-entropy in which every class counts the same over an epoch.

    Parameters
    ----------
    logits
        (batch, n_classes).
    y
        int64 (batch,) true classes.
    counts
        (n_classes,) how often each class is drawn in the epoch; 0 = never.

    Returns
    -------
    Tensor
        Mean over the batch of ``w_y * CE``, with ``w_c = n / (C' * counts_c)`` where ``n``
        is the sum of counts and C' the number of classes drawn at all. Not divided by the
        batch's own weights, so that a batch with rare classes counts for what it has.
    """
    weight = _balance(counts.to(logits.dtype))
    losses = functional.cross_entropy(logits, y, reduction="none")
    return (weight[y] * losses).mean()


def _balance(counts: Tensor) -> Tensor:
    """``w_c = n / (C' * counts_c)`` (n_classes,)."""
    drawn = (counts > 0).sum().clamp(min=1)
    return counts.sum() / (drawn * counts.clamp(min=1))


def soft_focal(
    logits: Tensor,
    targets: Tensor,
    gamma: float = 0.0,
    *,
    adaptive: bool = False,
    counts: Tensor | None = None,
) -> Tensor:
    """Focal loss for soft labels: what a slide is already sure of counts less.

    ``FL = mean_i sum_c w_c t_ic (1 - p_ic)^gamma_i (-log p_ic)``. With gamma 0 it is
    cross-entropy with soft labels.

    Parameters
    ----------
    logits
        (batch, n_classes), at least two classes.
    targets
        (batch, n_classes), each row >= 0 with sum 1: shares of votes, or one-hot.
    gamma
        The exponent, >= 0.
    adaptive
        Each slide its own exponent, ``gamma_i = gamma * (1 - sum_c t_ic p_ic)``: a slide
        that the model is sure of is then hardly weighed down at all.
    counts
        (n_classes,) how often each class is drawn in the epoch, as in `class_balanced_ce`;
        ``None``: all ``w_c = 1``.

    References
    ----------
    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, eq. 4. The exponent of
    each slide is one of several published forms; no paper's setting is claimed.
    """
    log_p = functional.log_softmax(logits, dim=1)
    losses = -targets * log_p
    if gamma:
        rest = _log_rest(log_p)
        exponent = torch.full_like(log_p[:, :1], gamma)
        if adaptive:
            exponent = gamma * (1.0 - (targets * log_p.exp()).sum(1, keepdim=True))
        losses = (exponent * rest).exp() * losses
    if counts is not None:
        losses = losses * _balance(counts.to(logits.dtype))
    return losses.sum(1).mean()


def _log_rest(log_p: Tensor) -> Tensor:
    """``log(1 - p_c)`` (batch, C), from the other classes: no 1 - p that rounds to zero."""
    n = log_p.shape[1]
    others = ~torch.eye(n, dtype=torch.bool, device=log_p.device)
    spread = log_p[:, None, :].expand(-1, n, -1).masked_fill(~others, float("-inf"))
    return torch.logsumexp(spread, dim=-1)


def soft_labels(
    votes: NDArray[np.float64] | NDArray[np.int64], smoothing: float = 0.0
) -> NDArray[np.float32]:
    """Shares of the experts' votes, ``(votes + e) / (n_experts + C e)``.

    Parameters
    ----------
    votes
        (n, n_classes) how many experts chose each class for each slide, >= 0.
    smoothing
        ``e``: a vote's worth of doubt for every class.

    Returns
    -------
    ndarray of float32 (n, n_classes)
        Rows sum to 1.

    Raises
    ------
    TrainingError
        If a slide has no vote at all, and no smoothing (leave it out, or ask an expert),
        or if a count is negative or not a number.
    """
    counted = np.asarray(votes, np.float64)
    if not np.all(np.isfinite(counted)) or np.any(counted < 0) or smoothing < 0:
        raise TrainingError("Votes must be counts of experts.", "Correct the votes.")
    total = counted.sum(1, keepdims=True) + counted.shape[1] * smoothing
    if np.any(total <= 0):
        raise TrainingError(
            "A slide has no expert's vote.", "Leave the slide out, or ask an expert about it."
        )
    return np.asarray((counted + smoothing) / total, np.float32)
