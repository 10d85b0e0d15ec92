"""Networks that timm builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch


def build(spec: EncoderSpec) -> torch.nn.Module:
    """The network of a row, with random weights.

    ``mlp_layer`` and ``act_layer`` in the row are names in ``timm.layers`` and ``torch.nn``.

    Raises
    ------
    EncoderError
        If timm does not know the architecture or refuses the arguments: correct the row.
    """
    import timm
    import torch

    arguments = dict(spec.arguments)
    if "mlp_layer" in arguments:
        arguments["mlp_layer"] = getattr(timm.layers, arguments["mlp_layer"])
    if "act_layer" in arguments:
        arguments["act_layer"] = getattr(torch.nn, arguments["act_layer"])
    try:
        network: torch.nn.Module = timm.create_model(
            spec.architecture, pretrained=False, **arguments
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise EncoderError(
            f"timm cannot build {spec.architecture!r} for {spec.title}: {error}",
            "Check the architecture's name and arguments.",
        ) from error
    return network


def any_timm_spec(architecture: str) -> EncoderSpec:
    """A row for any architecture of timm, with timm's own normalisation, size and pooling.

    Raises
    ------
    EncoderError
        If timm does not know the name.
    """
    import timm
    import torch

    probe = EncoderSpec(
        name=f"timm:{architecture}",
        title=architecture,
        loader="timm",
        architecture=architecture,
        arguments={"num_classes": 0},
        pooling="none",
        licence="that of the weight file",
        note="Any network of timm with weights of your own.",
    )
    with torch.device("meta"):
        network = build(probe).eval()
    config: Mapping[str, Any] = timm.data.resolve_model_data_config(network)
    size = int(config["input_size"][-1])
    with torch.inference_mode():
        features = network(torch.empty(1, 3, size, size, device="meta"))
    return replace(
        probe,
        tile_px=size,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        dim=int(features.shape[-1]),
    )
