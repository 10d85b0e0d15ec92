"""Which tiles of two slides look alike: cosine between standardised features.

Only tiles with high attention are compared, a few hundred of a slide, so that it takes
milliseconds however many tiles there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

COMPARED = 256
"""Tiles of a slide that are compared at most."""

SHARE, LEAST = 0.25, 16
"""At most this share of a slide's tiles counts as highly attended, but never fewer than so many."""

ROWS = 8
"""Rows that are shown: an expert needs a few, not a gallery."""

NEAR = 1.5
"""Tiles nearer to each other than so many tile edges (a tile's eight neighbours) show one place."""

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Match:
    """One row: an area of slide A, and the area of slide B that it looks like.

    Parameters
    ----------
    a, b
        Index of the tile among those given of each slide.
    similarity
        Cosine of the standardised features, -1 to 1. 0: no more alike than any two tiles.
    mutual
        Whether each is the other's best among all that were compared.
    """

    a: int
    b: int
    similarity: float
    mutual: bool


def candidates(
    n: int, weights: ArrayLike | None = None, limit: int = COMPARED, share: float = SHARE
) -> NDArray[np.intp]:
    """Tiles of one slide that are worth comparing.

    Parameters
    ----------
    n
        Number of tiles of the slide.
    weights
        (n,) attention weights or logits. ``None``: nobody knows where to look, and tiles
        are taken evenly over the slide.
    limit
        How many at most.
    share
        Of the slide's tiles at most, though never fewer than `LEAST`.

    Returns
    -------
    ndarray of intp (<= limit,)
        Indices: most attended first, or in order if there is no attention.

    Raises
    ------
    ValueError
        If there is not one weight per tile.
    """
    if weights is None:
        k = min(n, limit)
        return np.unique(np.linspace(0, n - 1, k).round().astype(np.intp)) if k else _none()
    values = np.asarray(weights, np.float64)
    if values.shape != (n,):
        raise ValueError(f"{values.shape} weights for {n} tiles")
    k = min(n, limit, max(LEAST, int(n * share)))
    if not k:
        return _none()
    top = np.argpartition(-values, k - 1)[:k]
    return np.asarray(top[np.argsort(-values[top], kind="stable")], np.intp)


def best_matches(
    a: ArrayLike,
    b: ArrayLike,
    places_a: ArrayLike,
    places_b: ArrayLike,
    *,
    mean: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    rows: int = ROWS,
    near: float = NEAR,
) -> tuple[Match, ...]:
    """The tiles of two slides that look most alike, no place of either slide twice.

    Pairs that are each other's best come first, by similarity; then the most similar of
    the others. What is no more alike than any two tiles (cosine 0 or less) is no row.

    Parameters
    ----------
    a, b
        (n_a, dim) and (n_b, dim): features of the tiles that are compared.
    places_a, places_b
        (n_a, 2) and (n_b, 2): where they lie, (x, y) in tile edges.
    mean, scale
        (dim,): what to subtract, and to divide by. Features of one encoder share a large
        common part: without this every two tiles look alike. ``None``: those of ``a`` and
        ``b`` together, each slide counting half.
    rows
        How many at most.
    near
        Two rows are at least so far apart on both slides, in tile edges.

    Returns
    -------
    tuple of Match
        Indices are rows of ``a`` and ``b``.

    Raises
    ------
    ValueError
        If the two have features of different length.
    """
    first, second = np.asarray(a, np.float32), np.asarray(b, np.float32)
    if not len(first) or not len(second):
        return ()
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"features of {first.shape[1]} and of {second.shape[1]} numbers")
    if mean is None or scale is None:
        mean, scale = moments((first, second))
    similar = _unit(first, mean, scale) @ _unit(second, mean, scale).T
    spots = np.asarray(places_a, np.float64), np.asarray(places_b, np.float64)
    return _choose(similar, spots, rows, near)


def moments(samples: tuple[NDArray[np.float32], ...]) -> tuple[NDArray[np.float64], ...]:
    """Mean and standard deviation of features over slides that count alike.

    Parameters
    ----------
    samples
        (n_i, dim) of each slide; at least one tile.

    Returns
    -------
    mean, scale
        float64 (dim,); the scale is 1 where a feature does not vary.
    """
    means = np.stack([np.mean(s, axis=0, dtype=np.float64) for s in samples])
    squares = np.stack([np.mean(np.square(s, dtype=np.float64), axis=0) for s in samples])
    mean = means.mean(axis=0)
    variance = np.maximum(squares.mean(axis=0) - mean**2, 0.0)
    scale = np.sqrt(variance)
    flat = scale <= 1e-6 * np.maximum(1.0, np.abs(mean))
    return mean, np.where(flat, 1.0, scale)


def _unit(x: NDArray[np.float32], mean: ArrayLike, scale: ArrayLike) -> NDArray[np.float32]:
    z = (x - np.asarray(mean, np.float32)) / np.asarray(scale, np.float32)
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return np.asarray(z / np.maximum(length, 1e-12), np.float32)


def _choose(
    similar: NDArray[np.float32],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    rows: int,
    near: float,
) -> tuple[Match, ...]:
    """Best first, and after each choice nothing more of its neighbourhood on either slide."""
    best_b, best_a = similar.argmax(axis=1), similar.argmax(axis=0)
    mutual = np.zeros(similar.shape, bool)
    own = np.arange(len(similar))
    mutual[own, best_b] = best_a[best_b] == own
    chosen: list[Match] = []
    for allowed in (mutual, ~mutual):
        left = np.where(allowed, similar, -np.inf)
        for done in chosen:
            _strike(left, done, places, near)
        while len(chosen) < rows:
            i, j = divmod(int(left.argmax()), left.shape[1])
            if left[i, j] <= 0:
                break
            chosen.append(Match(i, j, float(min(left[i, j], 1.0)), bool(mutual[i, j])))
            _strike(left, chosen[-1], places, near)
    return tuple(chosen)


def _strike(
    left: NDArray[np.float32],
    done: Match,
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    near: float,
) -> None:
    a, b = places
    left[np.linalg.norm(a - a[done.a], axis=1) < near - _TOLERANCE] = -np.inf
    left[:, np.linalg.norm(b - b[done.b], axis=1) < near - _TOLERANCE] = -np.inf


def _none() -> NDArray[np.intp]:
    return np.empty(0, np.intp)
