"""Rows that timm builds. ``mlp_layer`` and ``act_layer`` are names in timm.layers and torch.nn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.rows.terms import (
    APACHE,
    HALF,
    KAIKO,
    LUNIT,
    MAHMOOD,
    NC_ND,
    NEEDS_GPU,
)

_BIOPTIMUS: dict[str, Any] = {
    "mean": (0.707223, 0.578729, 0.703617),
    "std": (0.211883, 0.230117, 0.177517),
}
_LUNIT: dict[str, Any] = {
    "mean": (0.70322989, 0.53606487, 0.66096631),
    "std": (0.21716536, 0.26081574, 0.20723464),
}
_SWIGLU = {"mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}
_VIRCHOW = {"init_values": 1e-5, "mlp_ratio": 5.3375, "global_pool": "", **_SWIGLU}
_OPTIMUS = {"init_values": 1e-5, "dynamic_img_size": False, "global_pool": "token"}
# The authors cut 256 px at 20x and show the network 224 of them, after a resize.
_CUT_256: dict[str, Any] = {"tile_px": 256, "input_px": 224}


def _row(
    name: str, title: str, hub_id: str, architecture: str, arguments: Mapping[str, Any], **rest: Any
) -> EncoderSpec:
    complete = {"img_size": 224, "num_classes": 0, **arguments}
    rest = {"parameters_from": "computed", **rest}
    return EncoderSpec(name, title, "timm", hub_id, architecture, complete, **rest)


def _kaiko(size: str, patch: int, dim: int, parameters: float) -> EncoderSpec:
    return _row(
        f"kaiko-{size[0]}{patch}",
        f"Kaiko ViT-{size[0].upper()}/{patch}",
        f"1aurent/vit_{size}_patch{patch}_224.kaiko_ai_towards_large_pathology_fms",
        f"vit_{size}_patch{patch}_224",
        {"dynamic_img_size": True},
        mean=HALF,
        std=HALF,
        dim=dim,
        parameters=parameters,
        licence=KAIKO,
    )


def _lunit(patch: int, parameters: float) -> EncoderSpec:
    return _row(
        f"lunit-s{patch}",
        f"Lunit ViT-S/{patch}",
        f"1aurent/vit_small_patch{patch}_224.lunit_dino",
        f"vit_small_patch{patch}_224",
        {"dynamic_img_size": True},
        **_LUNIT,
        dim=384,
        parameters=parameters,
        licence=LUNIT,
        note="Trained at 20x and 40x.",
    )


def _optimus(number: int, licence: str) -> EncoderSpec:
    return _row(
        f"h-optimus-{number}",
        f"H-optimus-{number}",
        f"bioptimus/H-optimus-{number}",
        "vit_giant_patch14_reg4_dinov2",
        _OPTIMUS,
        **_BIOPTIMUS,
        dim=1536,
        parameters=1134.8,
        licence=licence,
        gated=True,
        note=NEEDS_GPU,
    )


TIMM_ROWS: tuple[EncoderSpec, ...] = (
    _row(
        "uni",
        "UNI",
        "MahmoodLab/UNI",
        "vit_large_patch16_224",
        {"init_values": 1e-5, "dynamic_img_size": True},
        **_CUT_256,
        dim=1024,
        parameters=303.4,
        parameters_from="reference",
        licence=NC_ND,
        gated=True,
        derived_heads=True,
        note=MAHMOOD,
    ),
    _row(
        "uni2-h",
        "UNI2-h",
        "MahmoodLab/UNI2-h",
        "vit_giant_patch14_224",
        {
            "patch_size": 14,
            "depth": 24,
            "num_heads": 24,
            "init_values": 1e-5,
            "embed_dim": 1536,
            "mlp_ratio": 2.66667 * 2,
            "no_embed_class": True,
            "reg_tokens": 8,
            "dynamic_img_size": True,
            **_SWIGLU,
        },
        **_CUT_256,
        dim=1536,
        parameters=681.4,
        parameters_from="reference",
        licence=NC_ND,
        gated=True,
        derived_heads=True,
        note=f"The usual choice for brain tumours; needs a GPU. {MAHMOOD}",
    ),
    _row(
        "virchow",
        "Virchow",
        "paige-ai/Virchow",
        "vit_huge_patch14_224",
        _VIRCHOW,
        interpolation="bicubic",
        pooling="cls+mean",
        dim=2560,
        parameters=631.2,
        licence="Apache-2.0 with additional terms",
        gated=True,
    ),
    _row(
        "virchow2",
        "Virchow2",
        "paige-ai/Virchow2",
        "vit_huge_patch14_224",
        {**_VIRCHOW, "reg_tokens": 4, "dynamic_img_size": True},
        interpolation="bicubic",
        pooling="cls+mean",
        dim=2560,
        parameters=631.2,
        parameters_from="reference",
        licence=NC_ND,
        gated=True,
        note="Most robust across sites in PathoROB (index .861). Non-commercial.",
    ),
    _optimus(0, APACHE),
    _optimus(1, NC_ND),
    _row(
        "h0-mini",
        "H0-mini",
        "bioptimus/H0-mini",
        "vit_base_patch14_reg4_dinov2",
        {"init_values": 1e-5, "mlp_ratio": 5.33334, "global_pool": "", **_SWIGLU},
        **_BIOPTIMUS,
        pooling="cls+mean",
        dim=1536,
        parameters=85.7,
        licence=NC_ND,
        gated=True,
        note="Distilled from H-optimus-0; small, and robust across sites in PathoROB (.815).",
        doubt="Its model card leaves the width of its layers to the hub's configuration.",
    ),
    _row(
        "gigapath",
        "Prov-GigaPath",
        "prov-gigapath/prov-gigapath",
        "vit_giant_patch14_dinov2",
        {
            "patch_size": 16,
            "depth": 40,
            "num_heads": 24,
            "init_values": 1e-5,
            "embed_dim": 1536,
            "mlp_ratio": 5.33334,
        },
        files=("pytorch_model.bin", "model.safetensors"),
        tile_px=256,
        resize_px=256,
        input_px=224,
        interpolation="bicubic",
        dim=1536,
        parameters=1135.0,
        licence="Apache-2.0; the model card forbids deployed use",
        gated=True,
        note=f"The tile encoder. {NEEDS_GPU}",
    ),
    _kaiko("small", 8, 384, 21.7),
    _kaiko("small", 16, 384, 21.7),
    _kaiko("base", 8, 768, 85.8),
    _kaiko("base", 16, 768, 85.8),
    _row(
        "kaiko-l14",
        "Kaiko ViT-L/14",
        "1aurent/vit_large_patch14_reg4_224.kaiko_ai_towards_large_pathology_fms",
        "vit_large_patch14_reg4_dinov2",
        {"init_values": 1e-5, "dynamic_img_size": True},
        mean=HALF,
        std=HALF,
        dim=1024,
        parameters=303.2,
        licence=KAIKO,
    ),
    _lunit(8, 21.7),
    _lunit(16, 21.7),
    _row(
        "mstar",
        "mSTAR",
        "Wangyh/mSTAR",
        "vit_large_patch16_224",
        {"init_values": 1e-5, "dynamic_img_size": True},
        files=("mSTAR.pth", "model.safetensors", "pytorch_model.bin"),
        dim=1024,
        parameters=303.4,
        licence=NC_ND,
        gated=True,
        doubt=(
            "Its README normalises with ImageNet's numbers, its configuration with 0.5; this "
            "row follows the README."
        ),
    ),
)
