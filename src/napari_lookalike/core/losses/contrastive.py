"""Contrastive losses on slide embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Remembered:
    """Slide embeddings of earlier batches: never anchors, but positives and negatives.

    Parameters
    ----------
    z
        (m, embed_dim), without graph.
    y
        int64 (m,) their classes. None of them is a slide of the batch.
    """

    z: Tensor
    y: Tensor


def supcon(z: Tensor, y: Tensor, tau: float, *, remembered: Remembered | None = None) -> Tensor:
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
    remembered
        More slides to compare the batch with.

    Returns
    -------
    Tensor
        Mean over the anchors that have a positive. Anchors without one (a class with one
        slide in the batch) are negatives of others only; zero, with graph, if there are none.

    References
    ----------
    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, eq. 2.
    """
    columns = len(y) if remembered is None else len(y) + len(remembered.y)
    ones = torch.ones(len(y), columns, dtype=z.dtype, device=z.device)
    return expert_supcon(z, y, tau, ones, remembered=remembered)


def expert_supcon(
    z: Tensor,
    y: Tensor,
    tau: float,
    negative_weights: Tensor,
    *,
    normalise: bool = False,
    tilt: float = 0.0,
    remembered: Remembered | None = None,
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
        (batch, batch + m), >= 0; row = anchor, m = number of remembered slides (0 without).
        Read only where the two classes differ.
    normalise
        Scale each anchor's weights to mean 1 over its negatives, so that marking every
        pair alike is marking none.
    tilt
        beta >= 0: negatives that lie near the anchor count more, marked or not. Their
        weights are multiplied by ``exp(beta s_in)``, divided by its mean over the anchor's
        negatives. It comes after ``normalise``; 0 switches it off.
    remembered
        More slides to compare the batch with.

    Returns
    -------
    Tensor
        Mean over the anchors that have a positive; zero, with graph, if there are none.

    References
    ----------
    Our extension of Khosla et al. 2020, eq. 2; precedent for weights by class pair: Suresh
    and Ong, "Not All Negatives are Equal", EMNLP 2021. The tilt: see `hard_supcon`.
    """
    similarity, same, positive, itself = _compare(z, y, tau, remembered)
    weights = negative_weights.to(z.dtype)
    if normalise:
        n_negatives = (~same).sum(1, keepdim=True).clamp(min=1)
        mean = (weights * ~same).sum(1, keepdim=True) / n_negatives
        weights = weights / torch.where(mean > 0, mean, torch.ones_like(mean))
    shift = torch.where(same, torch.ones_like(weights), weights).log()
    if tilt:
        shift = shift + torch.where(same, 0.0, _log_tilt(similarity, same, tilt))
    denominator = (similarity + shift).masked_fill(itself, float("-inf"))

    n_positives = positive.sum(1)
    anchors = n_positives > 0
    if not bool(anchors.any()):
        return z.sum() * 0.0
    log_probability = similarity - torch.logsumexp(denominator, dim=1, keepdim=True)
    summed = torch.where(positive, log_probability, torch.zeros_like(log_probability)).sum(1)
    return -(summed[anchors] / n_positives[anchors]).mean()


def hard_supcon(z: Tensor, y: Tensor, tau: float, beta: float, tau_plus: float = 0.0) -> Tensor:
    """Contrastive loss against the negatives that lie nearest: H-SCL, or HCL with ``tau_plus``.

    For each anchor i and each of its positives p, with N negatives n of other classes::

        w_in = exp(beta s_in) / mean_n exp(beta s_in)
        N_g  = (sum_n w_in e^{s_in} - tau_plus N e^{s_ip}) / (1 - tau_plus),  >= N e^{-1/tau}
        L_ip = -log( e^{s_ip} / (e^{s_ip} + N_g) )

    Parameters
    ----------
    z, y, tau
        As for `supcon`.
    beta
        How much near negatives count more; 0: all the same.
    tau_plus
        Assumed share of negatives that are of the anchor's class after all, 0 <= tau_plus
        < 1. Labels are known here, so it is 0 unless labels are doubted.

    Returns
    -------
    Tensor
        Mean over anchors of the mean over their positives. Anchors without a positive or
        without a negative are left out; zero, with graph, if no anchor is left.

    References
    ----------
    Robinson et al., "Contrastive Learning with Hard Negative Samples", ICLR 2021, eq. 4;
    restricted to negatives of other classes: Jiang et al., arXiv 2209.00078 (H-SCL).
    """
    similarity, same, positive, _ = _compare(z, y, tau, None)
    n_negatives = (~same).sum(1)
    n_positives = positive.sum(1)
    anchors = (n_positives > 0) & (n_negatives > 0)
    if not bool(anchors.any()):
        return z.sum() * 0.0
    # Rows that are left out hold infinities, and a gradient through them would be NaN.
    s, same, positive = similarity[anchors], same[anchors], positive[anchors]
    n = n_negatives[anchors, None].to(s.dtype)
    tilted = (s + _log_tilt(s, same, beta)).masked_fill(same, float("-inf"))
    log_rest = torch.logsumexp(tilted, dim=1, keepdim=True).expand_as(s)
    if tau_plus:
        most = 1.0 / tau  # of s: everything below is scaled by e^-most, which keeps it finite
        rest = ((log_rest - most).exp() - tau_plus * n * (s - most).exp()) / (1.0 - tau_plus)
        log_rest = rest.clamp(min=torch.finfo(s.dtype).tiny).log() + most
    log_rest = torch.maximum(log_rest, n.log() - 1.0 / tau)
    losses = functional.softplus(log_rest - s)  # -log( e^s / (e^s + rest) )
    per_anchor = torch.where(positive, losses, torch.zeros_like(losses)).sum(1)
    return (per_anchor / positive.sum(1)).mean()


def _compare(
    z: Tensor, y: Tensor, tau: float, remembered: Remembered | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cosines over tau, and which are of one class, positives, the slide itself; (batch, all)."""
    unit = functional.normalize(z, dim=1, eps=1e-6)
    itself = torch.eye(len(y), dtype=torch.bool, device=z.device)
    others, classes = unit, y
    if remembered is not None:
        kept = functional.normalize(remembered.z.to(z.dtype), dim=1, eps=1e-6)
        others, classes = torch.cat([unit, kept]), torch.cat([y, remembered.y])
        itself = functional.pad(itself, (0, len(kept)))
    same = y[:, None] == classes[None, :]
    return unit @ others.T / tau, same, same & ~itself, itself


def _log_tilt(similarity: Tensor, same: Tensor, beta: float) -> Tensor:
    """Log of ``exp(beta s) / mean over the negatives of exp(beta s)``, rows = anchors."""
    tilted = beta * similarity
    none = same.all(1, keepdim=True)
    count = (~same).sum(1, keepdim=True).clamp(min=1).to(similarity.dtype)
    # A row without negatives is never read; zeros in it keep its gradient finite.
    only = torch.where(none, torch.zeros_like(tilted), tilted.masked_fill(same, float("-inf")))
    return tilted - (torch.logsumexp(only, dim=1, keepdim=True) - count.log())
