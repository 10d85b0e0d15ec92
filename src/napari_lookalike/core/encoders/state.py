"""Weight files: read without running code from them, and fitted to a network key by key."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

    State = dict[str, torch.Tensor]

# Wrappers that training code leaves around a state, outermost first.
_NESTED = ("state_dict", "model_state_dict", "teacher", "model", "student")
_PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "trunk.", "visual.")
# Classifiers and projection heads of pre-training: an encoder ends before them.
_HEADS = ("head.", "classifier.", "fc.", "last_layer.", "dino_head.", "ibot_head.", "mask_token")
_SHOWN = 4


def read_state(path: Path) -> State:
    """Read a safetensors file or a torch file (``weights_only=True``: never code from a file).

    Raises
    ------
    EncoderError
        If it is neither: download it again, or convert it to safetensors.
    """
    import safetensors.torch
    import torch

    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise _unreadable() from error
    except safetensors.SafetensorError as error:
        raise _unreadable() from error
    return _unwrap(loaded)


def _unreadable() -> EncoderError:
    return EncoderError(
        "The weight file is damaged, or holds more than tensors.",
        "Download it again, or convert it to safetensors.",
    )


def _unwrap(loaded: Any) -> State:
    import torch

    while isinstance(loaded, Mapping):
        inner = next((loaded[k] for k in _NESTED if isinstance(loaded.get(k), Mapping)), None)
        if inner is None:
            break
        loaded = inner
    state = (
        {str(k): v for k, v in loaded.items() if isinstance(v, torch.Tensor)}
        if isinstance(loaded, Mapping)
        else {}
    )
    if not state:
        raise EncoderError(
            "The weight file holds no tensors by name.", "Name a file with a state dictionary."
        )
    return state


def fit_state(model: torch.nn.Module, state: State, spec: EncoderSpec) -> None:
    """Give a state to a network; every key and every shape must agree.

    The network takes the tensors themselves, with their precision, so it may have been
    built on the meta device.

    Prefixes of wrappers are stripped and heads beyond the encoder are left out. Where a
    vision transformer still differs, timm's own conversion of checkpoints is tried
    (renamed keys of DINOv2, resized position embeddings).

    Raises
    ------
    EncoderError
        Says which keys differ: the file belongs to another encoder.
    """
    wanted = model.state_dict()
    candidate = _counters(wanted) | _without_heads(_strip(state, set(wanted)), set(wanted))
    if _difference(candidate, wanted):
        converted = _converted(model, candidate)
        if converted is not None and not _difference(converted, wanted):
            candidate = converted
    difference = _difference(candidate, wanted)
    if difference:
        raise EncoderError(
            f"The weight file does not fit {spec.title}: {difference}.",
            f"Name a weight file of {spec.title}.",
        )
    model.load_state_dict(candidate, strict=True, assign=True)


def _counters(wanted: Mapping[str, torch.Tensor]) -> State:
    """Batch counters, which many files leave out: only training reads them."""
    import torch

    return {
        k: torch.zeros((), dtype=torch.long) for k in wanted if k.endswith("num_batches_tracked")
    }


def _strip(state: State, wanted: set[str]) -> State:
    best = state
    queue = [state]
    while queue:
        current = queue.pop()
        if len(wanted & current.keys()) > len(wanted & best.keys()):
            best = current
        for prefix in _PREFIXES:
            inside = {k.removeprefix(prefix): v for k, v in current.items() if k.startswith(prefix)}
            if inside:
                queue.append(inside)
    return best


def _without_heads(state: State, wanted: set[str]) -> State:
    return {k: v for k, v in state.items() if k in wanted or not k.startswith(_HEADS)}


def _converted(model: torch.nn.Module, state: State) -> State | None:
    from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

    if not isinstance(model, VisionTransformer):
        return None
    try:
        return dict(checkpoint_filter_fn(dict(state), model))
    except (KeyError, RuntimeError, ValueError, IndexError, AttributeError, TypeError):
        # It guesses at the kind of the file from single keys; a file of something else
        # breaks the guess in many ways. The difference of keys is reported instead.
        return None


def _difference(state: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> str:
    missing = [k for k in wanted if k not in state]
    extra = [k for k in state if k not in wanted]
    shapes = [
        f"{k} is {tuple(state[k].shape)} and should be {tuple(wanted[k].shape)}"
        for k in wanted
        if k in state and state[k].shape != wanted[k].shape
    ]
    found = (("missing", missing), ("not expected", extra), ("of another shape", shapes))
    return "; ".join(f"{len(keys)} keys {what} ({_some(keys)})" for what, keys in found if keys)


def _some(keys: list[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
