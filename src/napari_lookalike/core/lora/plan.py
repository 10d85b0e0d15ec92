"""Settings of tuning an encoder, frozen: what goes into the adapter's card."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TunePlan:
    """How an encoder is tuned.

    Parameters
    ----------
    tiles
        Tiles of each slide: those that the model in use attends to most, kept apart.
    epochs
        Passes over the tiles. The best one by the validation patients is kept.
    batch
        Tiles at once.
    lr, weight_decay
        AdamW's.
    rank, alpha
        Of the low-rank change: ``W + alpha / rank * B A``.
    dropout
        On what the low-rank layers read.
    validation_share
        Share of the patients of each subtype that are looked at and not trained on.
    seed
        Of everything random.
    """

    tiles: int = 16
    epochs: int = 5
    batch: int = 32
    lr: float = 5e-4
    weight_decay: float = 1e-2
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05
    validation_share: float = 0.25
    seed: int = 0
