"""Stain channels from the order of a pixel's colours, which a turn of the hue leaves alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.descriptor.colour import (
    DENSITY,
    EOSIN,
    HEMATOXYLIN,
    Floats,
    halve,
)


def _unmixing() -> Floats:
    """(2, 2) matrix: strongest and weakest absorption to amounts of hematoxylin and eosin."""
    stains = [np.asarray(v) / np.linalg.norm(v) for v in (HEMATOXYLIN, EOSIN)]
    absorbed = np.array([[v.max() for v in stains], [v.min() for v in stains]])
    return np.linalg.inv(absorbed).astype(np.float32)


_UNMIXING = _unmixing()


def ordered_channels(tile: NDArray[np.uint8]) -> Floats:
    """Absorptions and stain amounts of a tile at half its resolution.

    In HSV, value and saturation are functions of the largest and the smallest of R, G, B
    alone; so these channels do not change when all hues are turned.

    Parameters
    ----------
    tile
        (2h, 2w, 3) uint8 RGB.

    Returns
    -------
    ndarray of float32 (4, h, w)
        Optical density of the darkest and of the brightest colour of each pixel; amounts of
        hematoxylin and eosin that explain both.
    """
    red, green, blue = tile[..., 0], tile[..., 1], tile[..., 2]
    lowest = np.minimum(np.minimum(red, green), blue)
    highest = np.maximum(np.maximum(red, green), blue)
    absorbed = halve(np.stack([DENSITY[lowest], DENSITY[highest]]))
    channels = np.empty((4, *absorbed.shape[1:]), dtype=np.float32)
    channels[:2] = absorbed
    for i in range(2):
        # Written out: BLAS may sum in another order with other threads.
        channels[2 + i] = absorbed[0] * _UNMIXING[i, 0] + absorbed[1] * _UNMIXING[i, 1]
    return channels
