"""The tensors of a weight file fitted to a network, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.report import KeyReport

if TYPE_CHECKING:
    import torch

    from napari_lookalike.core.encoders.files import State

_PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "trunk.", "visual.")
# Classifiers and projection heads of pre-training: an encoder ends before them.
_HEADS = ("head.", "classifier.", "fc.", "last_layer.", "dino_head.", "ibot_head.", "mask_token")
# Masks and indices that are computed anew; old files hold them all the same.
_PATCHES = "patch_embed.proj.weight"
_COMPUTED = ("relative_position_index", "attn_mask")


def fit_state(model: torch.nn.Module, state: State, spec: EncoderSpec) -> KeyReport:
    """Give a state to a network if every key and every shape agrees; else change nothing.

    The network takes the tensors themselves, with their precision, so it may have been
    built on the meta device.

    Prefixes of wrappers are stripped, names changed as the row says, and heads beyond the
    encoder are left out. Where the network is timm's and still differs, timm's own
    conversion of checkpoints is tried (renamed keys of DINOv2, resized position embeddings).

    Returns
    -------
    KeyReport
        What fits and what does not.
    """
    wanted = model.state_dict()
    inside = _strip(_without(state, spec.leave_out), set(wanted), spec.renames)
    candidate = _counters(wanted) | _encoder_part(inside, wanted, spec.leave_out)
    report = _compared(candidate, wanted)
    if not report.ok:
        converted = _converted(model, inside)
        if converted is not None:
            converted = _counters(wanted) | _encoder_part(converted, wanted, spec.leave_out)
            again = _compared(converted, wanted)
            if again.differences < report.differences:
                candidate, report = converted, again
    left_out = max(len(state) - report.fitting - len(report.unexpected) - len(report.shapes), 0)
    report = KeyReport(report.fitting, report.missing, report.unexpected, report.shapes, left_out)
    if report.ok:
        model.load_state_dict(candidate, strict=True, assign=True)
    return report


def _counters(wanted: Mapping[str, torch.Tensor]) -> State:
    """Batch counters, which many files leave out: only training reads them."""
    import torch

    return {
        k: torch.zeros((), dtype=torch.long) for k in wanted if k.endswith("num_batches_tracked")
    }


def _without(state: State, prefixes: tuple[str, ...]) -> State:
    return {k: v for k, v in state.items() if not k.startswith(prefixes)} if prefixes else state


def _strip(state: State, wanted: set[str], renames: Mapping[str, str]) -> State:
    best = state
    queue = [state]
    while queue:
        current = queue.pop()
        for candidate in (current, _renamed(current, renames)):
            if len(wanted & candidate.keys()) > len(wanted & best.keys()):
                best = candidate
        for prefix in _PREFIXES:
            inside = {k.removeprefix(prefix): v for k, v in current.items() if k.startswith(prefix)}
            if inside:
                queue.append(inside)
    return best


def _renamed(state: State, renames: Mapping[str, str]) -> State:
    for old, new in renames.items():
        state = {new + k.removeprefix(old) if k.startswith(old) else k: v for k, v in state.items()}
    return state


def _encoder_part(
    state: State, wanted: Mapping[str, torch.Tensor], leave_out: tuple[str, ...]
) -> State:
    unwanted = _HEADS + leave_out
    return {
        k: v
        for k, v in state.items()
        if k in wanted or not (k.startswith(unwanted) or k.endswith(_COMPUTED))
    }


def _converted(model: torch.nn.Module, state: State) -> State | None:
    from timm.models import swin_transformer, vision_transformer

    if _other_patches(model, state):
        return None
    if isinstance(model, vision_transformer.VisionTransformer):
        convert = vision_transformer.checkpoint_filter_fn
    elif isinstance(model, swin_transformer.SwinTransformer):
        convert = _swin
    else:
        return None
    try:
        return dict(convert(dict(state), model))
    except (KeyError, RuntimeError, ValueError, IndexError, AttributeError, TypeError):
        # It guesses at the kind of the file from single keys; a file of something else
        # breaks the guess in many ways. The difference of keys is reported instead.
        return None


def _other_patches(model: torch.nn.Module, state: State) -> bool:
    """Whether a file cuts tiles into patches of another size than the network.

    timm would resample the filters without a word, and the file of another encoder would
    seem to fit.
    """
    wanted = model.state_dict().get(_PATCHES)
    found = next((v for k, v in state.items() if k.endswith(_PATCHES)), None)
    return wanted is not None and found is not None and found.shape[2:] != wanted.shape[2:]


def _swin(state: State, model: torch.nn.Module) -> State:
    """The conversion of timm without the first patches, which are a stem of convolutions here."""
    from timm.models.swin_transformer import checkpoint_filter_fn

    stem = {k: v for k, v in state.items() if k.startswith("patch_embed.")}
    rest = {k: v for k, v in state.items() if k not in stem}
    return {**checkpoint_filter_fn(rest, model), **stem}


def _compared(state: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> KeyReport:
    shapes = tuple(
        (k, tuple(state[k].shape), tuple(wanted[k].shape))
        for k in wanted
        if k in state and state[k].shape != wanted[k].shape
    )
    return KeyReport(
        fitting=sum(k in state for k in wanted) - len(shapes),
        missing=tuple(k for k in wanted if k not in state),
        unexpected=tuple(k for k in state if k not in wanted),
        shapes=shapes,
    )
