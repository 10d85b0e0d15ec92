"""Synthetic stained tiles, for tests: Beer's law over known concentrations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLUE = ((0.66, 0.66, 0.28), (0.09, 0.80, 0.40))
"""Haematoxylin and eosin of one laboratory."""

VIOLET = ((0.54, 0.74, 0.33), (0.07, 0.74, 0.52))
"""... and of another one."""


def concentrations(n: int = 8, px: int = 96, seed: int = 0) -> NDArray[np.float64]:
    """(n, px, px, 2): nuclei in a ground of eosin that varies."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:px, :px]
    ground = 0.5 + 0.3 * np.sin(xx / 9 + rng.uniform(0, 6, (n, 1, 1))) * np.cos(yy / 11)
    conc = np.stack([0.05 + 0 * ground, ground], axis=-1)
    for tile in conc:
        for x, y in rng.uniform(5, px - 5, (px // 3, 2)):
            inside = (xx - x) ** 2 + (yy - y) ** 2 < rng.uniform(3, 6) ** 2
            tile[inside] = rng.uniform(0.9, 1.8), rng.uniform(0.1, 0.35)
    return conc


def develop(
    conc: NDArray[np.float64],
    stains: tuple[tuple[float, ...], ...],
    strength: float = 1.0,
    noise: float = 2.0,
    seed: int = 1,
) -> NDArray[np.uint8]:
    """Concentrations (..., k) to RGB (..., 3) on glass of 243."""
    light = 243 * np.exp(-strength * conc @ np.array(stains))
    light += np.random.default_rng(seed).normal(0, noise, light.shape)
    return light.clip(0, 255).round().astype(np.uint8)
