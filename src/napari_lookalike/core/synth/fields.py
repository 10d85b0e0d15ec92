"""Random fields and fibre textures, at low resolution or as periodic sheets.

Everything is float32 and indexed (row, column); lengths are in level-0 pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Field = NDArray[np.float32]
Rng = np.random.Generator


def resize(field: Field, shape: tuple[int, int]) -> Field:
    """Bicubic resampling to ``shape`` (height, width)."""
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    resampled = image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.array(resampled, dtype=np.float32)


def smoothstep(x: Field, low: float, high: float) -> Field:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    smooth: Field = (t * t * (3.0 - 2.0 * t)).astype(np.float32)
    return smooth


def smooth_noise(rng: Rng, shape: tuple[int, int], scale_px: float, step: int = 1) -> Field:
    """Gaussian noise of mean 0 and standard deviation 1, smooth over ``scale_px``.

    Parameters
    ----------
    rng
        Source of randomness.
    shape
        (height, width) of the result.
    scale_px
        Length over which it varies, in level-0 pixels.
    step
        Level-0 pixels per pixel of the result.
    """
    cells = tuple(max(4, int(np.ceil(n * step / scale_px)) + 3) for n in shape)
    coarse = rng.standard_normal(cells).astype(np.float32)
    fine = resize(coarse, shape)
    noise: Field = (fine / max(float(fine.std()), 1e-6)).astype(np.float32)
    return noise


def fractal_noise(
    rng: Rng, shape: tuple[int, int], scale_px: float, step: int = 1, octaves: int = 3
) -> Field:
    """Sum of octaves of `smooth_noise`, each half as long and about half as strong."""
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        total += 0.55**octave * smooth_noise(rng, shape, scale_px / 2**octave, step)
    noise: Field = (total / total.std()).astype(np.float32)
    return noise


def grain(rng: Rng, size: int, sigma_px: float) -> Field:
    """A periodic (size, size) sheet of blurred white noise, standardised."""
    sheet = ndimage.gaussian_filter(rng.standard_normal((size, size)), sigma_px, mode="wrap")
    noise: Field = ((sheet - sheet.mean()) / sheet.std()).astype(np.float32)
    return noise


def fibres(
    rng: Rng, size: int, angle: float, *, spread: float, length: int, sparse: float
) -> Field:
    """A periodic (size, size) sheet of fibres about one direction, standardised.

    Line integral convolution (Cabral and Leedom 1993) of sparse noise along a wavy
    direction field.

    Parameters
    ----------
    rng
        Source of randomness.
    size
        Edge of the sheet in pixels.
    angle
        Mean direction in radians, from the x axis towards the y axis.
    spread
        Standard deviation of the local direction, radians.
    length
        Half length of a fibre in pixels.
    sparse
        Share of the pixels from which a fibre starts: less gives distinct strands.
    """
    wave = ndimage.gaussian_filter(rng.standard_normal((size, size)), 14.0, mode="wrap")
    theta = angle + spread * wave / wave.std()
    step_x, step_y = np.cos(theta).astype(np.float32), np.sin(theta).astype(np.float32)
    seeds = (rng.random((size, size)) < sparse) * rng.gamma(2.0, 1.0, (size, size))
    seeds = ndimage.gaussian_filter(seeds, 0.55, mode="wrap").astype(np.float32)
    total = seeds.copy()
    for sign in (1.0, -1.0):
        y, x = np.mgrid[0:size, 0:size].astype(np.float32)
        for _ in range(length):
            row, column = np.rint(y).astype(np.int32) % size, np.rint(x).astype(np.int32) % size
            x += sign * step_x[row, column]
            y += sign * step_y[row, column]
            total += seeds[np.rint(y).astype(np.int32) % size, np.rint(x).astype(np.int32) % size]
    total = ndimage.gaussian_filter(total, 0.5, mode="wrap")
    sheet: Field = ((total - total.mean()) / total.std()).astype(np.float32)
    return sheet


def _window(size: int) -> Field:
    ramp = np.sin(np.pi * (np.arange(size, dtype=np.float32) + 0.5) / size) ** 2
    return np.outer(ramp, ramp).astype(np.float32)


def mosaic(
    rng: Rng, sheets: list[Field], shape: tuple[int, int], choice: NDArray[np.intp], patch: int
) -> Field:
    """Cover a large area with random cut-outs of sheets, without seams or visible repeats.

    Cut-outs overlap by half; their weighted sum is divided by the root of the summed
    squared weights, so that it keeps the variance of the sheets.

    Parameters
    ----------
    rng
        Source of randomness.
    sheets
        Periodic standardised textures of one size.
    shape
        (height, width) to cover.
    choice
        Index of a sheet wherever a cut-out may lie: any small array that is spread over
        the area.
    patch
        Edge of a cut-out in pixels, even, smaller than a sheet.
    """
    hop = patch // 2
    rows, columns = -(-shape[0] // hop) + 1, -(-shape[1] // hop) + 1
    total = np.zeros(((rows + 1) * hop, (columns + 1) * hop), dtype=np.float32)
    power = np.zeros((2 * hop, 2 * hop), dtype=np.float32)
    window = _window(patch)
    span = sheets[0].shape[0] - patch
    for r in range(rows):
        for c in range(columns):
            at = choice[r * choice.shape[0] // rows, c * choice.shape[1] // columns]
            y, x = rng.integers(0, span, 2)
            cut = sheets[at][y : y + patch, x : x + patch]
            total[r * hop : r * hop + patch, c * hop : c * hop + patch] += window * cut
    for dy in (0, hop):
        for dx in (0, hop):
            power += np.roll(window**2, (dy, dx), (0, 1))
    norm = 1.0 / np.sqrt(power[:hop, :hop])
    tiled = np.tile(norm, (rows + 1, columns + 1))
    total *= tiled
    return total[hop : hop + shape[0], hop : hop + shape[1]]


def scatter(rng: Rng, density: Field, step: int, min_distance: float) -> NDArray[np.float32]:
    """Points of a hard-core process: random, but never closer than ``min_distance``.

    Parameters
    ----------
    rng
        Source of randomness.
    density
        Wished points per level-0 pixel of area, at 1/``step`` resolution.
    step
        Level-0 pixels per pixel of ``density``.
    min_distance
        In level-0 pixels.

    Returns
    -------
    ndarray of float32 (n, 2)
        (x, y) in level-0 pixels.
    """
    from scipy.spatial import cKDTree

    rate = np.clip(density, 0.0, None).ravel() * step * step
    # A hard core thins a Poisson process; start with more so that the wish is about met.
    crowding = np.clip(density.max() * np.pi * min_distance**2 / 2.0, 0.0, 2.2)
    counts = rng.poisson(rate * (1.0 + crowding))
    cells = np.repeat(np.arange(rate.size), counts)
    cells = rng.permutation(cells)
    corner = np.stack([cells % density.shape[1], cells // density.shape[1]], axis=1)
    points = ((corner + rng.random(corner.shape)) * step).astype(np.float32)
    if len(points) < 2:
        return points
    pairs = cKDTree(points).query_pairs(min_distance, output_type="ndarray")
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    alive = [True] * len(points)
    for i, j in pairs.tolist():
        if alive[i]:
            alive[j] = False
    kept: NDArray[np.float32] = points[np.array(alive)]
    return kept
