"""CTransPath: a Swin-T whose patches come from a small convolutional stem.

Source: Wang et al., Medical Image Analysis 2022. The authors built it with a changed copy of
an old timm; timm of today takes the stem as an argument and translates the old names.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class ConvStem(nn.Module):
    """Two strided 3x3 convolutions and a 1x1 one, in place of the cut into patches.

    Parameters
    ----------
    img_size, patch_size, in_chans, embed_dim, norm_layer
        As timm's `PatchEmbed` takes them.
    """

    def __init__(
        self,
        img_size: int,
        patch_size: int,
        in_chans: int,
        embed_dim: int,
        norm_layer: Any,
        **_: Any,
    ) -> None:
        super().__init__()
        self.img_size = (img_size, img_size)
        self.patch_size = (patch_size, patch_size)
        self.grid_size = (img_size // patch_size, img_size // patch_size)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        narrow, wide = embed_dim // 8, embed_dim // 4
        self.proj = nn.Sequential(
            nn.Conv2d(in_chans, narrow, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            nn.Conv2d(narrow, wide, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.Conv2d(wide, embed_dim, 1),
        )
        self.norm = norm_layer(embed_dim)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, h, w) to (n, h / 4, w / 4, embed_dim)."""
        result: torch.Tensor = self.norm(self.proj(images).permute(0, 2, 3, 1))
        return result


def ctranspath(
    img_size: int,
    embed_dim: int,
    depths: tuple[int, ...],
    num_heads: tuple[int, ...],
    window_size: int,
) -> nn.Module:
    """The network: (n, 3, img_size, img_size) to the mean of its last tokens.

    Parameters
    ----------
    img_size, embed_dim, depths, num_heads, window_size
        Of timm's `SwinTransformer`.
    """
    from timm.models.swin_transformer import SwinTransformer

    network: nn.Module = SwinTransformer(
        img_size=img_size,
        patch_size=4,
        embed_dim=embed_dim,
        depths=depths,
        num_heads=num_heads,
        window_size=window_size,
        num_classes=0,
        embed_layer=ConvStem,
    )
    return network
