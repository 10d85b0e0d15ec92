"""Bags to padded batches, and a trained network to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil.base import Head, HeadOutput
from napari_lookalike.core.mil.large import LARGE, PIECE, quick_layers

CLIP = 10.0
"""Standardised features are clipped to ± this: a feature that hardly varies in the
training slides must not decide over a new one alone."""

_MOMENT_ROWS = 1_024


def pad(bags: Sequence[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """One padded batch of bags.

    Parameters
    ----------
    bags
        Each (n_i, dim), at least one instance.
    device
        Where the batch goes.

    Returns
    -------
    instances
        float32 (batch, max n_i, dim), zero where padded.
    mask
        bool (batch, max n_i), True where real.
    """
    lengths = torch.tensor([len(b) for b in bags])
    batch = torch.nn.utils.rnn.pad_sequence(list(bags), batch_first=True)
    mask = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
    return batch.to(device), mask.to(device)


def draw(bag: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """At most ``most`` instances of a bag (n, dim), without replacement."""
    if len(bag) <= most:
        return bag
    return bag[torch.randperm(len(bag), generator=generator)[:most]]


def standardise(instances: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """``(instances - mean) / std``, clipped to ± `CLIP`; padding must be masked anyway."""
    return torch.sub(instances, mean).div_(std).clamp_(-CLIP, CLIP)


def as_tensor(array: NDArray[np.float32]) -> Tensor:
    """The same memory as a tensor; a copy if it is read-only, which torch warns of."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def moments(bags: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation (dim,) of instances, each slide counting the same.

    A feature that does not vary gets standard deviation 1.
    """
    first = np.mean([_mean_of_rows(bag) for bag in bags], axis=0)
    second = np.mean([_mean_of_rows(bag, first) for bag in bags], axis=0)
    std = np.sqrt(second)
    flat = std <= 1e-6 * np.maximum(np.abs(first), 1e-6)
    return first.astype(np.float32), np.where(flat, 1.0, std).astype(np.float32)


def _mean_of_rows(
    bag: NDArray[np.float32], around: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Mean (dim,) of the rows, or of their squared distance from ``around``.

    Piece by piece, so that no second copy of a large bag lies in memory. The sum so far is
    the first row of the next piece: the same additions in the same order as at once.
    """
    total = np.zeros((0, bag.shape[1]))
    for i in range(0, len(bag), _MOMENT_ROWS):
        rows = bag[i : i + _MOMENT_ROWS].astype(np.float64)
        if around is not None:
            rows = (rows - around) ** 2
        total = np.concatenate([total, rows]).sum(0)[None]
    return np.asarray(total[0] / len(bag))


def choose_device(name: str) -> torch.device:
    """The device to compute on; "auto" is a CUDA GPU if there is one, else the CPU.

    Raises
    ------
    ModelError
        If the device is not there (choose "auto" or "cpu").
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(name, False):
        raise ModelError(f"There is no device {name!r} here.", 'Choose "auto" or "cpu".')
    return torch.device(name)


@dataclass(frozen=True, eq=False)
class Applied:
    """What a network says of one bag, as arrays.

    Parameters
    ----------
    probabilities
        float32 (n_classes,).
    embedding
        float32 (embed_dim,), in the network's own space.
    attention_logits
        float32 (n_branches, n).
    """

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    attention_logits: NDArray[np.float32]


def apply_head(head: Head, instances: NDArray[np.float32], mean: Tensor, std: Tensor) -> Applied:
    """Ask a head, in evaluation mode, about all instances (n, dim) of a bag."""
    head.eval()
    with torch.inference_mode():
        if len(instances) > LARGE and head.packs:
            return _applied(_asked_in_pieces(head, instances, mean, std))
        # A copy: standardise works in place on it, and numpy's array may be read-only.
        x = standardise(torch.tensor(instances, device=mean.device), mean, std)
        mask = torch.ones(1, len(x), dtype=torch.bool, device=mean.device)
        return _applied(head(x[None], mask))


def _asked_in_pieces(
    head: Head, instances: NDArray[np.float32], mean: Tensor, std: Tensor
) -> HeadOutput:
    """The same of a large bag: no second copy of it lies in memory."""
    layers = quick_layers(head.trunk, mean)
    hidden = []
    for i in range(0, len(instances), PIECE):
        piece = as_tensor(instances[i : i + PIECE]).to(mean.device)
        hidden.append(layers(standardise(piece, mean, std)))
    mask = torch.ones(1, len(instances), dtype=torch.bool, device=mean.device)
    return head.pool(torch.cat(hidden)[None], mask)


def _applied(out: HeadOutput) -> Applied:
    return Applied(
        torch.softmax(out.logits[0], -1).cpu().numpy(),
        out.embedding[0].cpu().numpy(),
        out.attention_logits[0].cpu().numpy(),
    )
