"""Rows that transformers or open_clip build, small modules of our own, and imports."""

from __future__ import annotations

from typing import Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.rows.terms import (
    APACHE,
    CLIP_MEAN,
    CLIP_STD,
    HALF,
    MAHMOOD,
    NC_ND,
    NEEDS_GPU,
    OWKIN,
)

_HIBOU: dict[str, Any] = {"mean": (0.7068, 0.5755, 0.722), "std": (0.195, 0.2316, 0.1816)}
CLIP: dict[str, Any] = {
    "mean": CLIP_MEAN,
    "std": CLIP_STD,
    "interpolation": "bicubic",
    "pooling": "none",
    "parameters_from": "computed",
    # The text tower, under the names that open_clip's two kinds of model give it.
    "leave_out": (
        "transformer.",
        "text.",
        "token_embedding.",
        "positional_embedding",
        "text_projection",
        "ln_final.",
        "attn_mask",
        "logit_scale",
        "logit_bias",
    ),
}
_DINO = {"qkv_bias": True, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}
_QUILT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_GELU_DOUBT = (
    "Whether it uses the quick GELU is read from open_clip_config.json beside the weights; "
    "without that file the plain GELU is taken."
)


def _vit(width: int, layers: int, heads: int, patch: int, dim: int) -> dict[str, Any]:
    """Arguments of open_clip's image tower."""
    return {
        "image_size": 224,
        "patch_size": patch,
        "width": width,
        "layers": layers,
        "heads": heads,
        "mlp_ratio": 4.0,
        "output_dim": dim,
        "quick_gelu": False,
    }


def _vision(width: int, layers: int, heads: int, patch: int, **rest: Any) -> dict[str, Any]:
    """Arguments of a configuration of transformers."""
    size = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {"image_size": 224, "patch_size": patch, **size, **_DINO, **rest}


def _hibou(letter: str, width: int, layers: int, heads: int, parameters: float) -> EncoderSpec:
    swiglu = {"mlp_ratio": 4, "use_swiglu_ffn": True, "num_register_tokens": 4}
    return EncoderSpec(
        f"hibou-{letter.lower()}",
        f"Hibou-{letter}",
        "transformers",
        f"histai/hibou-{'b' if letter == 'B' else letter}",
        "dinov2_with_registers",
        _vision(width, layers, heads, 14, **swiglu),
        **_HIBOU,
        interpolation="bicubic",
        dim=width,
        parameters=parameters,
        parameters_from="computed",
        licence=APACHE,
        gated=True,
        leave_out=("pooler.",),
        doubt=(
            "The hub's own class for it is code that we do not run; its description (DINOv2 "
            "with four registers and SwiGLU) is built with transformers' class instead, and no "
            "published file was at hand to compare the names with."
        ),
    )


def _patho_clip(letter: str, arguments: dict[str, Any], parameters: float) -> EncoderSpec:
    return EncoderSpec(
        f"patho-clip-{letter.lower()}",
        f"Patho-CLIP-{letter}",
        "open_clip",
        f"WenchuanZhang/Patho-CLIP-{letter}",
        "VisionTransformer",
        arguments,
        **CLIP,
        files=(f"Patho-CLIP-{letter}.pt",),
        dim=int(arguments["output_dim"]),
        parameters=parameters,
        licence="not known to us: it stands on the hub's page, where access is asked for",
        gated=True,
        note="An image-text model; its image side is used.",
        doubt="No published scale; 0.5 µm per pixel is our choice.",
    )


def _quilt(letters: str, architecture: str, arguments: dict[str, Any], **rest: Any) -> EncoderSpec:
    return EncoderSpec(
        f"quiltnet-{letters.lower()}",
        f"QuiltNet-{letters}",
        "open_clip",
        f"wisdomik/QuiltNet-{letters}",
        architecture,
        arguments,
        **CLIP,
        files=_QUILT_FILES,
        dim=512,
        licence="MIT",
        note="An image-text model; its image side is used. 20x is a convention.",
        **rest,
    )


OTHER_ROWS: tuple[EncoderSpec, ...] = (
    EncoderSpec(
        "conch",
        "CONCH",
        "own",
        "MahmoodLab/CONCH",
        "conch",
        {
            "img_size": 448,
            "patch_size": 16,
            "embed_dim": 768,
            "depth": 12,
            "num_heads": 12,
            "dim": 512,
            "pool_heads": 8,
        },
        tile_px=512,
        input_px=448,
        interpolation="bicubic",
        mean=CLIP_MEAN,
        std=CLIP_STD,
        pooling="none",
        dim=512,
        files=("pytorch_model.bin",),
        leave_out=(
            "text.",
            "text_decoder.",
            "logit_scale",
            "visual.proj_contrast",
            "visual.attn_pool_caption.",
            "visual.ln_caption.",
        ),
        parameters=87.6,
        parameters_from="computed",
        licence=NC_ND,
        gated=True,
        derived_heads=True,
        note=f"An image-text model; its image side, before the projection. {MAHMOOD}",
    ),
    EncoderSpec(
        "conch-v1.5",
        "CONCH v1.5",
        "own",
        "MahmoodLab/conchv1_5",
        "conch_v1_5",
        {
            "grid_px": 224,
            "patch_size": 16,
            "embed_dim": 1024,
            "depth": 24,
            "num_heads": 16,
            "init_values": 1e-6,
            "dim": 768,
            "pool_heads": 8,
        },
        tile_px=512,
        input_px=448,
        pooling="none",
        dim=768,
        files=("pytorch_model_vision.bin",),
        parameters=306.1,
        parameters_from="computed",
        licence=NC_ND,
        gated=True,
        derived_heads=True,
        note=f"What TITAN takes. {MAHMOOD}",
    ),
    EncoderSpec(
        "phikon",
        "Phikon",
        "transformers",
        "owkin/phikon",
        "vit",
        _vision(768, 12, 12, 16, intermediate_size=3072, layer_norm_eps=1e-12),
        dim=768,
        parameters=85.8,
        parameters_from="computed",
        leave_out=("pooler.",),
        licence=OWKIN,
        doubt="The epsilon of its norms is that of transformers' default for this class.",
    ),
    EncoderSpec(
        "phikon-v2",
        "Phikon-v2",
        "transformers",
        "owkin/phikon-v2",
        "dinov2",
        _vision(1024, 24, 16, 16, mlp_ratio=4, use_swiglu_ffn=False),
        dim=1024,
        parameters=303.4,
        parameters_from="computed",
        leave_out=("pooler.",),
        licence=OWKIN,
        note="Among the least robust across sites in PathoROB (index .469).",
    ),
    EncoderSpec(
        "midnight-12k",
        "Midnight-12k",
        "transformers",
        "kaiko-ai/midnight",
        "dinov2",
        _vision(1536, 40, 24, 14, mlp_ratio=4, use_swiglu_ffn=True),
        mean=HALF,
        std=HALF,
        pooling="cls+mean",
        dim=3072,
        parameters=1134.8,
        parameters_from="computed",
        leave_out=("pooler.",),
        licence="MIT",
        note=f"No gate and a free licence. {NEEDS_GPU}",
    ),
    _hibou("B", 768, 12, 12, 85.7),
    _hibou("L", 1024, 24, 16, 303.6),
    _quilt(
        "B-32",
        "VisionTransformer",
        _vit(768, 12, 12, 32, 512),
        parameters=87.8,
        doubt=_GELU_DOUBT,
    ),
    _quilt(
        "B-16",
        "VisionTransformer",
        _vit(768, 12, 12, 16, 512),
        parameters=86.2,
        doubt=_GELU_DOUBT,
    ),
    _quilt(
        "B-16-PMB",
        "TimmModel",
        {
            "model_name": "vit_base_patch16_224",
            "embed_dim": 512,
            "image_size": 224,
            "pool": "",
            "proj": "linear",
        },
        parameters=86.2,
        doubt="Built like BiomedCLIP, from which its text side is known; no file was at hand.",
    ),
    _patho_clip("B", _vit(768, 12, 12, 16, 512), 86.2),
    _patho_clip("L", _vit(1024, 24, 16, 14, 768), 304.0),
    EncoderSpec(
        "kimianet",
        "KimiaNet",
        "own",
        "",
        "densenet121_features",
        {"growth_rate": 32, "block_config": (6, 12, 24, 16), "num_init_features": 64},
        tile_px=1000,
        pooling="none",
        dim=1024,
        files=("KimiaNetPyTorchWeights.pth",),
        renames={"0.": "features."},
        leave_out=("module.fc_4.", "fc_4."),
        parameters=7.0,
        parameters_from="computed",
        licence="End User Agreement of Kimia Lab; research only",
        note=(
            "The file KimiaNetPyTorchWeights.pth is in the repository KimiaLabMayo/KimiaNet. "
            "Small enough for a CPU, but its tiles are twenty times as large as others'."
        ),
    ),
    EncoderSpec(
        "ctranspath",
        "CTransPath",
        "own",
        "",
        "ctranspath",
        {
            "img_size": 224,
            "embed_dim": 96,
            "depths": (2, 2, 6, 2),
            "num_heads": (3, 6, 12, 24),
            "window_size": 7,
        },
        tile_px=256,
        input_px=224,
        mpp=1.0,
        pooling="none",
        dim=768,
        files=("CHIEF_CTransPath.pth", "ctranspath.pth"),
        parameters=27.5,
        parameters_from="computed",
        licence="GPL-3.0",
        note=(
            "What CHIEF takes, at 10x. The file CHIEF_CTransPath.pth comes with CHIEF's weights "
            "(repository hms-dbmi/CHIEF)."
        ),
        doubt="Scale and size of the tiles are those of CHIEF's users, not of its paper.",
    ),
    EncoderSpec(
        "path-foundation",
        "Path Foundation",
        "import",
        "google/path-foundation",
        pooling="none",
        dim=384,
        licence="Health AI Developer Foundations terms of use",
        gated=True,
        note=(
            "It is a TensorFlow model, and TensorFlow is not among our libraries. Compute its "
            "384 numbers per tile where it runs, and import them: napari-lookalike import."
        ),
        doubt="Its own normalisation is inside the model.",
    ),
)
