"""What the shipped encoder is measured beside: a floor, a random and a trained network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles

INSECTS_FILE = "mobilenetv2_100.inat_insect_quant.timm_fp16_nohead.pth"
MOBILENET_FILE = "mobilenetv2_100.tf2_ptq_in1k.timm_fp16.pth"
# This network was trained in TensorFlow: its padding, and pixels from -1 to 1.
MOBILENET = EncoderSpec(
    name="mobilenetv2-imagenet",
    title="ImageNet MobileNetV2",
    loader="timm",
    architecture="mobilenetv2_100",
    arguments={"num_classes": 0, "pad_type": "same"},
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    pooling="none",
    dim=1280,
    licence="Apache-2.0",
)
INSECTS = replace(MOBILENET, name="mobilenetv2-inaturalist", title="iNaturalist MobileNetV2")
_RESNET = EncoderSpec(
    name="resnet18-random",
    title="random-weight ResNet-18",
    loader="timm",
    architecture="resnet18",
    arguments={"num_classes": 0},
    pooling="none",
    dim=512,
)


class MeanColour(Encoder):
    """The floor: mean R, G and B of a tile, 0 to 1."""

    def __init__(self) -> None:
        self.spec = EncoderSpec("mean-colour", "mean colour", "builtin", pooling="none", dim=3)
        self.identity = "mean-colour-v1"

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to mean colours; see `Encoder.encode`."""
        check_tiles(tiles, self.spec)
        mean: NDArray[np.float32] = tiles.mean(axis=(1, 2), dtype=np.float32) / np.float32(255)
        return mean


def random_resnet(seed: int = 0) -> Encoder:
    """A ResNet-18 with random weights: what the architecture alone is worth."""
    import torch

    from napari_lookalike.core.encoders.build import build_network
    from napari_lookalike.core.encoders.network import NetworkEncoder

    # Seeded without touching the caller's random state.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Any = build_network(_RESNET)
    return NetworkEncoder(_RESNET, network, f"random{seed}", "cpu")


def mobilenet(folder: Path | None, spec: EncoderSpec = MOBILENET) -> Encoder | None:
    """A trained MobileNetV2, or ``None`` if its weights are not in the folder.

    Parameters
    ----------
    folder
        From `find_weights_folder`.
    spec
        `MOBILENET` (ImageNet) or `INSECTS` (iNaturalist).
    """
    from napari_lookalike.core.encoders import load_encoder

    name = MOBILENET_FILE if spec is MOBILENET else INSECTS_FILE
    path = folder / name if folder is not None else None
    if path is None or not path.is_file():
        return None
    return load_encoder(spec, weights=path, device="cpu")
