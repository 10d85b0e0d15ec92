"""Reinhard's method: mean and spread of each channel of a colour space, moved to a target.

References
----------
Reinhard et al., "Color transfer between images", IEEE Computer Graphics and Applications
21 (2001), equations 2 to 11: RGB to cone responses, their logarithm, the space lαβ of
Ruderman et al. (1998), and back.
Amgad et al., "Structured crowdsourcing enables convolutional segmentation of histology
images", Bioinformatics 35 (2019): the target, one H&E slide of breast cancer
(TCGA-A2-A3XS), as published with HistomicsTK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.normalise.colour_map import BETA, LIGHT, ColourMap
from napari_lookalike.core.normalise.pixels import NotFitted, enough

RGB_TO_LMS: Final = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
LMS_TO_LAB: Final = np.diag(1 / np.sqrt([3.0, 6.0, 2.0])) @ np.array(
    [[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]]
)

TARGET_MEAN: Final = (8.74108109, -0.12440419, 0.0444982)
TARGET_SPREAD: Final = (0.6135447, 0.10989545, 0.0286032)

_LEAST_SPREAD: Final = 0.05
"""Of the target's spread: a channel with less is grey, and would be noise afterwards."""


@dataclass(frozen=True)
class Colours:
    """Mean and standard deviation in lαβ (natural logarithm of 0 to 255).

    Parameters
    ----------
    mean, spread
        Of l, α and β.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]


TARGET: Final = Colours(TARGET_MEAN, TARGET_SPREAD)


def estimate(rgb: NDArray[np.uint8]) -> Colours:
    """Colours of pooled tissue pixels.

    Parameters
    ----------
    rgb
        uint8 (n, 3) of tissue tiles; glass between the tissue is left out.

    Raises
    ------
    NotFitted
        If there is too little stain, or no colour.
    """
    values = rgb.astype(np.float64)
    tissue = values[(-np.log((values + 1) / LIGHT) >= BETA).any(axis=1)]
    enough(len(tissue))
    lab = np.log(np.maximum(tissue @ RGB_TO_LMS.T, 1)) @ LMS_TO_LAB.T
    mean, spread = lab.mean(axis=0), lab.std(axis=0)
    if (spread < _LEAST_SPREAD * np.array(TARGET_SPREAD)).any():
        raise NotFitted("its colours hardly differ")
    return Colours(tuple(float(x) for x in mean), tuple(float(x) for x in spread))


def colour_map(colours: Colours, target: Colours = TARGET) -> ColourMap:
    """The map that gives a slide the target's colours.

    Each channel becomes (x - mean) · target.spread / spread + target.mean. Glass, which is
    no part of the statistics, would be tinted by that (cyan, for a pale slide): it stays as
    it is, which is what masking it out does, but without a seam.

    Parameters
    ----------
    colours
        The slide's.
    target
        What it shall look like.
    """
    scale = np.divide(target.spread, colours.spread)
    back = np.linalg.inv(LMS_TO_LAB)
    matrix = back @ np.diag(scale) @ LMS_TO_LAB
    offset = back @ (np.array(target.mean) - scale * np.array(colours.mean))
    after = np.linalg.inv(RGB_TO_LMS)
    return ColourMap(matrix, offset, before=RGB_TO_LMS, after=after, keep_glass=True)
