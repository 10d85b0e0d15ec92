"""From the table's strengths to the matrix of weights that a loss reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.hard_negatives.weights import PairWeights


def negative_weights(
    weights: PairWeights,
    gamma: float,
    y: NDArray[np.int64],
    classes: Sequence[str],
    slide_ids: Sequence[str],
) -> NDArray[np.float32]:
    """Weight of every slide as a negative of every other, ``1 + (gamma - 1) * h``.

    Unmarked is not the same as not confusable: the table says which pairs an expert found
    alike, and nothing about the others. So a pair without a mark keeps weight 1, as in plain
    SupCon; it is never weighted down. Where the model itself finds an unmarked pair alike,
    the tilt of `expert_supcon` weighs it up.

    Parameters
    ----------
    weights
        The table's strengths h. A slide pair's strength overrides its class pair's.
    gamma
        Weight of a negative of strength 1; 1 switches the table off.
    y
        int64 (n,) class of each slide, as an index into ``classes``.
    classes
        Class names, in the order that ``y`` counts. A class the table does not know has
        no marks.
    slide_ids
        (n,) names of the slides.

    Returns
    -------
    ndarray of float32 (n, n)
        Symmetric if the table is. Entries between slides of one class are 1: they are
        positives, whatever the table says.
    """
    known = {name: i for i, name in enumerate(weights.classes)}
    at = np.array([known.get(name, -1) for name in classes], np.int64)
    table = np.zeros((len(weights.classes) + 1,) * 2, np.float32)  # last row: unknown class
    table[:-1, :-1] = weights.class_strength
    strength = table[at[y][:, None], at[y][None, :]]

    position = {slide_id: i for i, slide_id in enumerate(slide_ids)}
    for (a, b), h in weights.slide_strength.items():
        if a in position and b in position:
            i, j = position[a], position[b]
            strength[i, j] = strength[j, i] = h
    strength[y[:, None] == y[None, :]] = 0.0
    return (1.0 + (gamma - 1.0) * strength).astype(np.float32)
