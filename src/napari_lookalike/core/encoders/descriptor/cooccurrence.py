"""Which grains come together, and how: what the Gabor responses have in common.

All responses are averaged onto one coarse grid and compared there, on a log scale.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lookalike.core.encoders.descriptor.colour import Floats, halve
from napari_lookalike.core.encoders.descriptor.gabor import ORIENTATIONS

GRID = 28
"""Edge of the common grid."""
_FLOOR = np.float32(1e-2)  # optical density; keeps the logarithm of blank glass quiet
_RIDGE_DIRECTED = 0.02  # on the diagonal: the covariance of smooth maps is nearly singular
_RIDGE_MIXED = 0.01
_RINGS = ((0.5, 2.5), (2.5, 5.0), (5.0, 10.0))  # cycles per tile


def _ring_masks() -> list[NDArray[np.bool_]]:
    fy, fx = np.fft.fftfreq(GRID)[:, None] * GRID, np.fft.rfftfreq(GRID)[None] * GRID
    radius = np.hypot(fy, fx)
    return [(radius >= lo) & (radius < hi) for lo, hi in _RINGS]


def _half_plane_weights() -> Floats:
    """A real transform keeps one half of the plane; but for its edges each value counts twice."""
    weights = np.full(GRID // 2 + 1, 2.0, dtype=np.float32)
    weights[[0, -1]] = 1.0
    return weights


_MASKS = _ring_masks()
_WEIGHTS = _half_plane_weights()


def common_grid(moduli: list[Floats]) -> Floats:
    """Responses of all scales on one grid, float32 (channels, scales, ORIENTATIONS, GRID, GRID)."""
    return np.stack([_shrink(m) for m in moduli], axis=1)


def _shrink(maps: Floats) -> Floats:
    image = maps.reshape(-1, *maps.shape[-2:])
    while image.shape[-1] > GRID:
        image = halve(image)
    return image.reshape(*maps.shape[:-2], GRID, GRID)


def modulation_energies(maps: Floats) -> Floats:
    """Second-order energies: how coarse is the pattern in which a grain comes and goes.

    The power of each map in rings of its spectrum relative to the map's own power; by
    Parseval's theorem no map needs to be filtered again.

    Parameters
    ----------
    maps
        From `common_grid`.

    Returns
    -------
    ndarray of float32 (channels * scales * 3,)

    References
    ----------
    Bruna and Mallat 2013, IEEE TPAMI 35:1872-1886 (second-order scattering).
    """
    total = (maps * maps).mean(axis=(-2, -1)) + np.float32(1e-8)
    spectrum = scipy.fft.rfft2(maps, workers=1)
    power = (spectrum.real**2 + spectrum.imag**2) * (_WEIGHTS / np.float32(GRID**4))
    rings = np.stack([power[..., mask].sum(axis=-1) for mask in _MASKS], axis=-1)
    relative = (rings / total[..., None]).mean(axis=2)
    energies: Floats = np.log(relative + np.float32(1e-4)).ravel().astype(np.float32)
    return energies


def directed_covariance(maps: Floats) -> Floats:
    """Log-Euclidean covariance of all responses, averaged over rotations.

    Covariance matrices lie on a curved space; their logarithms can be compared by plain
    differences. Of two orientations only the difference is kept, without its sign.

    Parameters
    ----------
    maps
        From `common_grid`, with ``B = channels * scales`` bands.

    Returns
    -------
    ndarray of float32 (B * (B + 1) / 2 * (ORIENTATIONS // 2 + 1),)

    References
    ----------
    Arsigny, Fillard, Pennec and Ayache 2006, Magn Reson Med 56:411-421.
    """
    bands = maps.shape[0] * maps.shape[1]
    flat = np.log(maps + _FLOOR).reshape(bands * ORIENTATIONS, -1)
    blocks = _log_covariance(flat, _RIDGE_DIRECTED)
    blocks = blocks.reshape(bands, ORIENTATIONS, bands, ORIENTATIONS)
    turned = [
        np.mean([blocks[:, o, :, (o + k) % ORIENTATIONS] for o in range(ORIENTATIONS)], axis=0)
        for k in range(ORIENTATIONS)
    ]
    upper = np.triu_indices(bands)
    folded = [
        (turned[k] + turned[-k % ORIENTATIONS])[upper] / 2 for k in range(ORIENTATIONS // 2 + 1)
    ]
    return np.concatenate(folded).astype(np.float32)


def mixed_covariance(maps: Floats, stains: Floats) -> Floats:
    """Log-Euclidean covariance of undirected grain energies with the stain amounts themselves.

    Parameters
    ----------
    maps
        From `common_grid`, with ``B = channels * scales`` bands.
    stains
        float32 (c, h, w), from `stain_channels`; h and w are `GRID` times a power of 2.

    Returns
    -------
    ndarray of float32 ((B + c) * (B + c + 1) / 2,)
    """
    energy = np.sqrt((maps * maps).mean(axis=2))
    grains = np.log(energy + _FLOOR).reshape(-1, GRID * GRID)
    amounts = _shrink(stains).reshape(len(stains), -1)
    logarithm = _log_covariance(np.concatenate([grains, amounts]), _RIDGE_MIXED)
    return logarithm[np.triu_indices(len(logarithm))].astype(np.float32)


def _log_covariance(rows: Floats, ridge: float) -> NDArray[np.float64]:
    """Matrix logarithm of the covariance of the rows, with ``ridge`` on its mean diagonal."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    # einsum and not a BLAS product: the sum must not depend on the number of threads.
    covariance = np.einsum("ip,jp->ij", centred, centred).astype(np.float64) / rows.shape[1]
    d = len(rows)
    # The constant keeps a uniform tile (zero covariance) finite.
    covariance[np.diag_indices(d)] += ridge * np.trace(covariance) / d + 1e-6
    values, vectors = np.linalg.eigh(covariance)
    logarithms = np.log(np.maximum(values, 1e-9))
    result: NDArray[np.float64] = np.einsum("ik,jk->ij", vectors * logarithms, vectors)
    return result
