"""Heads that pool a bag into a slide embedding, and their registry."""

from __future__ import annotations

from typing import Any

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil.abmil import ABMIL
from napari_lookalike.core.mil.base import Head, HeadOutput
from napari_lookalike.core.mil.clam import ClamMB, ClamSB
from napari_lookalike.core.mil.dsmil import DSMIL
from napari_lookalike.core.mil.mean import LinearProbe, MeanPool
from napari_lookalike.core.mil.transmil import TransMIL
from napari_lookalike.core.registry import Registry

__all__ = ["HEADS", "Head", "HeadOutput", "default_arguments", "make_head"]

HEADS: Registry[type[Head]] = Registry("head", ModelError)
HEADS.register("abmil", ABMIL)
HEADS.register("clam_sb", ClamSB)
HEADS.register("clam_mb", ClamMB)
HEADS.register("dsmil", DSMIL)
HEADS.register("transmil", TransMIL)
HEADS.register("mean", MeanPool)
HEADS.register("linear", LinearProbe)

WIDE_INPUT = 768
"""Instances at least this long get the sizes of the papers (512, 256)."""


def default_arguments(in_dim: int, n_classes: int, dropout: float = 0.25) -> dict[str, Any]:
    """Keyword arguments of a head for instances of length ``in_dim``.

    128 hidden and 64 attention units below 768 (a short descriptor, few slides, a
    laptop), else 512 and 256 as in CLAM and in modern ABMIL.
    """
    hidden, attention = (512, 256) if in_dim >= WIDE_INPUT else (128, 64)
    return {
        "in_dim": in_dim,
        "n_classes": n_classes,
        "hidden_dim": hidden,
        "attention_dim": attention,
        "dropout": dropout,
    }


def make_head(name: str, arguments: dict[str, Any]) -> Head:
    """A new head with fresh weights.

    Raises
    ------
    ModelError
        If there is no head of that name (choose a registered one), or it does not know
        these arguments (a damaged model card: train again).
    """
    kind = HEADS.get(name)
    try:
        return kind(**arguments)
    except TypeError:
        raise ModelError(
            f"The head {name} does not know the model's arguments.", "Train the model again."
        ) from None
