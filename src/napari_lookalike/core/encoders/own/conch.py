"""The image towers of CONCH and CONCH v1.5: a vision transformer and an attention pooler.

Both take 448 px. A learnt query looks at the normalised tokens of the transformer; what it
gathers, after a norm, is the vector. (CONCH's projection into the space of its texts, which
follows, and its pooler for captions are no part of it.)

Names of the parts are those of the published files. Sources: Lu et al., Nature Medicine 2024
(CONCH); Ding et al. 2024 (TITAN, with CONCH v1.5); pooler as in CoCa, Yu et al. 2022.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def _transformer(**arguments: Any) -> Any:
    """A vision transformer of timm without a classifier."""
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(num_classes=0, **arguments)


class Conch(nn.Module):
    """CONCH: ViT-B/16 of 448 px, pooled to ``dim`` numbers.

    Parameters
    ----------
    img_size, patch_size, embed_dim, depth, num_heads
        Of the transformer.
    dim
        Width of the query, and length of the vector.
    pool_heads
        Heads of the pooler's attention.
    """

    def __init__(
        self,
        img_size: int,
        patch_size: int,
        embed_dim: int,
        depth: int,
        num_heads: int,
        dim: int,
        pool_heads: int,
    ) -> None:
        super().__init__()
        self.trunk = _transformer(
            img_size=img_size,
            patch_size=patch_size,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
        )
        self.attn_pool_contrast = _Pooler(dim, embed_dim, pool_heads)
        self.ln_contrast = nn.LayerNorm(dim)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, img_size, img_size) to vectors (n, dim)."""
        tokens = self.trunk.forward_features(images)
        result: torch.Tensor = self.ln_contrast(self.attn_pool_contrast(tokens)[:, 0])
        return result


class _Pooler(nn.Module):
    """Queries look at all tokens: cross attention with torch's own module."""

    def __init__(self, dim: int, context: int, heads: int, queries: int = 1) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(queries, dim).normal_())
        self.attn = nn.MultiheadAttention(dim, heads, kdim=context, vdim=context, batch_first=True)
        self.ln_q = nn.LayerNorm(dim)
        self.ln_k = nn.LayerNorm(context)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (n, t, context) to (n, queries, dim)."""
        keys = self.ln_k(tokens)
        query = self.ln_q(self.query).expand(len(tokens), -1, -1)
        result: torch.Tensor = self.attn(query, keys, keys, need_weights=False)[0]
        return result


class ConchV15(nn.Module):
    """CONCH v1.5: ViT-L/16 whose grid of positions is learnt at 224 px and stretched.

    Parameters
    ----------
    grid_px
        Size of the images for which the positions are stored.
    patch_size, embed_dim, depth, num_heads, init_values
        Of the transformer.
    dim
        Width of the query, and length of the vector.
    pool_heads
        Heads of the pooler's attention.
    """

    def __init__(
        self,
        grid_px: int,
        patch_size: int,
        embed_dim: int,
        depth: int,
        num_heads: int,
        init_values: float,
        dim: int,
        pool_heads: int,
    ) -> None:
        super().__init__()
        self.trunk = _transformer(
            img_size=grid_px,
            patch_size=patch_size,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            init_values=init_values,
        )
        self.trunk.patch_embed.strict_img_size = False
        self.attn_pool_contrast = _BiasFreePooler(dim, embed_dim, pool_heads)
        self.ln_contrast = nn.LayerNorm(dim)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, px, px), px a multiple of the patch size, to vectors (n, dim)."""
        trunk = self.trunk
        patches = trunk.patch_embed(images)
        rows, columns = (edge // trunk.patch_embed.patch_size[0] for edge in images.shape[-2:])
        tokens = torch.cat([trunk.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        tokens = tokens + stretched(trunk.pos_embed, rows, columns)
        tokens = trunk.norm(trunk.blocks(tokens))
        result: torch.Tensor = self.ln_contrast(self.attn_pool_contrast(tokens)[:, 0])
        return result


def stretched(positions: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Position embeddings for another grid, as DINO stretches them.

    Bicubic, with a scale that is 0.1 patches too large: so the published network was run,
    and without it the positions are others by a part of a patch.

    Parameters
    ----------
    positions
        (1, 1 + edge * edge, width): of the class token, then of a square grid.
    rows, columns
        Of the wanted grid.

    Returns
    -------
    Tensor (1, 1 + rows * columns, width)
    """
    edge = round((positions.shape[1] - 1) ** 0.5)
    if (rows, columns) == (edge, edge):
        return positions
    grid = positions[:, 1:].reshape(1, edge, edge, -1).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / edge, (columns + 0.1) / edge)
    grid = nn.functional.interpolate(grid, scale_factor=scale, mode="bicubic")
    return torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


class _BiasFreePooler(nn.Module):
    """Queries look at all tokens, with projections that have no bias."""

    def __init__(self, dim: int, context: int, heads: int, queries: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Parameter(torch.empty(queries, dim).normal_())
        self.ln_k = nn.LayerNorm(context)
        self.ln_q = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_kv = nn.Linear(context, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (n, t, context) to (n, queries, dim)."""
        keys, values = self.to_kv(self.ln_k(tokens)).chunk(2, dim=-1)
        query = self.to_q(self.ln_q(self.query)).expand(len(tokens), -1, -1)
        gathered = nn.functional.scaled_dot_product_attention(
            self._split(query), self._split(keys), self._split(values)
        )
        result: torch.Tensor = self.to_out(gathered.transpose(1, 2).flatten(2))
        return result

    def _split(self, part: torch.Tensor) -> torch.Tensor:
        """(n, t, dim) to (n, heads, t, dim / heads)."""
        n, count, dim = part.shape
        return part.reshape(n, count, self.heads, dim // self.heads).transpose(1, 2)
