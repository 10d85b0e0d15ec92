"""Which grains occur together: log-Euclidean correlation of the Gabor responses."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.encoders.descriptor.colour import Floats, halve
from napari_lookalike.core.encoders.descriptor.gabor import ORIENTATIONS

GRID = 28
"""Edge of the common grid on which the responses of all scales are compared."""
_FLOOR = np.float32(1e-2)  # optical density; keeps the logarithm of blank glass quiet
_RIDGE = 0.05  # on the diagonal: a correlation matrix of smooth maps is nearly singular


def band_correlations(moduli: list[Floats]) -> Floats:
    """Matrix logarithm of the correlations of all responses, averaged over rotations.

    Correlation matrices lie on a curved space; their logarithms can be compared by plain
    differences. With ``B = channels * scales`` rows of ``ORIENTATIONS`` maps each, only
    the difference of two orientations is kept, without its sign.

    Parameters
    ----------
    moduli
        Per scale float32 (channels, ORIENTATIONS, s, s), from `GaborPyramid.moduli`.

    Returns
    -------
    ndarray of float32 (B * (B + 1) / 2 * (ORIENTATIONS // 2 + 1),)

    References
    ----------
    Arsigny, Fillard, Pennec and Ayache 2006, Magn Reson Med 56:411-421 (log-Euclidean).
    """
    maps = np.stack([_to_grid(m) for m in moduli], axis=1)
    bands = maps.shape[0] * maps.shape[1]
    flat = np.log(maps + _FLOOR).reshape(bands * ORIENTATIONS, -1)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.sqrt((flat * flat).mean(axis=1, keepdims=True)) + np.float32(1e-6)
    # einsum and not a BLAS product: the sum must not depend on the number of threads.
    correlation = np.einsum("ip,jp->ij", flat, flat).astype(np.float64) / flat.shape[1]
    values, vectors = np.linalg.eigh(correlation + _RIDGE * np.eye(len(correlation)))
    logarithm = np.einsum("ik,k,jk->ij", vectors, np.log(np.maximum(values, 1e-6)), vectors)
    return _rotation_average(logarithm.reshape(bands, ORIENTATIONS, bands, ORIENTATIONS))


def _to_grid(moduli: Floats) -> Floats:
    channels, orientations, size, _ = moduli.shape
    image = moduli.reshape(channels * orientations, size, size)
    while image.shape[-1] > GRID:
        image = halve(image)
    return image.reshape(channels, orientations, *image.shape[1:])


def _rotation_average(blocks: np.ndarray) -> Floats:
    bands = blocks.shape[0]
    turned = [
        np.mean([blocks[:, o, :, (o + k) % ORIENTATIONS] for o in range(ORIENTATIONS)], axis=0)
        for k in range(ORIENTATIONS)
    ]
    upper = np.triu_indices(bands)
    folded = [
        (turned[k] + turned[-k % ORIENTATIONS])[upper] / 2 for k in range(ORIENTATIONS // 2 + 1)
    ]
    return np.concatenate(folded).astype(np.float32)
