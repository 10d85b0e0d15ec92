"""Stain channels of an H&E tile, and statistics of its colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Optical density of hematoxylin and eosin, from Ruifrok and Johnston 2001, table 1
# (Anal Quant Cytol Histol 23:291-299). The residual is what neither explains: their
# cross product. Fixed for all tiles: nothing is fitted, so equal pixels give equal vectors.
HEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.07, 0.99, 0.11])

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def _unmixing() -> Floats:
    """(3, 3) matrix: optical density (R, G, B) to amounts of (H, E, residual)."""
    h = HEMATOXYLIN / np.linalg.norm(HEMATOXYLIN)
    e = EOSIN / np.linalg.norm(EOSIN)
    residual = np.cross(h, e)
    stains = np.stack([h, e, residual / np.linalg.norm(residual)])
    return np.linalg.inv(stains).astype(np.float32)


_UNMIXING = _unmixing()
DENSITY = (-np.log10((np.arange(256) + 1.0) / 256.0)).astype(np.float32)


def halve(image: Floats) -> Floats:
    """Mean of 2 x 2 pixels: (c, 2h, 2w) to (c, h, w)."""
    rows = image[:, 0::2] + image[:, 1::2]
    return (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)


def stain_channels(tile: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Colours and stain amounts of a tile at half its resolution.

    Parameters
    ----------
    tile
        (2h, 2w, 3) uint8 RGB.

    Returns
    -------
    density
        float32 (3, h, w), optical density (log10) of R, G, B.
    stains
        float32 (3, h, w), amounts of hematoxylin, eosin and residual.
    """
    planes = np.ascontiguousarray(np.moveaxis(tile, -1, 0))
    density = halve(DENSITY[planes])
    # Written out, not as a matrix product: BLAS may sum in another order with other threads.
    stains = np.empty_like(density)
    for i in range(3):
        a, b, c = _UNMIXING[:, i]
        stains[i] = density[0] * a + density[1] * b + density[2] * c
    return density, stains


def colour_statistics(density: Floats, stains: Floats) -> Floats:
    """Moments, quantiles and correlations of colour and stain amounts.

    Parameters
    ----------
    density, stains
        float32 (3, h, w), from `stain_channels`.

    Returns
    -------
    ndarray of float32 (60,)
        For each of the six channels mean, standard deviation, skewness, kurtosis and the
        quantiles `QUANTILES`; then the three correlations of R, G, B and of H, E, residual.
    """
    pairs = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]
    return moments_of(np.concatenate([density, stains]), pairs)


def moments_of(channels: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Moments and quantiles of each channel, and correlations of some pairs.

    Parameters
    ----------
    channels
        float32 (c, h, w).
    pairs
        Channels whose correlation is wanted.

    Returns
    -------
    ndarray of float32 (9 * c + len(pairs),)
    """
    values = channels.reshape(len(channels), -1)
    mean = values.mean(axis=1, keepdims=True)
    centred = values - mean
    squares = centred * centred
    sd = np.sqrt(squares.mean(axis=1)) + np.float32(1e-4)
    skew = (squares * centred).mean(axis=1) / sd**3
    kurtosis = (squares * squares).mean(axis=1) / sd**4
    n = values.shape[1]
    # A full sort is vectorised in numpy and faster than a partition at five places.
    quantiles = np.sort(values, axis=1)[:, [round(q * (n - 1)) for q in QUANTILES]]
    correlations = [(centred[a] * centred[b]).mean() / (sd[a] * sd[b]) for a, b in pairs]
    shape = np.cbrt(np.stack([skew, kurtosis - np.float32(3.0)], axis=1))
    table = np.concatenate([mean, sd[:, None], shape, quantiles], axis=1)
    return np.concatenate([table.ravel(), np.array(correlations)]).astype(np.float32)
