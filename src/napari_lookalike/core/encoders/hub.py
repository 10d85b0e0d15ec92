"""``hf-hub:<repository>``: any model whose configuration lies in a folder of this machine.

The folder is one of the user's weights folder, of the Hugging Face cache, or one that the
name itself is the path of. Configurations are read as data; code beside them is never run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.encoders import weights as places
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.beside import OPEN_CLIP_FILE, read_config, three
from napari_lookalike.core.encoders.weights import (
    HUB,
    file_stem,
    hub_cache,
    hub_folders,
    is_folder_name,
    tilde,
)
from napari_lookalike.core.errors import EncoderError

_NO_ARGUMENTS = {
    "architectures",
    "auto_map",
    "dtype",
    "model_type",
    "torch_dtype",
    "transformers_version",
    "_name_or_path",
}
_VISION = {"image_size", "patch_size", "width", "layers", "mlp_ratio", "head_width"}
_TIMM_VISION = {
    "image_size",
    "timm_model_name",
    "timm_model_pretrained",
    "timm_pool",
    "timm_proj",
    "timm_proj_bias",
}


def hub_spec(name: str) -> EncoderSpec:
    """A row for a model of the hub, from its configuration on this machine.

    Parameters
    ----------
    name
        ``hf-hub:<owner>/<name>``, or ``hf-hub:`` and the path of a folder.

    Raises
    ------
    EncoderError
        If there is no configuration here (says where it would be looked for), it is of a
        kind that no library of ours builds, or it needs code of its own.
    """
    repository = name.removeprefix(HUB)
    folder = _folder(name, repository)
    shown = Path(repository).name if is_folder_name(repository) else repository
    base = EncoderSpec(
        name=name,
        title=shown,
        loader="timm",
        hub_id=repository,
        licence="that of its page on the hub",
        note="A model of the hub that you named.",
        doubt="No scale is stated; tiles of 0.5 µm per pixel are assumed.",
    )
    clip = read_config(folder / OPEN_CLIP_FILE)
    if clip is not None:
        return _with_dim(_open_clip(base, clip))
    config = read_config(folder / "config.json") or {}
    if "architecture" in config:
        return _with_dim(_timm(base, config))
    return _with_dim(_transformers(base, config, read_config(folder / "preprocessor_config.json")))


def _folder(name: str, repository: str) -> Path:
    folders = list(hub_folders(repository))
    if not is_folder_name(repository):
        folders.insert(0, places.weights_folder() / file_stem(name))
    for folder in folders:
        if (folder / "config.json").is_file() or (folder / OPEN_CLIP_FILE).is_file():
            return folder
    if is_folder_name(repository):
        raise EncoderError(
            "The folder after hf-hub: holds no config.json and no open_clip_config.json.",
            "Name the folder of the model, with its configuration and its weight file.",
        )
    raise EncoderError(
        f"The configuration of {repository} is not on this machine, and nothing is downloaded.",
        f"On a machine with internet: hf download {repository}. Then bring its "
        f"folder (config.json and the weight file) to "
        f"{tilde(places.weights_folder())}/{file_stem(name)}, "
        f"or the cache folder models--{repository.replace('/', '--')} to {tilde(hub_cache())}.",
    )


def _timm(base: EncoderSpec, config: Mapping[str, Any]) -> EncoderSpec:
    fed = config.get("pretrained_cfg")
    fed = fed if isinstance(fed, dict) else {}
    arguments = config.get("model_args")
    arguments = dict(arguments) if isinstance(arguments, dict) else {}
    size = fed.get("input_size")
    px = size[-1] if isinstance(size, list) and size else 224
    return replace(
        base,
        loader="timm",
        architecture=str(config["architecture"]),
        arguments={**arguments, "num_classes": 0},
        tile_px=_pixels(px),
        mean=three(fed.get("mean")) or base.mean,
        std=three(fed.get("std")) or base.std,
        pooling="none",
    )


def _open_clip(base: EncoderSpec, config: Mapping[str, Any]) -> EncoderSpec:
    from napari_lookalike.core.encoders.rows.others import CLIP

    model = config.get("model_cfg")
    vision = model.get("vision_cfg") if isinstance(model, dict) else None
    if not isinstance(model, dict) or not isinstance(vision, dict):
        raise EncoderError(
            f"{OPEN_CLIP_FILE} of {base.title} describes no image tower.", "Copy it again."
        )
    by_timm = "timm_model_name" in vision
    strange = sorted(set(vision) - (_TIMM_VISION if by_timm else _VISION))
    if strange or not (by_timm or isinstance(vision.get("layers"), int)):
        raise EncoderError(
            f"The image tower of {base.title} has parts that we do not build: "
            f"{', '.join(strange) or 'convolutions'}.",
            "Compute its features elsewhere, and import them.",
        )
    px, dim = _pixels(vision.get("image_size", 224)), int(model.get("embed_dim", 512))
    if by_timm:
        architecture = "TimmModel"
        arguments: dict[str, Any] = {
            "model_name": str(vision["timm_model_name"]),
            "embed_dim": dim,
            "image_size": px,
            "pool": str(vision.get("timm_pool", "avg")),
            "proj": str(vision.get("timm_proj", "linear")),
            "proj_bias": bool(vision.get("timm_proj_bias", False)),
        }
    else:
        architecture, width = "VisionTransformer", int(vision.get("width", 768))
        arguments = {
            "image_size": px,
            "patch_size": int(vision.get("patch_size", 16)),
            "width": width,
            "layers": int(vision["layers"]),
            "heads": width // int(vision.get("head_width", 64)),
            "mlp_ratio": float(vision.get("mlp_ratio", 4.0)),
            "output_dim": dim,
            "quick_gelu": bool(model.get("quick_gelu", False)),
        }
    return replace(
        base,
        loader="open_clip",
        architecture=architecture,
        arguments=arguments,
        tile_px=px,
        mean=CLIP["mean"],
        std=CLIP["std"],
        pooling="none",
        leave_out=CLIP["leave_out"],
        files=("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    )


def _transformers(
    base: EncoderSpec, config: Mapping[str, Any], fed: Mapping[str, Any] | None
) -> EncoderSpec:
    from napari_lookalike.core.encoders.transformers import KINDS

    kind, fed = str(config.get("model_type", "")), fed or {}
    if kind not in KINDS:
        code = " It comes with code of its own, which is never run." if "auto_map" in config else ""
        raise EncoderError(
            f"{base.title} is of a kind that we do not build ({kind or 'not stated'}).{code}",
            "Compute its features elsewhere, and import them.",
        )
    size = fed.get("crop_size") or fed.get("size") or config.get("image_size", 224)
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or 224
    return replace(
        base,
        loader="transformers",
        architecture=kind,
        arguments={k: v for k, v in config.items() if k not in _NO_ARGUMENTS},
        tile_px=_pixels(size),
        mean=three(fed.get("image_mean")) or base.mean,
        std=three(fed.get("image_std")) or base.std,
        pooling="cls",
        leave_out=("pooler.", "classifier."),
    )


def _pixels(value: Any) -> int:
    """An edge in pixels, of sane size.

    Raises
    ------
    EncoderError
        If it is no whole number from 16 to 4096.
    """
    if isinstance(value, int) and 16 <= value <= 4096:
        return value
    raise EncoderError(f"The configuration states no size of tiles ({value!r}).", "Correct it.")


def _with_dim(spec: EncoderSpec) -> EncoderSpec:
    """The row with the length of its vectors, from a run without numbers."""
    import torch

    from napari_lookalike.core.encoders.build import build_network, forward

    with torch.device("meta"):
        network = build_network(spec)
        images = torch.empty(1, 3, spec.tile_px, spec.tile_px)
    if spec.loader == "timm":
        with torch.inference_mode():
            if network(images).ndim == 3:  # its configuration leaves the tokens unpooled
                spec = replace(spec, pooling="cls")
    try:
        with torch.inference_mode():
            features = forward(network, spec, images)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise EncoderError(
            f"{spec.title} does not take tiles of {spec.tile_px} px.", "Correct its configuration."
        ) from error
    if features.ndim != 2:
        raise EncoderError(
            f"{spec.title} gives no vector for a tile.", "Choose a model with pooling."
        )
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    return replace(
        spec,
        dim=int(features.shape[-1]),
        parameters=round(parameters, 1),
        parameters_from="computed",
    )
