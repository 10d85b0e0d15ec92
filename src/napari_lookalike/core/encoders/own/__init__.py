"""Networks that no library builds: small modules that put library parts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

ARCHITECTURES = ("conch", "conch_v1_5", "ctranspath", "densenet121_features", "gated_pooling")


def build(spec: EncoderSpec) -> torch.nn.Module:
    """The network of a row, with random weights: (n, 3, px, px) to (n, dim).

    Raises
    ------
    EncoderError
        If there is none of that name, or it refuses the arguments: correct the row.
    """
    try:
        if spec.architecture in ("conch", "conch_v1_5"):
            from napari_lookalike.core.encoders.own.conch import Conch, ConchV15

            kind = Conch if spec.architecture == "conch" else ConchV15
            return kind(**spec.arguments)
        if spec.architecture == "ctranspath":
            from napari_lookalike.core.encoders.own.ctranspath import ctranspath

            return ctranspath(**spec.arguments)
        if spec.architecture == "densenet121_features":
            from napari_lookalike.core.encoders.own.densenet import DenseNetFeatures

            return DenseNetFeatures(**spec.arguments)
        if spec.architecture == "gated_pooling":
            from napari_lookalike.core.encoders.own.pooling import GatedPooling

            return GatedPooling(**spec.arguments)
    except TypeError as error:
        raise EncoderError(
            f"{spec.architecture!r} refuses the arguments of {spec.title}: {error}",
            "Check the arguments.",
        ) from error
    raise EncoderError(
        f"There is no network called {spec.architecture!r}, which {spec.title} asks for.",
        f"Known: {', '.join(ARCHITECTURES)}.",
    )
