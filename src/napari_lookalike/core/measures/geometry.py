"""How the held-out slides lie in embedding space, in cosine; never on the map.

``z`` are unit slide embeddings of held-out slides, ``mu_c = unit(mean of z over class c)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.heldout import (
    Counts,
    HeldOut,
    figure,
    known_pairs,
    mean_there,
    ratio,
    unit,
)
from napari_lookalike.core.measures.answers import Answers, Floats
from napari_lookalike.core.measures.resampled import mean_figure, mean_of

NEIGHBOURS = 5
"""k of the neighbours of a pair; fewer where there are fewer slides of other patients."""


def neighbours(z: Floats, patient: NDArray[np.int64], k: int) -> list[NDArray[np.int64]]:
    """The k nearest slides of each slide by cosine, its own patient's left out.

    Returns
    -------
    list of ndarray
        Nearest first; fewer than k where there are no more. Ties by order.
    """
    similarity = z @ z.T
    found = []
    for i in range(len(z)):
        others = np.flatnonzero(patient != patient[i])
        order = np.argsort(-similarity[i, others], kind="stable")[:k]
        found.append(others[order])
    return found


def centroids(z: Floats, y: NDArray[np.int64], n_classes: int) -> Floats:
    """(n_classes, embed_dim) ``mu_c``; NaN for a class without slides."""
    means = np.full((n_classes, z.shape[1]), np.nan)
    for c in np.unique(y):
        means[c] = z[y == c].mean(axis=0)
    return unit(means)


def compactness(z: Floats, y: NDArray[np.int64], n_classes: int) -> Floats:
    """(n,) ``1 - z_i.mu_c`` to the slide's own class; NaN in a class with one slide."""
    mu = centroids(z, y, n_classes)
    alone = np.bincount(y, minlength=n_classes)[y] < 2
    return np.where(alone, np.nan, 1.0 - np.einsum("ne,ne->n", z, mu[y]))


def separation(z: Floats, y: NDArray[np.int64], n_classes: int) -> Floats:
    """(n_classes, n_classes) ``1 - mu_a.mu_b``; NaN where a class has no slide."""
    mu = centroids(z, y, n_classes)
    return 1.0 - mu @ mu.T


def silhouettes(z: Floats, y: NDArray[np.int64]) -> Floats:
    """(n,) ``(b - a) / max(a, b)`` in cosine distance.

    a: mean distance to the slide's own class, b: to the nearest other class. NaN in a class
    with one slide, where it is undefined.

    References
    ----------
    Rousseeuw, "Silhouettes", Journal of Computational and Applied Mathematics 20, 1987.
    """
    distance = 1.0 - z @ z.T
    np.fill_diagonal(distance, 0.0)
    classes = np.unique(y)
    member = (y[:, None] == classes[None, :]).astype(np.float64)
    total, count = distance @ member, member.sum(axis=0)
    own = y[:, None] == classes[None, :]
    alone = count[own.argmax(axis=1)] < 2
    a = ratio(total[own], count[own.argmax(axis=1)] - 1)
    b = np.where(own, np.inf, total / count).min(axis=1)
    value = ratio(b - a, np.maximum(a, b))
    return np.where(alone | np.isinf(b), np.nan, value)


def class_shares(near: list[NDArray[np.int64]], y: NDArray[np.int64], n_classes: int) -> Floats:
    """(n, n_classes) share of each slide's neighbours that are of each class."""
    shares = np.full((len(y), n_classes), np.nan)
    for i, others in enumerate(near):
        if len(others):
            shares[i] = np.bincount(y[others], minlength=n_classes) / len(others)
    return shares


def geometry_figures(
    answers: Answers, pairs: Iterable[tuple[str, str]], draws: Counts
) -> dict[str, Any]:
    """Compactness, separation, their ratio, silhouette, and neighbours of pairs."""
    held, z, c = answers.held, answers.embeddings, len(answers.held.classes)
    y = held.y
    compact, silhouette = compactness(z, y, c), silhouettes(z, y)
    apart = _separations(held, z, draws)
    by_class = [_by_class(held, compact, i, draws) for i in range(c)]
    compact_one = mean_there(np.stack([one for one, _ in by_class], -1))
    compact_many = mean_there(np.stack([many for _, many in by_class], -1))
    shares = class_shares(neighbours(z, held.patient, NEIGHBOURS), y, c)
    return {
        "neighbours": NEIGHBOURS,
        "compactness": figure(compact_one, compact_many),
        "per_class_compactness": {n: figure(*by_class[i]) for i, n in enumerate(held.classes)},
        "separation": figure(*apart),
        "ratio": figure(ratio(compact_one, apart[0]), ratio(compact_many, apart[1])),
        "silhouette": mean_figure(held, silhouette, draws),
        "per_class_silhouette": {
            n: mean_figure(held, np.where(y == i, silhouette, np.nan), draws)
            for i, n in enumerate(held.classes)
        },
        "pairs": {
            name: _pair(answers, shares, pair, draws)
            for name, pair in known_pairs(held, pairs).items()
        },
        "left_out": [n for i, n in enumerate(held.classes) if int((y == i).sum()) < 2],
    }


def _by_class(held: HeldOut, values: Floats, c: int, draws: Counts) -> tuple[Counts, Counts]:
    mine = np.where(held.y == c, values, np.nan)
    return mean_of(held, mine), mean_of(held, mine, draws)


def _separations(held: HeldOut, z: Floats, draws: Counts) -> tuple[Counts, Counts]:
    """(1,) and (resamples,) mean separation over all pairs of classes that are there."""
    c, (n, e) = len(held.classes), z.shape
    cells = np.zeros((n, c, e))
    cells[np.arange(n), held.y] = z
    values = []
    for drawn in (None, draws):
        mu = unit(held.total(cells.reshape(n, -1), drawn).reshape(-1, c, e))
        i, j = np.triu_indices(c, 1)
        values.append(mean_there(1.0 - np.einsum("rpe,rpe->rp", mu[:, i], mu[:, j])))
    return values[0], values[1]


def _pair(answers: Answers, shares: Floats, pair: tuple[int, int], draws: Counts) -> dict[str, Any]:
    a, b = pair
    held, y = answers.held, answers.held.y
    other = np.where(y == a, shares[:, b], np.where(y == b, shares[:, a], np.nan))
    apart = separation(answers.embeddings, y, len(held.classes))[a, b]
    return {
        "separation": None if np.isnan(apart) else float(apart),
        "knn_confusion": mean_figure(held, other, draws),
        "knn_a_to_b": mean_figure(held, np.where(y == a, shares[:, b], np.nan), draws),
        "knn_b_to_a": mean_figure(held, np.where(y == b, shares[:, a], np.nan), draws),
    }
