"""Macenko's method: two stain vectors from the plane that the optical densities span.

References
----------
Macenko et al., "A method for normalizing histology slides for quantitative analysis",
ISBI 2009: sections 2.2 (the plane and its extreme angles) and 2.3 (99th percentile of the
concentrations). The target's numbers are those of the authors' own example, as they
stand in torchstain and in the MATLAB code before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.normalise.colour_map import BETA, LIGHT, ColourMap, Matrix
from napari_lookalike.core.normalise.pixels import NotFitted, enough

ALPHA: Final = 1.0
"""Per cent of angles that are left out at either end."""

TOP: Final = 99.0
"""Percentile that stands for a stain's highest concentration."""

TARGET_STAINS: Final = ((0.5626, 0.7201, 0.4062), (0.2159, 0.8012, 0.5581))
TARGET_TOP: Final = (1.9705, 1.0308)

_LEAST_ANGLE: Final = np.radians(6.0)
_LEAST_SHARE: Final = 0.05


@dataclass(frozen=True)
class Stains:
    """Haematoxylin and eosin of one slide.

    Parameters
    ----------
    vectors
        Unit vectors of optical density in red, green, blue: haematoxylin, eosin.
    top
        99th percentile of either concentration.
    """

    vectors: tuple[tuple[float, ...], ...]
    top: tuple[float, ...]


TARGET: Final = Stains(TARGET_STAINS, TARGET_TOP)


def estimate(rgb: NDArray[np.uint8]) -> Stains:
    """Stain vectors and highest concentrations of pooled pixels.

    Parameters
    ----------
    rgb
        uint8 (n, 3) of tissue tiles; glass between the tissue is left out.

    Raises
    ------
    NotFitted
        If there is too little stain, or only one.
    """
    density = -np.log((rgb.astype(np.float64) + 1) / LIGHT)
    tissue = density[(density >= BETA).any(axis=1)]
    stained = tissue[(tissue >= BETA).all(axis=1)]
    enough(len(stained))
    if len(stained) < _LEAST_SHARE * len(tissue):
        # Only nuclei are left, and the eosin that they show is an invention.
        share = len(stained) / len(tissue)
        raise NotFitted(f"it is so pale that {share:.0%} of its tissue absorbs in all colours")
    first, second = _plane(stained)
    angles = np.arctan2(stained @ second, stained @ first)
    low, high = np.percentile(angles, [ALPHA, 100 - ALPHA])
    if high - low < _LEAST_ANGLE:
        raise NotFitted("only one stain can be told apart")
    ends = [np.cos(a) * first + np.sin(a) * second for a in (low, high)]
    # Haematoxylin absorbs more red than eosin does.
    vectors = np.array(sorted(ends, key=lambda v: -v[0]))
    # Glass would make the percentile one of the tissue's share and not of its stain.
    top = np.percentile(tissue @ np.linalg.pinv(vectors), TOP, axis=0)
    if vectors.min() < -0.1 or top.min() < 0.1:
        raise NotFitted("the two stains that were found are not haematoxylin and eosin")
    return Stains(tuple(tuple(float(x) for x in v) for v in vectors), tuple(float(x) for x in top))


def _plane(density: Matrix) -> tuple[Matrix, Matrix]:
    """The two directions that vary most, the first one pointing to more stain."""
    _, directions = np.linalg.eigh(np.cov(density.T))
    first, second = directions[:, 2], directions[:, 1]
    # An eigenvector has no sign: turned round, all angles would lie around 180 degrees,
    # where they jump.
    return (first if first.sum() > 0 else -first), second


def colour_map(stains: Stains, target: Stains = TARGET) -> ColourMap:
    """The map that gives a slide the target's stains.

    Concentrations C = pinv(V) · OD, scaled by target.top / top, times the target's
    vectors, is one 3 x 3 matrix in optical density; OD = -ln((I + 1) / 240), and back by
    I = 240 exp(-OD).

    Parameters
    ----------
    stains
        The slide's.
    target
        What it shall look like.
    """
    own, wanted = (np.array(s.vectors).T for s in (stains, target))
    scale = np.diag(np.divide(target.top, stains.top))
    matrix = wanted @ scale @ np.linalg.pinv(own)
    offset = np.log(LIGHT) * (1 - matrix.sum(axis=1))
    return ColourMap(matrix, offset, add=1.0)
