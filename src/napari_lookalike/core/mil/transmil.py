"""TransMIL: tiles look at each other before they are pooled.

Written from the paper's description; no code of the authors' repository is used.
"""

from __future__ import annotations

from math import isqrt

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.base import Head, HeadOutput, make_trunk
from napari_lookalike.core.mil.nystrom import NystromAttention


class PositionByNeighbours(nn.Module):
    """PPEG: tokens laid out as a square get the sum of three small convolutions added."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(dim, dim, size, padding=size // 2, groups=dim) for size in (7, 5, 3)
        )

    def forward(self, tokens: Tensor, side: int) -> Tensor:
        """Tokens (batch, 1 + side^2, dim); the first is the class token and stays."""
        first, rest = tokens[:, :1], tokens[:, 1:]
        square = rest.transpose(1, 2).reshape(len(tokens), -1, side, side)
        square = sum((conv(square) for conv in self.convolutions), start=square)
        return torch.cat([first, square.flatten(2).transpose(1, 2)], dim=1)


class TransMIL(Head):
    """Two layers of Nyström attention over all tiles, and a class token that pools them.

    Each bag is laid out as a square of side ``ceil(sqrt n)``, filled up with its own first
    tiles, and computed with bags of its own length only, so padding never takes part. The
    square follows the order of the tiles, not their place on the slide: the answer depends
    on that order.

    Its attention is that of the class token in the last layer, the mean over its heads. It
    shows what is read last; tiles also act through the tiles around them.

    Parameters
    ----------
    in_dim, n_classes
        As for every `Head`.
    hidden_dim
        Length of a token and of the slide embedding (the paper: 512). There are half as
        many landmarks.
    attention_dim
        Not used: queries are as long as tokens, as in the paper.
    dropout
        On the hidden instances. The attention layers have the paper's 0.1.

    References
    ----------
    Shao et al., "TransMIL: Transformer based Correlated Multiple Instance Learning for Whole
    Slide Image Classification", NeurIPS 2021, algorithm 2.
    """

    ordered = True

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        hidden_dim: int = 128,
        attention_dim: int = 64,
        dropout: float = 0.25,
    ) -> None:
        super().__init__(in_dim, n_classes)
        del attention_dim
        self.trunk = make_trunk(in_dim, (hidden_dim,), dropout)
        self.class_token = nn.Parameter(torch.randn(hidden_dim))
        landmarks = max(hidden_dim // 2, 1)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_dim) for _ in range(3))
        self.layers = nn.ModuleList(NystromAttention(hidden_dim, landmarks) for _ in range(2))
        self.position = PositionByNeighbours(hidden_dim)
        self.classifier = nn.Linear(hidden_dim, n_classes)

    def forward(self, instances: Tensor, mask: Tensor) -> HeadOutput:
        """Pool bags (batch, n, in_dim) with mask (batch, n); see `Head.forward`."""
        hidden = self.trunk(instances)
        lengths = mask.sum(1)
        pieces: list[Tensor] = []
        rows: list[Tensor] = []
        attention = torch.full(mask.shape, float("-inf"), device=mask.device)
        for n in torch.unique(lengths).tolist():
            real = mask & (lengths == n)[:, None]
            pooled, weight = self._pool(hidden[real].view(-1, n, hidden.shape[-1]))
            attention = attention.to(weight.dtype).masked_scatter(real, weight)
            pieces.append(pooled)
            rows.append(torch.nonzero(lengths == n)[:, 0])
        embedding = torch.cat(pieces)[torch.argsort(torch.cat(rows))]
        logits = self.classify(embedding)
        return HeadOutput(embedding, logits, attention[:, None, :], pooled=embedding)

    def _pool(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Slide embeddings (b, dim) and attention logits (b, n) of bags of one length."""
        batch, n, _ = hidden.shape
        side = isqrt(n - 1) + 1
        extra = side * side - n  # never more than n
        first = self.class_token.expand(batch, 1, -1)
        tokens = torch.cat([first, hidden, hidden[:, :extra]], dim=1)
        tokens = tokens + self.layers[0](self.norms[0](tokens))[0]
        tokens = self.position(tokens, side)
        change, look = self.layers[1](self.norms[1](tokens))
        pooled: Tensor = self.norms[2](tokens[:, 0] + change[:, 0])
        return pooled, _attention(look[:, :, 1:], n)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits


def _attention(look: Tensor, n: int) -> Tensor:
    """Log of the heads' mean attention (b, n) from logits (b, heads, n + repeated tiles)."""
    mean = torch.logsumexp(torch.log_softmax(look, -1), dim=1)
    again = mean[:, n:]
    both = torch.logaddexp(mean[:, : again.shape[1]], again)
    return torch.cat([both, mean[:, again.shape[1] : n]], dim=1)
