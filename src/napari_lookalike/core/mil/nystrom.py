"""Nyström attention: every token looks at all others, in time linear in their number."""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

HEADS = 8
RESIDUAL_KERNEL = 33


def segment_means(tokens: Tensor, landmarks: int) -> Tensor:
    """Means (..., m, dim) of m runs of neighbouring tokens (..., n, dim), m <= n.

    Runs differ in length by one token at most, so that no padding takes part.
    """
    n = tokens.shape[-2]
    run = torch.arange(n, device=tokens.device) * landmarks // n
    sums = tokens.new_zeros(*tokens.shape[:-2], landmarks, tokens.shape[-1])
    sums = sums.index_add(-2, run, tokens)
    size = torch.bincount(run, minlength=landmarks).to(tokens.dtype)
    return sums / size[:, None]


def pseudo_inverse(matrix: Tensor, iterations: int) -> Tensor:
    """Moore-Penrose inverse (..., m, m) by iteration: products only, no decomposition.

    References
    ----------
    Razavi et al., "A New Iterative Method for Finding Approximate Inverses of Complex
    Matrices", 2014, as in Xiong et al. 2021, eq. 11.
    """
    eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    size = matrix.abs()
    # Each matrix by its own norms: a bag's answer must not depend on what shares its batch.
    norms = size.sum(-1).amax(-1) * size.sum(-2).amax(-1)
    inverse = matrix.transpose(-1, -2) / norms[..., None, None]
    for _ in range(iterations):
        product = matrix @ inverse
        inverse = 0.25 * inverse @ (13 * eye - product @ (15 * eye - product @ (7 * eye - product)))
    return inverse


class NystromAttention(nn.Module):
    """Self-attention by landmarks, with a local residual.

    ``softmax(Q K~^T) softmax(Q~ K~^T)^+ softmax(Q~ K^T) V + conv(V)``, where Q~ and K~ are
    means of runs of tokens. With as many landmarks as tokens it is exact attention.

    Parameters
    ----------
    dim
        Length of a token; heads are 8, or as many of 8 as divide it.
    landmarks
        Number of runs; fewer where there are fewer tokens.
    iterations
        Of the pseudo-inverse.
    dropout
        On the output.

    References
    ----------
    Xiong et al., "Nyströmformer: A Nyström-based Algorithm for Approximating Self-Attention",
    AAAI 2021, eq. 9-13.
    """

    def __init__(self, dim: int, landmarks: int, iterations: int = 6, dropout: float = 0.1) -> None:
        super().__init__()
        self.heads = gcd(dim, HEADS)
        self.landmarks, self.iterations = landmarks, iterations
        self.scale = float(dim // self.heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.residual = nn.Conv1d(
            self.heads, self.heads, RESIDUAL_KERNEL, padding="same", groups=self.heads, bias=False
        )
        self.out = nn.Sequential(nn.Linear(dim, dim), nn.Dropout(dropout))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (batch, n, dim) to tokens, and what the first looks at (batch, heads, n).

        The second is the exact attention logit of the first token on every token.
        """
        batch, n, dim = tokens.shape
        shape = (batch, n, 3, self.heads, dim // self.heads)
        q, k, v = self.qkv(tokens).view(shape).permute(2, 0, 3, 1, 4)
        q = q * self.scale
        m = min(self.landmarks, n)
        q_mean, k_mean = segment_means(q, m), segment_means(k, m)
        to_runs = torch.softmax(q @ k_mean.transpose(-1, -2), -1)
        among = torch.softmax(q_mean @ k_mean.transpose(-1, -2), -1)
        from_runs = torch.softmax(q_mean @ k.transpose(-1, -2), -1)
        # From the right: no product is larger than n x m.
        with torch.autocast(among.device.type, enabled=False):  # half precision diverges
            inverse = pseudo_inverse(among, self.iterations)
        mixed = to_runs @ (inverse @ (from_runs @ v))
        mixed = mixed + self._along(v)
        first = (q[:, :, :1] @ k.transpose(-1, -2))[:, :, 0]
        return self.out(mixed.transpose(1, 2).reshape(batch, n, dim)), first

    def _along(self, values: Tensor) -> Tensor:
        """The residual: each head's values (batch, heads, n, d) smoothed along the tokens."""
        batch, heads, n, d = values.shape
        rows = values.permute(0, 3, 1, 2).reshape(batch * d, heads, n)
        smooth: Tensor = self.residual(rows)
        return smooth.view(batch, d, heads, n).permute(0, 2, 3, 1)
