"""The bare glass of a slide: its colour as a smooth surface, its filler and its dark edges."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_lookalike.core.slides.base import RGB

_Float = NDArray[np.float32]
_Bool = NDArray[np.bool_]

MAX_GLASS_DENSITY: Final = 0.25
"""Glass, even with stain on it, absorbs no more than this in any channel."""

_CALM: Final = 0.006
_JOIN: Final = 0.02
_MIN_SHARE: Final = 0.002
_USUAL_GLASS: Final = 0.02
_FIT_POINTS: Final = 20_000
_DEGREES: Final = (0, 1, 1, 2, 2, 3, 3)


def optical_density(rgb: RGB) -> _Float:
    """Decadic optical density against full white.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8.

    Returns
    -------
    ndarray of float32 (h, w, 3)
        ``-log10((I + 1) / 256)``: 0 for white, 2.41 for black.
    """
    table = -np.log10((np.arange(256, dtype=np.float32) + 1) / 256)
    return np.asarray(table[rgb], dtype=np.float32)


def channel_mean(density: _Float) -> _Float:
    """Mean over the channels: (h, w, 3) to (h, w). Faster than numpy's over so short an axis."""
    return (density[..., 0] + density[..., 1] + density[..., 2]) / np.float32(3)


def channel_range(density: _Float) -> tuple[_Float, _Float]:
    """Least and greatest of the channels: (h, w, 3) to twice (h, w)."""
    first, second, third = density[..., 0], density[..., 1], density[..., 2]
    low = np.minimum(np.minimum(first, second), third)
    return low, np.maximum(np.maximum(first, second), third)


def texture_of(density: _Float, size: int = 5) -> _Float:
    """Standard deviation of the mean density over ``size`` x ``size`` pixels.

    Parameters
    ----------
    density
        (h, w, 3) optical density.
    size
        Edge of the window in pixels.

    Returns
    -------
    ndarray of float32 (h, w)
    """
    mean = channel_mean(density)
    first = ndimage.uniform_filter(mean, size)
    second = ndimage.uniform_filter(mean**2, size)
    return np.asarray(np.sqrt(np.maximum(second - first**2, 0.0)), dtype=np.float32)


def glass_surface(density: _Float, texture: _Float, usable: _Bool) -> tuple[_Float, float]:
    """Fit the glass: grown from its brightest common colour, not from the mean.

    The fit starts as a constant at the brightest colour that many calm pixels share, and
    takes in, degree by degree, calm pixels that lie within 0.02 of it. So it follows
    uneven light and stain run into the surroundings, and does not jump to pale tissue.

    Parameters
    ----------
    density
        (h, w, 3) optical density, lightly smoothed.
    texture
        (h, w), see `texture_of`.
    usable
        bool (h, w): False on filler and scanner borders.

    Returns
    -------
    surface : ndarray of float32 (h, w, 3)
        Density of the glass, also underneath the tissue.
    noise : float
        Robust standard deviation of the glass about the surface.
    """
    calm = usable & (texture < _CALM) & (channel_range(density)[1] < MAX_GLASS_DENSITY)
    if calm.mean() < _MIN_SHARE:  # no glass in view: take clean glass
        return np.full_like(density, _USUAL_GLASS), 0.0
    rows, columns = np.nonzero(calm)
    every = max(1, len(rows) // _FIT_POINTS)
    rows, columns = rows[::every], columns[::every]
    values = density[rows, columns].astype(np.float64)
    member = np.abs(values.mean(axis=1) - _brightest_mode(values.mean(axis=1))) < _JOIN / 2
    scale = max(density.shape[:2])
    for degree in _DEGREES:
        design = _terms(rows / scale, columns / scale, degree)
        coefficients = _ridge(design[member], values[member])
        residual = values - design @ coefficients
        member = (np.abs(residual) < _JOIN).all(axis=1)
        if member.sum() < 50:
            return np.full_like(density, np.median(values, axis=0)), 0.0
    low, high = np.percentile(values[member], [1, 99], axis=0)
    noise = _spread(residual[member])
    step = max(1, scale // 128)  # the surface is smooth: made coarse, then enlarged
    surface = np.clip(_evaluate(coefficients, density.shape, scale, step), low, high)
    surface += _missed(surface, density[::step, ::step], calm[::step, ::step])
    return _enlarged(surface.astype(np.float32), density.shape, step), noise


def _brightest_mode(values: NDArray[np.float64]) -> float:
    counts, edges = np.histogram(values, bins=50, range=(0.0, MAX_GLASS_DENSITY))
    counts = np.convolve(counts, (1, 1, 1), mode="same")
    first = int(np.argmax(counts >= 0.3 * counts.max()))
    # climb to the top of that hill
    while first + 1 < len(counts) and counts[first + 1] > counts[first]:
        first += 1
    return float((edges[first] + edges[first + 1]) / 2)


def _terms(y: NDArray[np.float64], x: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    columns = [x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.stack(columns, axis=-1)


def _ridge(design: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    # a little shrinkage keeps the surface tame where there is no glass to hold it
    penalty = 1e-4 * len(design) * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    return np.asarray(np.linalg.solve(design.T @ design + penalty, design.T @ values))


def _evaluate(
    coefficients: NDArray[np.float64], shape: tuple[int, ...], scale: int, step: int
) -> NDArray[np.float64]:
    y = np.arange(0, shape[0], step)[:, None] / scale
    x = np.arange(0, shape[1], step)[None, :] / scale
    full_y, full_x = np.broadcast_arrays(y, x)
    design = _terms(full_y, full_x, _DEGREES[-1])
    return np.asarray(design @ coefficients)


def _missed(surface: NDArray[np.float64], density: _Float, calm: _Bool) -> NDArray[np.float64]:
    """What the cubic surface misses nearby (a halo), fading to nothing under tissue."""
    residual = density - surface
    weight = (calm & (np.abs(residual) < _JOIN).all(axis=2)).astype(np.float64)
    sigma = max(surface.shape[:2]) / 25
    total = ndimage.gaussian_filter(weight, sigma)
    parts = ndimage.gaussian_filter(residual * weight[..., None], (sigma, sigma, 0))
    return np.asarray(parts / (total[..., None] + 0.05))


def _enlarged(coarse: _Float, shape: tuple[int, ...], step: int) -> _Float:
    """Bilinear: coarse sample (i, j) lies at pixel (i * step, j * step)."""
    down, across = (_hat(n, m, step) for n, m in zip(shape[:2], coarse.shape[:2], strict=True))
    return np.stack([down @ coarse[..., c] @ across.T for c in range(3)], axis=-1)


def _hat(size: int, nodes: int, step: int) -> _Float:
    place = np.minimum(np.arange(size) / step, nodes - 1)
    weight = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(nodes)[None]))
    return np.asarray(weight, dtype=np.float32)


def _spread(residual: NDArray[np.float64]) -> float:
    centred = np.abs(residual - np.median(residual, axis=0))
    return float(1.4826 * np.median(centred, axis=0).max())


def filler(rgb: RGB) -> _Bool:
    """Pixels without a picture: the pure white or black that scanners fill gaps with.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8.

    Returns
    -------
    ndarray of bool (h, w)
        Black wherever it is exactly 0; white only if there is other bright glass too,
        since a rendered slide's glass may be pure white itself.
    """
    low = np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    black, white = (rgb[..., 0] | rgb[..., 1] | rgb[..., 2]) == 0, low == 255
    other = ((low > 200) & ~white).mean()
    return np.asarray(black | white if other > 0.02 else black, dtype=bool)


def dark_edges(rgb: RGB) -> _Bool:
    """Near-black areas that touch the picture's edge: holder, label, rim of the glass.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8.

    Returns
    -------
    ndarray of bool (h, w)
    """
    dark = np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2]) < 60
    labels, count = ndimage.label(dark)
    if not count:
        return np.zeros(dark.shape, dtype=bool)
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, rim[rim > 0])
