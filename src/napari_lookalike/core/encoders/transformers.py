"""Networks that transformers builds: configurations from the row, never code from a hub."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.report import KeyReport, Shapes
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

    from napari_lookalike.core.encoders.files import State

# model_type -> (configuration, model, its arguments)
_KINDS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "vit": ("ViTConfig", "ViTModel", {"add_pooling_layer": False}),
    "dinov2": ("Dinov2Config", "Dinov2Model", {}),
    "dinov2_with_registers": ("Dinov2WithRegistersConfig", "Dinov2WithRegistersModel", {}),
}
KINDS = tuple(_KINDS)
_POSITIONS = "embeddings.position_embeddings"
_ANCHOR = "embeddings.cls_token"
# Only pre-training reads it; some files leave it out.
_OPTIONAL = "embeddings.mask_token"


def build(spec: EncoderSpec) -> torch.nn.Module:
    """The network of a row, with random weights.

    Raises
    ------
    EncoderError
        If transformers does not know the architecture or refuses the arguments.
    """
    config, kind, options = _config(spec)
    try:
        network: torch.nn.Module = kind(config, **options)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise _refused(spec, error) from error
    return network


def _refused(spec: EncoderSpec, error: Exception) -> EncoderError:
    why = " ".join(str(error).split())
    return EncoderError(
        f"transformers refuses the configuration of {spec.title}: {why}", "Check the arguments."
    )


def _config(spec: EncoderSpec) -> tuple[Any, Any, Mapping[str, Any]]:
    import transformers
    from huggingface_hub.errors import StrictDataclassError

    if spec.architecture not in _KINDS:
        raise EncoderError(
            f"{spec.title} is of a kind ({spec.architecture}) that we do not build.",
            f"Known kinds: {', '.join(_KINDS)}. Code that comes with a model is never run.",
        )
    config_name, model_name, options = _KINDS[spec.architecture]
    try:
        config = getattr(transformers, config_name)(**spec.arguments)
    except (TypeError, ValueError, AttributeError, StrictDataclassError) as error:
        raise _refused(spec, error) from error
    return config, getattr(transformers, model_name), options


def tokens(network: Any, spec: EncoderSpec, images: torch.Tensor) -> torch.Tensor:
    """Class token, registers and patch tokens after the last norm, (n, tokens, width)."""
    options: dict[str, Any] = {}
    if spec.architecture == "vit" and network.config.image_size != spec.network_px:
        options["interpolate_pos_encoding"] = True
    result: torch.Tensor = network(pixel_values=images, **options).last_hidden_state
    return result


def prefix(network: Any) -> int:
    """Tokens before the patches: the class token, and registers if there are some."""
    return 1 + int(getattr(network.config, "num_register_tokens", 0))


def fitted(spec: EncoderSpec, state: State) -> tuple[torch.nn.Module, KeyReport]:
    """The network with the weights of a published file, and what of the file fits.

    transformers itself translates names, which have changed over its versions.

    Parameters
    ----------
    spec
        The row.
    state
        Tensors by name, wrappers included.
    """
    import logging as levels

    from transformers.utils import logging

    inside = _unwrapped(state)
    used = {k: v for k, v in inside.items() if not k.startswith(spec.leave_out)}
    config, kind, options = _config(_with_grid_of(spec, used))
    bar, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity(levels.CRITICAL)
    try:
        network, found = kind.from_pretrained(
            None,
            config=config,
            state_dict=used,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
    shapes: Shapes = tuple(
        sorted((str(k), tuple(had), tuple(want)) for k, had, want in found["mismatched_keys"])
    )
    report = KeyReport(
        fitting=len(used) - len(found["unexpected_keys"]) - len(shapes),
        missing=tuple(sorted(set(found["missing_keys"]) - {_OPTIONAL})),
        unexpected=tuple(sorted(found["unexpected_keys"])),
        shapes=shapes,
        left_out=len(state) - len(used),
    )
    return network, report


def _unwrapped(state: State) -> State:
    """The part of a state that is the vision transformer, without prefixes of wrappers."""
    inside = [k.removesuffix(_ANCHOR) for k in state if k.endswith(_ANCHOR)]
    if len(inside) != 1 or not inside[0]:
        return state
    return {k.removeprefix(inside[0]): v for k, v in state.items() if k.startswith(inside[0])}


def _with_grid_of(spec: EncoderSpec, state: State) -> EncoderSpec:
    """The row with the file's own grid of positions; the library interpolates between grids."""
    found = state.get(_POSITIONS)
    if found is None or found.ndim != 3:
        return spec
    patches = found.shape[1] - 1
    edge = math.isqrt(max(patches, 0))
    if edge * edge != patches or edge == 0:
        return spec
    size = edge * int(spec.arguments["patch_size"])
    return replace(spec, arguments={**spec.arguments, "image_size": size})
