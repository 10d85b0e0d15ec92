"""DenseNet-121 as KimiaNet uses it: the feature maps, averaged, without the last ReLU.

timm's DenseNet and the whole of torchvision's end in a ReLU before the average; KimiaNet
(Riasatian et al., Medical Image Analysis 2021) takes torchvision's ``features`` alone, whose
last layer is a batch norm. So neither library's network gives its vectors.
"""

from __future__ import annotations

import torch
from torch import nn


class DenseNetFeatures(nn.Module):
    """The mean of the feature maps over the tile.

    Parameters
    ----------
    growth_rate, block_config, num_init_features
        Of torchvision's `DenseNet`.
    """

    def __init__(
        self, growth_rate: int, block_config: tuple[int, ...], num_init_features: int
    ) -> None:
        from torchvision.models import DenseNet

        super().__init__()
        self.features = DenseNet(growth_rate, block_config, num_init_features).features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, h, w) to vectors (n, dim)."""
        result: torch.Tensor = self.features(images).mean(dim=(2, 3))
        return result
