"""Prototypes of the classes (OpenPath, MICCAI 2025, arXiv 2506.15318).

A prototype is the mean embedding of a class's labelled slides. OpenPath computes it from
labelled tiles; here a slide is what a tile is there. A slide is compared with prototypes that
its own patient had no part in, else every labelled slide would lie near its class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.suggest.material import Floats, Material


def prototype_similarity(material: Material) -> Floats:
    """Cosine of each slide to each class's prototype, its own patient left out.

    Parameters
    ----------
    material
        The slides.

    Returns
    -------
    ndarray of float32 (n, n_classes)
        -inf where no other patient has the class.
    """
    n_classes = len(material.classes)
    known = np.flatnonzero(material.y >= 0)
    sums = np.zeros((n_classes, material.z.shape[1]), np.float64)
    np.add.at(sums, material.y[known], material.z[known].astype(np.float64))
    patients = np.array(
        [len(np.unique(material.group[known][material.y[known] == c])) for c in range(n_classes)]
    )
    found = (material.z @ unit(sums).T.astype(np.float32)).astype(np.float32)
    found[:, patients == 0] = -np.inf
    rows_of = _rows_by(material.group)
    # Only classes that a patient has slides of change for that patient.
    pairs = np.unique(np.stack([material.group[known], material.y[known]], axis=1), axis=0)
    for group, c in pairs:
        rows = rows_of[int(group)]
        if patients[c] < 2:
            found[rows, c] = -np.inf
            continue
        own = rows[material.y[rows] == c]
        rest = unit(sums[c] - material.z[own].sum(axis=0, dtype=np.float64))
        found[rows, c] = material.z[rows] @ rest.astype(np.float32)
    return found


def pair_entropy(similarity: Floats, tau: float) -> tuple[Floats, NDArray[np.int64]]:
    """How evenly a slide lies between two subtypes, for the pair where it is most even.

    OpenPath's largest two-class entropy, ``H(softmax([s_a, s_b] / tau))`` in bits, over the
    pairs that hold the nearest prototype: over all pairs, two prototypes that are both far
    away would win. So it is the pair of the nearest and the second nearest.

    Parameters
    ----------
    similarity
        (n, n_classes) from `prototype_similarity`.
    tau
        Temperature; the loss's, so that a given difference means what it means in training.

    Returns
    -------
    entropy : ndarray of float32 (n,)
        0 to 1 bit; 0 where there are not two prototypes.
    pair : ndarray of int (n, 2)
        The nearest and the second nearest class; -1 where there are not two.
    """
    n, n_classes = similarity.shape
    entropy, pair = np.zeros(n, np.float32), np.full((n, 2), -1, np.int64)
    if n_classes < 2 or not n:
        return entropy, pair
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :2]
    best = np.take_along_axis(similarity, order, axis=1)
    there = np.isfinite(best).all(axis=1)
    pair[there] = order[there]
    gap = (best[there, 0] - best[there, 1]).astype(np.float64) / tau
    share = 1.0 / (1.0 + np.exp(-np.minimum(gap, 50.0)))
    entropy[there] = binary_entropy(share)
    return entropy, pair


def binary_entropy(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy of (share, 1 - share) in bits."""
    rest = 1.0 - share
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(share > 0, share * np.log2(share), 0.0)
        others = np.where(rest > 0, rest * np.log2(rest), 0.0)
    return -(terms + others)


def unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of length 1; zeros stay zeros."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    scaled: NDArray[np.float64] = np.divide(x, length, out=np.zeros_like(x), where=length > 0)
    return scaled


def _rows_by(group: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    order = np.argsort(group, kind="stable")
    names, starts = np.unique(group[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(names) else []
    return {int(g): part for g, part in zip(names, parts, strict=True)}
