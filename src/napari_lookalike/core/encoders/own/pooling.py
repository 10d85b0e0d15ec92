"""Gated attention pooling of a slide's tiles (Ilse et al. 2018), as CHIEF and Feather have it."""

from __future__ import annotations

import torch
from torch import nn


class GatedPooling(nn.Module):
    """Tiles' vectors to one vector: a mean weighted by gated attention.

    Parameters
    ----------
    in_dim
        Length of a tile's vector.
    hidden
        Width of the space in which tiles are compared.
    attention
        Width of the attention.
    pools_input
        Whether the tiles' own vectors are averaged, or those in the inner space.
    """

    def __init__(self, in_dim: int, hidden: int, attention: int, pools_input: bool) -> None:
        super().__init__()
        self.pools_input = pools_input
        self.inside = nn.Linear(in_dim, hidden)
        self.tanh = nn.Linear(hidden, attention)
        self.gate = nn.Linear(hidden, attention)
        self.score = nn.Linear(attention, 1)

    def forward(self, tiles: torch.Tensor) -> torch.Tensor:
        """Tiles (n, in_dim) of one slide to its vector (in_dim,) or (hidden,)."""
        inner = torch.relu(self.inside(tiles))
        scores = self.score(torch.tanh(self.tanh(inner)) * torch.sigmoid(self.gate(inner)))
        weights = torch.softmax(scores[:, 0], dim=0)
        return weights @ (tiles if self.pools_input else inner)
