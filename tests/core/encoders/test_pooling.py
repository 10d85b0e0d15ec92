"""Pooling on a token tensor made by hand."""

from __future__ import annotations

import pytest
import torch

from napari_lookalike.core.encoders.pooling import pool_tokens
from napari_lookalike.core.errors import EncoderError


def _tokens(registers: int) -> torch.Tensor:
    """One image: class token 1, registers 1000, patch tokens 2, 4 and 6; two channels."""
    first = [1.0, *[1000.0] * registers, 2.0, 4.0, 6.0]
    return torch.tensor([[[value, -value] for value in first]])


def test_virchow_takes_the_class_token_and_the_mean_of_all_patches() -> None:
    pooled = pool_tokens(_tokens(0), "cls+mean", prefix=1)
    assert pooled.tolist() == [[1.0, -1.0, 4.0, -4.0]]


def test_registers_never_enter_the_mean() -> None:
    # Virchow2: one class token and four registers; tokens[:, 5:] are patches.
    assert pool_tokens(_tokens(4), "cls+mean", prefix=5).tolist() == [[1.0, -1.0, 4.0, -4.0]]
    assert pool_tokens(_tokens(4), "mean", prefix=5).tolist() == [[4.0, -4.0]]


def test_the_class_token_alone() -> None:
    assert pool_tokens(_tokens(8), "cls", prefix=9).tolist() == [[1.0, -1.0]]


def test_another_pooling_is_refused() -> None:
    with pytest.raises(EncoderError, match="max"):
        pool_tokens(_tokens(0), "max", prefix=1)
