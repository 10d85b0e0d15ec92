"""Local binary patterns: the fine grain of chromatin and fibres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.descriptor.colour import Floats

# The eight neighbours, in a circle.
_CIRCLE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
# A neighbour counts as brighter only beyond this optical density: on blank glass the
# pattern is then "flat" and not the noise of the camera.
_THRESHOLD = np.float32(0.002)


def _classes() -> NDArray[np.intp]:
    """(256,) for every pattern the number of its class under rotation and reflection."""
    least = [min(_turned(p) + _turned(int(f"{p:08b}"[::-1], 2))) for p in range(256)]
    number = {value: i for i, value in enumerate(sorted(set(least)))}
    return np.array([number[value] for value in least], dtype=np.intp)


def _turned(pattern: int) -> list[int]:
    return [((pattern << k) | (pattern >> (8 - k))) & 255 for k in range(8)]


_CLASS_OF = _classes()
N_CLASSES = int(_CLASS_OF.max()) + 1


def pattern_frequencies(image: Floats) -> Floats:
    """How often each local binary pattern occurs, rotations and reflections counted as one.

    Parameters
    ----------
    image
        float32 (h, w).

    Returns
    -------
    ndarray of float32 (30,)
        Square roots of frequencies (the Hellinger map: distances between vectors are then
        Hellinger distances between the histograms).

    References
    ----------
    Ojala, Pietikainen and Maenpaa 2002, IEEE TPAMI 24:971-987, eq. 8 (LBP^ri, P = 8, R = 1),
    here with reflections: a section can lie on the glass either way up.
    """
    h, w = image.shape
    centre = image[1:-1, 1:-1] + _THRESHOLD
    code = np.zeros(centre.shape, dtype=np.uint8)
    for bit, (dy, dx) in enumerate(_CIRCLE):
        neighbour = image[1 + dy : h - 1 + dy, 1 + dx : w - 1 + dx]
        code |= (neighbour > centre).view(np.uint8) << np.uint8(bit)
    counts = np.bincount(_CLASS_OF, weights=np.bincount(code.ravel(), minlength=256))
    return np.sqrt(counts / code.size).astype(np.float32)
