"""DSMIL: every instance is compared with the one that speaks loudest for a class."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.base import (
    Head,
    HeadOutput,
    make_trunk,
    spread,
    weighted_by_probability,
)


class DSMIL(Head):
    """Dual-stream MIL.

    An instance classifier scores ``c_kc``; the critical instance of class c is
    ``m = argmax_k c_kc``; ``A_kc = softmax_k(q_k . q_m / sqrt(Q))``; ``B_c = sum_k A_kc v_k``;
    each class logit reads all B_c. The slide embedding is ``sum_c p_c B_c``, as in CLAM-MB.

    Differences from the paper: instances go through a trunk first, like in every other head
    here (``trunk=False``: as in the paper), and since subtypes exclude one another, both
    losses are cross-entropy over the classes, not one yes-or-no for each.

    Parameters
    ----------
    in_dim, n_classes
        As for every `Head`.
    hidden_dim
        Length of a hidden instance; not used without trunk.
    attention_dim
        Q, length of a query (the paper: 128).
    dropout
        On the hidden instances.
    trunk
        Whether there is a layer before everything else.
    query
        "mlp": linear, ReLU, linear, tanh. "linear": one linear map.
    value
        ``v``: the instance itself, a linear map of it, or that with ReLU.

    References
    ----------
    Li, Li, Eliceiri, "Dual-stream Multiple Instance Learning Network for Whole Slide Image
    Classification", CVPR 2021, eq. 3-7.
    """

    per_class_attention = True
    bag_weight = 0.5
    packs = True

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        hidden_dim: int = 128,
        attention_dim: int = 64,
        dropout: float = 0.25,
        trunk: bool = True,
        query: Literal["mlp", "linear"] = "mlp",
        value: Literal["identity", "linear", "relu"] = "identity",
    ) -> None:
        super().__init__(in_dim, n_classes)
        dim = hidden_dim if trunk else in_dim
        self.trunk = make_trunk(in_dim, (hidden_dim,) if trunk else (), dropout)
        self.instance_classifier = nn.Linear(dim, n_classes)
        self.query = nn.Sequential(nn.Linear(dim, attention_dim))
        if query == "mlp":
            self.query.extend([nn.ReLU(), nn.Linear(attention_dim, attention_dim), nn.Tanh()])
        self.value = nn.Sequential() if value == "identity" else nn.Sequential(nn.Linear(dim, dim))
        if value == "relu":
            self.value.append(nn.ReLU())
        # Row c reads the bag vectors of all classes, one after the other.
        self.classifier = nn.Linear(n_classes * dim, n_classes)

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool hidden instances with mask (batch, n); see `Head.pool`."""
        if hidden.dim() == 2:  # packed: the wide layer is done, the rest is small
            hidden = spread(hidden, mask)
        padded = ~mask[:, None, :]
        scores = self.instance_classifier(hidden).transpose(1, 2)
        scores = scores.masked_fill(padded, float("-inf"))
        queries = self.query(hidden)
        critical = scores.argmax(-1)[..., None].expand(-1, -1, queries.shape[-1])
        attention = queries.gather(1, critical) @ queries.transpose(1, 2)
        attention = (attention / sqrt(queries.shape[-1])).masked_fill(padded, float("-inf"))
        branches = torch.bmm(torch.softmax(attention, dim=-1), self.value(hidden))
        logits = self.classify(branches)
        embedding = weighted_by_probability(branches, logits)
        return HeadOutput(embedding, logits, attention, branches, scores)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of bag vectors (batch, C, dim); see `Head.classify`."""
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits

    def auxiliary_loss(
        self, output: HeadOutput, instances: Tensor, mask: Tensor, y: Tensor
    ) -> Tensor:
        """Cross-entropy of the critical instances' scores, averaged over the bags."""
        del instances, mask
        if output.instance_logits is None:
            return output.logits.sum() * 0.0
        return nn.functional.cross_entropy(output.instance_logits.amax(-1), y)
