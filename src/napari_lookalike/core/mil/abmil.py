"""Attention-based MIL, gated or plain: one attention branch, one slide embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.base import (
    Head,
    HeadOutput,
    make_trunk,
    spread,
    weighted_sum,
    wide,
)
from napari_lookalike.core.mil.large import LARGE, in_pieces, quick_linear


def by_branch(scores: Tensor, mask: Tensor) -> Tensor:
    """Scores (batch, n, branches), or packed (total, branches), as (batch, branches, n).

    They are ``-inf`` where ``mask`` (batch, n) is False, and single precision: a softmax over
    thousands of instances needs it.
    """
    if scores.dim() == 2:
        return spread(wide(scores), mask, float("-inf")).transpose(1, 2)
    return wide(scores).transpose(1, 2).masked_fill(~mask[:, None, :], float("-inf"))


def _many(module: nn.Module, hidden: Tensor) -> bool:
    """Whether these are so many instances, asked and not trained on, that pieces are faster."""
    asked = not module.training and not torch.is_grad_enabled()
    return asked and hidden.shape[-2] > LARGE


def _in_pieces(hidden: Tensor, scores: Callable[[Tensor], Tensor]) -> Tensor:
    rows = in_pieces(scores, hidden.reshape(-1, hidden.shape[-1]))
    return rows.view(*hidden.shape[:-1], -1)


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
        return by_branch(self.scores(hidden), mask)

    def scores(self, hidden: Tensor) -> Tensor:
        """Attention logits (..., branches) of instances (..., dim)."""
        if _many(self, hidden):
            return _in_pieces(hidden, self._gated(quick_linear(self.gates, hidden)))
        return self._gated(self.gates)(hidden)

    def _gated(self, gates: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def run(hidden: Tensor) -> Tensor:
            v, u = gates(hidden).chunk(2, dim=-1)
            gated = self.drop(torch.tanh(v)) * self.drop(torch.sigmoid(u))
            logits: Tensor = self.score(gated)
            return logits

        return run


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
        return by_branch(self.scores(hidden), mask)

    def scores(self, hidden: Tensor) -> Tensor:
        """Attention logits (..., branches) of instances (..., dim)."""
        if _many(self, hidden):
            return _in_pieces(hidden, self._plain(quick_linear(self.hidden, hidden)))
        return self._plain(self.hidden)(hidden)

    def _plain(self, layer: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def run(hidden: Tensor) -> Tensor:
            logits: Tensor = self.score(self.drop(torch.tanh(layer(hidden))))
            return logits

        return run


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

    packs = True

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

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool hidden instances with mask (batch, n); see `Head.pool`."""
        attention = self.attention(hidden, mask)
        embedding = weighted_sum(torch.softmax(attention, dim=-1), hidden, mask)[:, 0]
        return HeadOutput(embedding, self.classify(embedding), attention, pooled=embedding)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits
