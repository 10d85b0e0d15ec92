"""Classic MIL sets: instances, bags, labels, and the folds that go with them."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.tiles import VARIABLE
from napari_lookalike.core.errors import LookalikeError

PAPER = {
    "Musk1": {"abmil": 0.900, "abmil-plain": 0.892},
    "Musk2": {"abmil": 0.863, "abmil-plain": 0.858},
    "Fox": {"abmil": 0.603, "abmil-plain": 0.615},
    "Tiger": {"abmil": 0.845, "abmil-plain": 0.839},
    "Elephant": {"abmil": 0.857, "abmil-plain": 0.868},
}
"""Accuracy in Ilse et al. 2018, gated and plain. Quoted from memory, not verified."""

_BELOW = ("data/mil/npz", "mil/npz", "npz", ".")
_KEYS = ("X", "bag", "y", "folds_train")


@dataclass(frozen=True, eq=False)
class MilSet:
    """A MIL data set with fixed folds.

    Parameters
    ----------
    name
        For a person.
    bags
        Of each bag float32 (n_i, dim).
    y
        int64 (n_bags,) classes, from 0.
    train
        bool (repeats, folds, n_bags): which bags are trained on. A bag is held out in the
        folds that do not train on it, once in each repeat.
    """

    name: str
    bags: tuple[NDArray[np.float32], ...]
    y: NDArray[np.int64]
    train: NDArray[np.bool_]


def find_sets(data: Path | None) -> dict[str, Path]:
    """Name -> file of the sets of the paper's table, below ``data`` or ``LOOKALIKE_SHARED``.

    If ``data`` is a file, it is that one set, whatever its name.
    """
    if data is not None and data.is_file():
        return {data.stem: data}
    if data is None:
        named = os.environ.get(VARIABLE)
        if not named:
            return {}
        data = Path(named)
    files = {name: [data / below / f"{name}.npz" for below in _BELOW] for name in PAPER}
    found = {name: next((f for f in at if f.is_file()), None) for name, at in files.items()}
    return {name: file for name, file in found.items() if file is not None}


def load_set(file: Path, name: str) -> MilSet:
    """Read a set.

    Parameters
    ----------
    file
        npz with X (instances, dim), bag (instances,), y (bags,) in the order of the sorted
        bag numbers, and folds_train bool (repeats, folds, bags).
    name
        For a person.

    Raises
    ------
    LookalikeError
        If it is not such a file.
    """
    try:
        with np.load(file, allow_pickle=False) as content:
            x, bag, y, train = (content[key] for key in _KEYS)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise _strange("It cannot be read, or an array is missing.") from None
    numbers, instances = np.unique(bag, return_inverse=True)
    if x.ndim != 2 or bag.shape != (len(x),) or y.shape != (len(numbers),):
        raise _strange("Its arrays do not fit one another.")
    if train.ndim != 3 or train.shape[2] != len(y) or train.dtype != bool:
        raise _strange("Its folds are not masks of its bags.")
    if not np.isfinite(x).all() or len(np.unique(y)) < 2:
        raise _strange("It has values that are not numbers, or one class only.")
    if not np.all((~train).sum(1) == 1):
        raise _strange("Its folds do not hold out every bag once in each repeat.")
    order = np.argsort(instances, kind="stable")
    ends = np.cumsum(np.bincount(instances))[:-1]
    bags = np.split(np.asarray(x[order], np.float32), ends)
    classes = np.unique(y, return_inverse=True)[1]
    return MilSet(name, tuple(bags), classes.astype(np.int64), train)


def _strange(what: str) -> LookalikeError:
    return LookalikeError(
        f"The file is not a MIL set. {what}",
        "Give an npz with X (instances, dim), bag, y and folds_train (repeats, folds, bags).",
    )
