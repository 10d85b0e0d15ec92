"""Attention-based MIL, gated or plain: one attention branch, one slide embedding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.base import Head, HeadOutput, make_trunk


class GatedAttention(nn.Module):
    """Attention logits ``w^T (tanh(V h) * sigm(U h))`` of every instance.

    Parameters
    ----------
    dim
        Length of ``h``.
    attention_dim
        Rows of ``V`` and ``U``.
    branches
        Number of attention vectors ``w``; ``V`` and ``U`` are shared.
    dropout
        After either gate.

    References
    ----------
    Ilse, Tomczak, Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018, eq. 9.
    """

    def __init__(self, dim: int, attention_dim: int, branches: int, dropout: float) -> None:
        super().__init__()
        # V and U in one matrix product: half as many small products on a CPU.
        self.gates = nn.Linear(dim, 2 * attention_dim)
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(attention_dim, branches)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Attention logits (batch, branches, n), ``-inf`` where ``mask`` (batch, n) is False."""
        v, u = self.gates(hidden).chunk(2, dim=-1)
        gated = self.drop(torch.tanh(v)) * self.drop(torch.sigmoid(u))
        logits: Tensor = self.score(gated).transpose(1, 2)
        return logits.masked_fill(~mask[:, None, :], float("-inf"))


class PlainAttention(nn.Module):
    """Attention logits ``w^T tanh(V h)`` of every instance.

    Parameters
    ----------
    dim, attention_dim, branches, dropout
        As of `GatedAttention`.

    References
    ----------
    Ilse, Tomczak, Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018, eq. 8.
    """

    def __init__(self, dim: int, attention_dim: int, branches: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(dim, attention_dim)
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(attention_dim, branches)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Attention logits (batch, branches, n), ``-inf`` where ``mask`` (batch, n) is False."""
        logits: Tensor = self.score(self.drop(torch.tanh(self.hidden(hidden)))).transpose(1, 2)
        return logits.masked_fill(~mask[:, None, :], float("-inf"))


class ABMIL(Head):
    """ABMIL: embedding ``z = sum_k a_k h_k``, then one linear classifier.

    Parameters
    ----------
    in_dim, n_classes
        As for every `Head`.
    hidden_dim
        Length of ``h`` and of the slide embedding.
    attention_dim
        Width of the gates.
    dropout
        On ``h``.
    gated
        Whether attention is gated (eq. 9) or plain (eq. 8).
    before
        Widths of further layers before the last one, which gives ``h``.

    References
    ----------
    Ilse, Tomczak, Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018, eq. 7-9.
    """

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        hidden_dim: int = 128,
        attention_dim: int = 64,
        dropout: float = 0.25,
        gated: bool = True,
        before: Sequence[int] = (),
    ) -> None:
        super().__init__(in_dim, n_classes)
        self.trunk = make_trunk(in_dim, (*before, hidden_dim), dropout)
        kind = GatedAttention if gated else PlainAttention
        self.attention = kind(hidden_dim, attention_dim, branches=1, dropout=0.0)
        self.classifier = nn.Linear(hidden_dim, n_classes)

    def forward(self, instances: Tensor, mask: Tensor) -> HeadOutput:
        """Pool bags (batch, n, in_dim) with mask (batch, n); see `Head.forward`."""
        hidden = self.trunk(instances)
        attention = self.attention(hidden, mask)
        embedding = torch.bmm(torch.softmax(attention, dim=-1), hidden)[:, 0]
        return HeadOutput(embedding, self.classify(embedding), attention, pooled=embedding)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits
