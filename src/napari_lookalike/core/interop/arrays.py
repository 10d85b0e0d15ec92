"""Opening peers' files safely: HDF5, numpy without pickles, torch with tensors only."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError

T = TypeVar("T")

DAMAGED = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,  # a group or a type where numbers should be
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,  # a damaged header asks for more than there is
    SyntaxError,  # numpy reads its headers as Python literals
    tokenize.TokenError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""What the libraries raise for a damaged file."""

_REMEDY = "Copy the file again from where it was made."


def read_h5(path: Path, read: Callable[[Any], T]) -> T:
    """What ``read`` makes of an open HDF5 file.

    Raises
    ------
    FeatureError
        If it is damaged, or lacks what is read.
    """
    try:
        with h5py.File(path, "r") as file:
            return read(file)
    except FeatureError:
        raise
    except DAMAGED as error:
        raise FeatureError(
            f"The file is damaged or of another kind ({type(error).__name__}).", _REMEDY
        ) from None


def peek_h5(path: Path, look: Callable[[Any], bool]) -> bool:
    """Whether an HDF5 file is as ``look`` wants it; no for one that does not open."""
    try:
        return read_h5(path, look)
    except FeatureError:
        return False


def vectors(data: Any) -> NDArray[np.float32]:
    """A dataset or tensor as float32 (n, dim); (1, n, dim) and (dim,) are understood.

    Raises
    ------
    FeatureError
        If it has another shape.
    """
    array = np.asarray(data, dtype=np.float32)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or not array.size:
        raise FeatureError(
            f"Vectors of shape {array.shape} are no table of tiles and numbers.", _REMEDY
        )
    return array


def shape_of(data: Any) -> tuple[int, int]:
    """(n, dim) that `vectors` would give, without reading the numbers."""
    shape = tuple(int(n) for n in data.shape)
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) == 1:
        shape = (1, *shape)
    if len(shape) != 2 or 0 in shape:
        raise FeatureError(f"Vectors of shape {shape} are no table of tiles and numbers.", _REMEDY)
    return shape


def places(data: Any) -> NDArray[np.float64]:
    """Coordinates as float64 (n, 2); (1, n, 2) is understood.

    Raises
    ------
    FeatureError
        If they have another shape.
    """
    array = np.asarray(data, dtype=np.float64)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.shape[1] < 2 or not np.isfinite(array).all():
        raise FeatureError(f"Coordinates of shape {array.shape} are no list of places.", _REMEDY)
    return array[:, :2]


def text(value: Any) -> str:
    """An HDF5 attribute as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def number(attrs: Any, key: str) -> float | None:
    """An attribute as a number; the first of several; ``None`` if it is not there."""
    if key not in attrs:
        return None
    try:
        return float(np.ravel(np.asarray(attrs[key], dtype=np.float64))[0])
    except (TypeError, ValueError, IndexError):
        return None


def load_torch(path: Path) -> Any:
    """What a torch file holds: tensors as arrays, also inside a dictionary or list.

    Raises
    ------
    FeatureError
        If it is damaged, or holds anything but tensors: that could run code.
    """
    import pickle

    import torch

    try:
        return _plain(torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError:
        raise FeatureError(
            "The torch file holds more than tensors, which could run code; it was not opened.",
            "Save the tensor alone (torch.save of the tensor), or as safetensors or npy.",
        ) from None
    except DAMAGED as error:
        what = f"The torch file is damaged ({type(error).__name__})."
        raise FeatureError(what, _REMEDY) from None


def _plain(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().float().numpy() if value.is_floating_point() else value.numpy()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def load_numpy(path: Path) -> Any:
    """An array of an ``.npy`` file, or name -> array of an ``.npz`` file; no pickles.

    Raises
    ------
    FeatureError
        If it is damaged or needs a pickle.
    """
    try:
        # Opened here: numpy leaves the file of a damaged archive open.
        with path.open("rb") as opened:
            data = np.load(opened, allow_pickle=False)
            if isinstance(data, np.ndarray):
                return data
            with data:
                return {name: np.asarray(data[name]) for name in data.files}
    except DAMAGED as error:
        what = f"The numpy file is damaged or holds objects ({type(error).__name__})."
        raise FeatureError(what, "Save plain arrays (numpy.save, numpy.savez).") from None
