"""Pairs as index tuples with weights, the form that metric-learning libraries read."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Pairs(NamedTuple):
    """Which slides of a batch are compared; the first four are a usual index tuple.

    Parameters
    ----------
    anchors, positives
        int64 (n_positive_pairs,): rows of the batch.
    negative_anchors, negatives
        int64 (n_negative_pairs,): rows of the batch.
    weights
        (n_negative_pairs,) how much each negative counts for its anchor, >= 0.
    """

    anchors: Tensor
    positives: Tensor
    negative_anchors: Tensor
    negatives: Tensor
    weights: Tensor

    @property
    def indices(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Without the weights: an ``indices_tuple`` of pytorch-metric-learning."""
        return self.anchors, self.positives, self.negative_anchors, self.negatives


def pair_indices(y: Tensor, negative_weights: Tensor, *, only_marked: bool = False) -> Pairs:
    """All pairs of a batch, each negative with its weight.

    Parameters
    ----------
    y
        int64 (batch,) classes.
    negative_weights
        (batch, batch), as `losses.negative_weights` makes them; row = anchor.
    only_marked
        An anchor that has marked negatives (weight above 1) in the batch has no others;
        one that has none keeps all of its negatives.
    """
    same = y[:, None] == y[None, :]
    itself = torch.eye(len(y), dtype=torch.bool, device=y.device)
    negative = ~same
    if only_marked:
        marked = negative & (negative_weights > 1)
        negative = torch.where(marked.any(1, keepdim=True), marked, negative)
    anchors, positives = torch.nonzero(same & ~itself, as_tuple=True)
    negative_anchors, negatives = torch.nonzero(negative, as_tuple=True)
    weights = negative_weights[negative_anchors, negatives]
    return Pairs(anchors, positives, negative_anchors, negatives, weights)


def pair_supcon(z: Tensor, tau: float, pairs: Pairs) -> Tensor:
    """`expert_supcon` of index tuples: the same number for the same pairs.

    Parameters
    ----------
    z
        (batch, embed_dim) slide embeddings; normalised to length 1 here.
    tau
        Temperature, > 0.
    pairs
        From `pair_indices`, or made otherwise.

    Returns
    -------
    Tensor
        Mean over the anchors that have a positive; zero, with graph, if there are none.
    """
    if len(pairs.anchors) == 0:
        return z.sum() * 0.0
    unit = functional.normalize(z, dim=1, eps=1e-6)

    def cosine(a: Tensor, b: Tensor) -> Tensor:
        return (unit[a] * unit[b]).sum(1) / tau

    toward = cosine(pairs.anchors, pairs.positives)
    away = cosine(pairs.negative_anchors, pairs.negatives) + pairs.weights.to(z.dtype).log()
    terms = torch.cat([toward, away])
    of = torch.cat([pairs.anchors, pairs.negative_anchors])
    zeros = torch.zeros(len(z), dtype=z.dtype, device=z.device)
    largest = zeros.scatter_reduce(0, of, terms.detach(), "amax", include_self=False)
    below = zeros.index_add(0, of, (terms - largest[of]).exp())
    counts = zeros.index_add(0, pairs.anchors, torch.ones_like(toward))
    own = zeros.index_add(0, pairs.anchors, toward)
    used = counts > 0
    return (below[used].log() + largest[used] - own[used] / counts[used]).mean()
