"""The image towers of CLIP networks, built by open_clip; text towers are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch


def build(spec: EncoderSpec) -> torch.nn.Module:
    """The image tower of a row, with random weights: (n, 3, px, px) to (n, dim).

    Raises
    ------
    EncoderError
        If open_clip does not know the architecture or refuses the arguments.
    """
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import QuickGELU, VisionTransformer
    from torch import nn

    arguments: dict[str, Any] = dict(spec.arguments)
    try:
        if spec.architecture == "TimmModel":
            tower: torch.nn.Module = TimmModel(**arguments)
        elif spec.architecture == "VisionTransformer":
            quick = arguments.pop("quick_gelu")
            tower = VisionTransformer(act_layer=QuickGELU if quick else nn.GELU, **arguments)
        else:
            raise ValueError("not a tower that we know")
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"open_clip cannot build {spec.architecture!r} for {spec.title}: {error}",
            "Check the architecture's name and arguments.",
        ) from error
    return tower
