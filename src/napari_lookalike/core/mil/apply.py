"""Bags to padded batches, and a trained network to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil.base import Head

CLIP = 10.0
"""Standardised features are clipped to ± this: a feature that hardly varies in the
training slides must not decide over a new one alone."""


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
    return ((instances - mean) / std).clamp_(-CLIP, CLIP)


def moments(bags: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation (dim,) of instances, each slide counting the same.

    A feature that does not vary gets standard deviation 1.
    """
    first = np.mean([bag.mean(0, dtype=np.float64) for bag in bags], axis=0)
    second = np.mean([((bag - first) ** 2).mean(0, dtype=np.float64) for bag in bags], axis=0)
    std = np.sqrt(second)
    flat = std <= 1e-6 * np.maximum(np.abs(first), 1e-6)
    return first.astype(np.float32), np.where(flat, 1.0, std).astype(np.float32)


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
        # A copy: standardise works in place on it, and numpy's array may be read-only.
        x = standardise(torch.tensor(instances, device=mean.device), mean, std)
        mask = torch.ones(1, len(x), dtype=torch.bool, device=mean.device)
        out = head(x[None], mask)
        return Applied(
            torch.softmax(out.logits[0], -1).cpu().numpy(),
            out.embedding[0].cpu().numpy(),
            out.attention_logits[0].cpu().numpy(),
        )
