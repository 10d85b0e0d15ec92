"""The small network: its input, its architecture, its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "regnetx_002"
STAGES = (2, 3, 4)
"""Stages (index in timm's ``features_only``) whose mean responses are the features: fine
texture is told best by the middle ones, arrangement by the last."""

_FOLD = 2
_FLOOR = 0.05
_CEILING = 8.0


def build_network() -> Any:
    """The network with random weights: a timm RegNet that takes `network_input`."""
    import timm

    return timm.create_model(
        ARCHITECTURE,
        pretrained=False,
        features_only=True,
        out_indices=STAGES,
        in_chans=3 * _FOLD * _FOLD,
    )


def ready(state: dict[str, Any]) -> Any:
    """The network with its weights, each normalisation folded into the convolution before it."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    network = build_network()
    network.load_state_dict(state)
    network = network.eval().requires_grad_(False)
    for module in list(network.modules()):
        norm = getattr(module, "bn", None)
        if isinstance(norm, torch.nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, norm)
            module.bn = norm.act
    return network.to(memory_format=torch.channels_last)


def network_input(rgb: Tensor) -> Tensor:
    """Pixels to what the network sees.

    The optical density of each colour is divided by its own root mean square in the tile: what
    the stain's strength, the lamp and (to a large part) its hue are is gone, and what is
    left is where the stain lies. Then 2 x 2 pixels become channels, so that no detail is lost
    at a quarter of the cost.

    Parameters
    ----------
    rgb
        float32 (n, 3, h, w), 0 to 255.

    Returns
    -------
    Tensor
        float32 (n, 12, h / 2, w / 2), channels last.
    """
    import torch

    density = torch.log((rgb + 1.0) / 256.0).neg_()
    level = density.square().mean(dim=(2, 3), keepdim=True).sqrt_() + _FLOOR
    relative = (density / level).clamp_(max=_CEILING)
    folded = torch.nn.functional.pixel_unshuffle(relative, _FOLD)
    return folded.contiguous(memory_format=torch.channels_last)


def pooled(network: Any, folded: Tensor) -> Tensor:
    """Mean responses of `STAGES`, float32 (n, NETWORK_DIM)."""
    import torch

    return torch.cat([stage.mean(dim=(2, 3)) for stage in network(folded)], dim=1).float()
