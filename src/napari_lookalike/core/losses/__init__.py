"""Losses on a batch of slides. None of them knows about the hard-negative table.

The table reaches a loss as plain numbers, in either of two equal forms: a matrix of weights
(`negative_weights`), or index tuples with weights (`pair_indices`).
"""

from __future__ import annotations

from napari_lookalike.core.losses.classification import class_balanced_ce, soft_focal, soft_labels
from napari_lookalike.core.losses.contrastive import expert_supcon, hard_supcon, supcon
from napari_lookalike.core.losses.pairs import Pairs, pair_indices, pair_supcon
from napari_lookalike.core.losses.tiles import attention_evidence, tile_evidence
from napari_lookalike.core.losses.weights import negative_weights

__all__ = [
    "Pairs",
    "attention_evidence",
    "class_balanced_ce",
    "expert_supcon",
    "hard_supcon",
    "negative_weights",
    "pair_indices",
    "pair_supcon",
    "soft_focal",
    "soft_labels",
    "supcon",
    "tile_evidence",
]
