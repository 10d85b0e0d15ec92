"""Rows of every loader, made small, and their networks with random weights."""

from __future__ import annotations

from dataclasses import replace

import torch

from napari_lookalike.core.encoders import ENCODERS, EncoderSpec
from napari_lookalike.core.encoders.build import build_network

TILE = 32

TIMM = EncoderSpec(
    "small-timm",
    "Small timm",
    "timm",
    "Nobody/small-timm",
    "vit_tiny_patch16_224",
    {"num_classes": 0, "img_size": TILE, "depth": 2, "embed_dim": 24, "num_heads": 2},
    tile_px=TILE,
    pooling="cls+mean",
    dim=48,
)
_VISION = {
    "image_size": TILE,
    "patch_size": 16,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
VIT = replace(
    ENCODERS.get("phikon"),
    name="small-vit",
    arguments={**_VISION, "intermediate_size": 48},
    tile_px=TILE,
    dim=24,
)
DINO = replace(
    ENCODERS.get("midnight-12k"),
    name="small-dino",
    arguments={**_VISION, "mlp_ratio": 2, "use_swiglu_ffn": True},
    tile_px=TILE,
    dim=48,
)
REGISTERS = replace(
    ENCODERS.get("hibou-b"),
    name="small-registers",
    arguments={**_VISION, "mlp_ratio": 2, "use_swiglu_ffn": True, "num_register_tokens": 4},
    pooling="cls+mean",
    tile_px=TILE,
    dim=48,
)
CLIP = replace(
    ENCODERS.get("quiltnet-b-16"),
    name="small-clip",
    arguments={
        "image_size": TILE,
        "patch_size": 16,
        "width": 24,
        "layers": 2,
        "heads": 2,
        "mlp_ratio": 2.0,
        "output_dim": 12,
        "quick_gelu": False,
    },
    tile_px=TILE,
    dim=12,
)
CONCH = replace(
    ENCODERS.get("conch"),
    name="small-conch",
    arguments={
        "img_size": TILE,
        "patch_size": 16,
        "embed_dim": 24,
        "depth": 2,
        "num_heads": 2,
        "dim": 16,
        "pool_heads": 4,
    },
    tile_px=40,
    input_px=TILE,
    dim=16,
)
CONCH_V15 = replace(
    ENCODERS.get("conch-v1.5"),
    name="small-conch-v1.5",
    arguments={
        "grid_px": TILE,
        "patch_size": 16,
        "embed_dim": 24,
        "depth": 2,
        "num_heads": 2,
        "init_values": 1e-6,
        "dim": 16,
        "pool_heads": 4,
    },
    tile_px=80,
    input_px=64,
    dim=16,
)
SWIN = replace(
    ENCODERS.get("ctranspath"),
    name="small-swin",
    arguments={
        "img_size": 64,
        "embed_dim": 16,
        "depths": (2, 2),
        "num_heads": (2, 4),
        "window_size": 4,
    },
    tile_px=72,
    input_px=64,
    dim=32,
)
DENSE = replace(
    ENCODERS.get("kimianet"),
    name="small-dense",
    arguments={"growth_rate": 4, "block_config": (2, 2, 2, 2), "num_init_features": 8},
    tile_px=64,
    dim=16,
)
SMALL = (TIMM, VIT, DINO, REGISTERS, CLIP, CONCH, CONCH_V15, SWIN, DENSE)


def network_of(spec: EncoderSpec, seed: int = 0) -> torch.nn.Module:
    """Its network with weights that differ everywhere, so that no mix-up goes unseen."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(spec)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        for name, buffer in network.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
            elif name.endswith("running_mean"):
                buffer.normal_()
    return network.requires_grad_(False)
