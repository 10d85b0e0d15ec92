"""Losses on a batch of slides. None of them knows about the hard-negative table.

The table reaches a loss as a plain matrix of weights, made by `negative_weights`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.hard_negatives.weights import PairWeights


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
    counts = counts.to(logits.dtype)
    drawn = (counts > 0).sum().clamp(min=1)
    weight = counts.sum() / (drawn * counts.clamp(min=1))
    losses = functional.cross_entropy(logits, y, reduction="none")
    return (weight[y] * losses).mean()


def supcon(z: Tensor, y: Tensor, tau: float) -> Tensor:
    """Supervised contrastive loss, L_out.

    ``L_i = -1/|P(i)| sum_{p in P(i)} log( exp(z_i.z_p/tau) / sum_{a != i} exp(z_i.z_a/tau) )``

    Parameters
    ----------
    z
        (batch, embed_dim) slide embeddings; normalised to length 1 here.
    y
        int64 (batch,) classes.
    tau
        Temperature, > 0.

    Returns
    -------
    Tensor
        Mean over the anchors that have a positive. Anchors without one (a class with one
        slide in the batch) are negatives of others only; zero, with graph, if there are none.

    References
    ----------
    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, eq. 2.
    """
    return expert_supcon(z, y, tau, torch.ones(len(y), len(y), dtype=z.dtype, device=z.device))


def expert_supcon(
    z: Tensor, y: Tensor, tau: float, negative_weights: Tensor, *, normalise: bool = False
) -> Tensor:
    """Supervised contrastive loss whose negatives are weighted by the expert's marks.

    ``L_i = -1/|P(i)| sum_p log( e^{s_ip} / (sum_p' e^{s_ip'} + sum_n w_in e^{s_in}) )``
    with ``s = z_i.z_j / tau``. A weight w acts like ``tau * ln(w)`` added to that negative's
    cosine. With all weights 1 (an empty table) it is `supcon`, exactly.

    Parameters
    ----------
    z
        (batch, embed_dim) slide embeddings; normalised to length 1 here.
    y
        int64 (batch,) classes.
    tau
        Temperature, > 0.
    negative_weights
        (batch, batch), >= 0; row = anchor. Read only where the two classes differ.
    normalise
        Scale each anchor's weights to mean 1 over its negatives, so that marking every
        pair alike is marking none.

    Returns
    -------
    Tensor
        Mean over the anchors that have a positive; zero, with graph, if there are none.

    References
    ----------
    Our extension of Khosla et al. 2020, eq. 2; precedent for weights by class pair: Suresh
    and Ong, "Not All Negatives are Equal", EMNLP 2021.
    """
    unit = functional.normalize(z, dim=1, eps=1e-6)
    similarity = unit @ unit.T / tau
    same = y[:, None] == y[None, :]
    itself = torch.eye(len(y), dtype=torch.bool, device=z.device)
    positive = same & ~itself

    weights = negative_weights.to(z.dtype)
    if normalise:
        n_negatives = (~same).sum(1, keepdim=True).clamp(min=1)
        mean = (weights * ~same).sum(1, keepdim=True) / n_negatives
        weights = weights / torch.where(mean > 0, mean, torch.ones_like(mean))
    shift = torch.where(same, torch.ones_like(weights), weights).log()
    denominator = (similarity + shift).masked_fill(itself, float("-inf"))

    n_positives = positive.sum(1)
    anchors = n_positives > 0
    if not bool(anchors.any()):
        return z.sum() * 0.0
    log_probability = similarity - torch.logsumexp(denominator, dim=1, keepdim=True)
    summed = torch.where(positive, log_probability, torch.zeros_like(log_probability)).sum(1)
    return -(summed[anchors] / n_positives[anchors]).mean()


def negative_weights(
    weights: PairWeights,
    gamma: float,
    y: NDArray[np.int64],
    classes: Sequence[str],
    slide_ids: Sequence[str],
) -> NDArray[np.float32]:
    """Weight of every slide as a negative of every other, ``1 + (gamma - 1) * h``.

    Parameters
    ----------
    weights
        The table's strengths h. A slide pair's strength overrides its class pair's.
    gamma
        Weight of a negative of strength 1; 1 switches the table off.
    y
        int64 (n,) class of each slide, as an index into ``classes``.
    classes
        Class names, in the order that ``y`` counts. A class the table does not know has
        no marks.
    slide_ids
        (n,) names of the slides.

    Returns
    -------
    ndarray of float32 (n, n)
        Symmetric if the table is. Entries between slides of one class are 1: they are
        positives, whatever the table says.
    """
    known = {name: i for i, name in enumerate(weights.classes)}
    at = np.array([known.get(name, -1) for name in classes], np.int64)
    table = np.zeros((len(weights.classes) + 1,) * 2, np.float32)  # last row: unknown class
    table[:-1, :-1] = weights.class_strength
    strength = table[at[y][:, None], at[y][None, :]]

    position = {slide_id: i for i, slide_id in enumerate(slide_ids)}
    for (a, b), h in weights.slide_strength.items():
        if a in position and b in position:
            i, j = position[a], position[b]
            strength[i, j] = strength[j, i] = h
    strength[y[:, None] == y[None, :]] = 0.0
    return (1.0 + (gamma - 1.0) * strength).astype(np.float32)
