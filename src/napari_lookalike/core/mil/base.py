"""What a MIL head is: bag in; slide embedding, class logits, attention logits out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class HeadOutput:
    """What a head says of a batch of bags.

    Parameters
    ----------
    embedding
        (batch, embed_dim) the slide embedding: one rule for training, map and metrics.
    logits
        (batch, n_classes).
    attention_logits
        (batch, n_branches, n_instances) before softmax; n_branches is 1, or n_classes
        where the head attends per class. Padding holds ``-inf``.
    pooled
        (batch, ...) what `Head.classify` reads, so that slides can be mixed after pooling;
        ``None``: this head's slides cannot be mixed.
    instance_logits
        (batch, n_classes, n_instances), ``-inf`` where padded, where the head judges single
        instances; else ``None``.
    """

    embedding: Tensor
    logits: Tensor
    attention_logits: Tensor
    pooled: Tensor | None = None
    instance_logits: Tensor | None = None

    def single(self) -> HeadOutput:
        """The same with half-precision numbers in single precision, as losses need them."""
        return HeadOutput(
            wide(self.embedding),
            wide(self.logits),
            wide(self.attention_logits),
            None if self.pooled is None else wide(self.pooled),
            None if self.instance_logits is None else wide(self.instance_logits),
        )


def make_trunk(in_dim: int, widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Layers before pooling: each a linear map, ReLU and dropout, of these widths."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(in_dim, width), nn.ReLU(), nn.Dropout(dropout)]
        in_dim = width
    return nn.Sequential(*layers)


def lengths_of(mask: Tensor) -> list[int]:
    """Instances of each bag, from a mask (batch, n)."""
    return [int(n) for n in mask.sum(1).tolist()]


def spread(rows: Tensor, mask: Tensor, fill: float = 0.0) -> Tensor:
    """Packed rows (total, k) as (batch, n, k), ``fill`` where ``mask`` (batch, n) is False."""
    out = rows.new_full((*mask.shape, rows.shape[-1]), fill)
    return out.masked_scatter(mask[..., None], rows)


def weighted_sum(weights: Tensor, hidden: Tensor, mask: Tensor) -> Tensor:
    """Branch embeddings (batch, branches, dim): each bag's instances times their weights.

    Parameters
    ----------
    weights
        (batch, branches, n), zero where padded.
    hidden
        (batch, n, dim), or packed (total, dim).
    mask
        (batch, n).
    """
    if hidden.dim() == 3:
        return torch.bmm(weights.to(hidden.dtype), hidden)
    lengths = lengths_of(mask)
    parts = zip(weights, torch.split(hidden, lengths), lengths, strict=True)
    return torch.stack([w[:, :n].to(h.dtype) @ h for w, h, n in parts])


def pick(instances: Tensor, mask: Tensor, rows: Tensor, chosen: Tensor) -> Tensor:
    """Single instances, (..., dim).

    Parameters
    ----------
    instances
        (batch, n, dim), or packed (total, dim).
    mask
        (batch, n).
    rows, chosen
        Which bags, and which instances of them; shapes that broadcast. Beyond the end of a
        packed bag its last instance is taken.
    """
    if instances.dim() == 3:
        return instances[rows, chosen]
    lengths = mask.sum(1)
    first = torch.cumsum(lengths, 0) - lengths
    return instances[first[rows] + torch.minimum(chosen, lengths[rows] - 1)]


def wide(x: Tensor) -> Tensor:
    """Half-precision numbers in single precision; others as they are."""
    return x.float() if x.element_size() <= 2 else x


def weighted_by_probability(branches: Tensor, logits: Tensor) -> Tensor:
    """One slide embedding (batch, dim) of branches (batch, C, dim): ``sum_c p_c M_c``."""
    return torch.bmm(torch.softmax(logits, -1)[:, None, :], branches)[:, 0]


class Head(nn.Module):
    """Base of all heads.

    Parameters
    ----------
    in_dim
        Length of an instance.
    n_classes
        Number of subtypes.

    Attributes
    ----------
    per_class_attention
        Whether each class has an attention branch of its own.
    bag_weight
        The loss of a batch is ``bag_weight * L_bag + (1 - bag_weight) * auxiliary_loss``.
    ordered
        Whether the answer depends on the order of the instances.
    packs
        Whether `forward` also takes bags packed one after the other, without padding.
    """

    per_class_attention: bool = False
    bag_weight: float = 1.0
    ordered: bool = False
    packs: bool = False

    trunk: nn.Sequential
    """The layers before pooling, which see single instances."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.in_dim, self.n_classes = in_dim, n_classes

    def forward(self, instances: Tensor, mask: Tensor) -> HeadOutput:
        """Pool bags.

        Parameters
        ----------
        instances
            (batch, n_instances, in_dim), padded; where the head `packs`, also (total, in_dim):
            the real ones alone, bag after bag.
        mask
            bool (batch, n_instances), True where an instance is real, from the left. Each bag
            has one.
        """
        return self.pool(self.trunk(instances), mask)

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool bags whose instances have been through ``trunk``; see `forward`.

        A head without a ``trunk`` has a `forward` of its own instead.
        """
        raise NotImplementedError

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits (batch, n_classes) of `HeadOutput.pooled`, or of a mixture of it."""
        raise NotImplementedError

    def auxiliary_loss(
        self, output: HeadOutput, instances: Tensor, mask: Tensor, y: Tensor
    ) -> Tensor:
        """The head's own extra loss (CLAM's instance loss), a scalar; zero by default.

        Parameters
        ----------
        y
            int64 (batch,) true classes.
        """
        del instances, mask, y
        return torch.zeros((), device=output.logits.device, dtype=output.logits.dtype)
