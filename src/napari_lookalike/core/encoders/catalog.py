"""The catalogue: one row per encoder. A new timm encoder is a new row here, and nothing else.

Architectures, normalisation and pooling are those of the published model cards, written
out in full, so that a model is built without the network. ``mlp_layer`` and ``act_layer``
are names in ``timm.layers`` and ``torch.nn``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.weights import why_not
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.registry import Registry

DEFAULT_ENCODER = "histology-descriptor"

ENCODERS: Registry[EncoderSpec] = Registry("encoder", EncoderError)

_HALF = (0.5, 0.5, 0.5)
_BIOPTIMUS_MEAN, _BIOPTIMUS_STD = (0.707223, 0.578729, 0.703617), (0.211883, 0.230117, 0.177517)
_LUNIT_MEAN = (0.70322989, 0.53606487, 0.66096631)
_LUNIT_STD = (0.21716536, 0.26081574, 0.20723464)
_SWIGLU = {"mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}
_NC_ND = "CC-BY-NC-ND-4.0"
_MAHMOOD = (
    "Non-commercial. Its terms count models trained on its features as derivatives: a head "
    "trained on them inherits the licence."
)
_KAIKO = "Kaiko non-commercial licence"
_LUNIT = "Lunit non-commercial licence"


def _add(spec: EncoderSpec) -> None:
    ENCODERS.register(spec.name, spec, lambda: why_not(spec))


def _timm(
    name: str, title: str, hub_id: str, architecture: str, arguments: Mapping[str, Any], **rest: Any
) -> None:
    complete = {"img_size": 224, "num_classes": 0, **arguments}
    _add(EncoderSpec(name, title, "timm", hub_id, architecture, complete, **rest))


_add(
    EncoderSpec(
        name=DEFAULT_ENCODER,
        title="Histology descriptor",
        loader="builtin",
        tile_px=224,
        mpp=0.5,
        pooling="none",
        dim=586,
        licence="BSD-3-Clause",
        note=(
            "Ships with the plugin and needs no download. Fine within one laboratory; weak "
            "across sites and stains. Across sites, a foundation model is recommended."
        ),
        verified=True,
    )
)
_timm(
    "uni",
    "UNI",
    "MahmoodLab/UNI",
    "vit_large_patch16_224",
    {"init_values": 1e-5, "dynamic_img_size": True},
    dim=1024,
    licence=_NC_ND,
    gated=True,
    derived_heads=True,
    note=_MAHMOOD,
)
_timm(
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
    dim=1536,
    licence=_NC_ND,
    gated=True,
    derived_heads=True,
    note=f"The usual choice for brain tumours; needs a GPU. {_MAHMOOD}",
)
_VIRCHOW = {"init_values": 1e-5, "mlp_ratio": 5.3375, "global_pool": "", **_SWIGLU}
_timm(
    "virchow",
    "Virchow",
    "paige-ai/Virchow",
    "vit_huge_patch14_224",
    _VIRCHOW,
    pooling="cls+mean",
    dim=2560,
    licence="Apache-2.0 with additional terms",
    gated=True,
)
_timm(
    "virchow2",
    "Virchow2",
    "paige-ai/Virchow2",
    "vit_huge_patch14_224",
    {**_VIRCHOW, "reg_tokens": 4, "dynamic_img_size": True},
    pooling="cls+mean",
    dim=2560,
    licence=_NC_ND,
    gated=True,
    note="Most robust across sites in PathoROB (index .861). Non-commercial.",
)
_OPTIMUS = {"init_values": 1e-5, "dynamic_img_size": False, "global_pool": "token"}
for _number, _licence, _gated in ((0, "Apache-2.0", True), (1, _NC_ND, True)):
    _timm(
        f"h-optimus-{_number}",
        f"H-optimus-{_number}",
        f"bioptimus/H-optimus-{_number}",
        "vit_giant_patch14_reg4_dinov2",
        _OPTIMUS,
        mean=_BIOPTIMUS_MEAN,
        std=_BIOPTIMUS_STD,
        dim=1536,
        licence=_licence,
        gated=_gated,
        note="1.1 billion parameters: needs a GPU.",
    )
_timm(
    "h0-mini",
    "H0-mini",
    "bioptimus/H0-mini",
    "vit_base_patch14_reg4_dinov2",
    {"init_values": 1e-5, "mlp_ratio": 5.33334, "global_pool": "", **_SWIGLU},
    mean=_BIOPTIMUS_MEAN,
    std=_BIOPTIMUS_STD,
    pooling="cls+mean",
    dim=1536,
    licence=_NC_ND,
    gated=True,
    note="Distilled from H-optimus-0; small, and robust across sites in PathoROB (.815).",
)
_timm(
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
    dim=1536,
    licence="Apache-2.0; the model card forbids deployed use",
    gated=True,
    note="The tile encoder. 1.1 billion parameters: needs a GPU.",
)
for _size, _patch, _dim in (
    ("small", 8, 384),
    ("small", 16, 384),
    ("base", 8, 768),
    ("base", 16, 768),
):
    _timm(
        f"kaiko-{_size[0]}{_patch}",
        f"Kaiko ViT-{_size[0].upper()}/{_patch}",
        f"1aurent/vit_{_size}_patch{_patch}_224.kaiko_ai_towards_large_pathology_fms",
        f"vit_{_size}_patch{_patch}_224",
        {"dynamic_img_size": True},
        mean=_HALF,
        std=_HALF,
        dim=_dim,
        licence=_KAIKO,
    )
_timm(
    "kaiko-l14",
    "Kaiko ViT-L/14",
    "1aurent/vit_large_patch14_reg4_224.kaiko_ai_towards_large_pathology_fms",
    "vit_large_patch14_reg4_dinov2",
    {"init_values": 1e-5, "dynamic_img_size": True},
    mean=_HALF,
    std=_HALF,
    dim=1024,
    licence=_KAIKO,
)
for _patch in (8, 16):
    _timm(
        f"lunit-s{_patch}",
        f"Lunit ViT-S/{_patch}",
        f"1aurent/vit_small_patch{_patch}_224.lunit_dino",
        f"vit_small_patch{_patch}_224",
        {"dynamic_img_size": True},
        mean=_LUNIT_MEAN,
        std=_LUNIT_STD,
        dim=384,
        licence=_LUNIT,
    )
_timm(
    "mstar",
    "mSTAR",
    "Wangyh/mSTAR",
    "vit_large_patch16_224",
    {"init_values": 1e-5, "dynamic_img_size": True},
    dim=1024,
    licence=_NC_ND,
    gated=True,
)
