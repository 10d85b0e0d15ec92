"""Weight files: read without running code from them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.weights import parts
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

    State = dict[str, torch.Tensor]

# Wrappers that training code leaves around a state, outermost first.
_NESTED = ("state_dict", "model_state_dict", "teacher", "model", "student")


def read_state(path: Path) -> State:
    """Read a safetensors file or a torch file (``weights_only=True``: never code from a file).

    Parameters
    ----------
    path
        The file, or the list of its parts (``….index.json``).

    Raises
    ------
    EncoderError
        If it is neither: download it again, or convert it to safetensors.
    """
    state: State = {}
    for part in parts(path):
        state.update(_read(part))
    return state


def _read(path: Path) -> State:
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
