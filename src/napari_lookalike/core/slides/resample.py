"""Exact resampling of images between grids that do not fit each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

from napari_lookalike.core.slides.base import RGB

_STRIP = 64
"""Rows of the result that are made at a time: what lies between stays in the CPU's cache."""

_COLOURS = sparse.identity(3, dtype=np.float32, format="csr")


def area_resample(image: RGB, box: tuple[float, float, float, float], size: tuple[int, int]) -> RGB:
    """A rectangle of an image, resampled with an area filter.

    Each output pixel is the mean of the input under it, with partial weights for
    pixels that it covers in part. An axis that is enlarged is interpolated linearly
    (at a factor of one the two rules are the same).

    Parameters
    ----------
    image
        uint8 (height, width, 3).
    box
        (left, top, right, bottom) in pixels of ``image``; edges may lie between pixels.
        Beyond the image the nearest pixel counts.
    size
        (width, height) of the result.

    Returns
    -------
    ndarray of uint8 (height, width, 3)
    """
    left, top, right, bottom = box
    height, width = image.shape[:2]
    fast = _whole_factor(image, box, size)
    if fast is not None:
        return fast
    rows = _weights(top, bottom, height, size[1])
    columns = _weights(left, right, width, size[0])
    # The three colours of a pixel stay beside each other: nothing is turned around for them.
    across = sparse.csr_array(sparse.kron(columns, _COLOURS, format="csr"))
    flat = image.reshape(height, -1)
    out = np.empty((size[1], 3 * size[0]), np.uint8)
    for start in range(0, size[1], _STRIP):
        strip = rows[start : start + _STRIP]
        first, last = int(strip.indices.min()), int(strip.indices.max()) + 1
        strip = sparse.csr_array(
            (strip.data, strip.indices - first, strip.indptr), (strip.shape[0], last - first)
        )
        lines = np.asarray(strip @ flat[first:last].astype(np.float32))
        pixels = np.asarray(across @ lines.T).T
        out[start : start + _STRIP] = np.clip(np.rint(pixels), 0, 255)
    return out.reshape(size[1], size[0], 3)


def _whole_factor(
    image: RGB, box: tuple[float, float, float, float], size: tuple[int, int]
) -> RGB | None:
    """The result where a whole number of whole pixels goes into each; else ``None``."""
    edges = tuple(round(v) for v in box)
    if any(abs(a - b) > 1e-6 for a, b in zip(edges, box, strict=True)):
        return None
    left, top, right, bottom = edges
    if left < 0 or top < 0 or right > image.shape[1] or bottom > image.shape[0]:
        return None
    factor_x, rest_x = divmod(right - left, size[0])
    factor_y, rest_y = divmod(bottom - top, size[1])
    if rest_x or rest_y or not factor_x or not factor_y:
        return None
    part = image[top:bottom, left:right]
    if factor_x == factor_y == 1:
        return part.copy()
    reduced = Image.fromarray(np.ascontiguousarray(part)).reduce((factor_x, factor_y))
    return np.array(reduced)


def _weights(start: float, stop: float, n_in: int, n_out: int) -> sparse.csr_array:
    """Weights (n_out, n_in) of one axis; each row sums to one."""
    step = (stop - start) / n_out
    lower = start + step * np.arange(n_out)
    upper = lower + step
    if step < 1.0:  # enlarging: a window of one input pixel around the centre
        centre = (lower + upper) / 2
        lower, upper = centre - 0.5, centre + 0.5
    first = np.floor(lower).astype(np.int64)
    reach = int(np.ceil(max(step, 1.0))) + 1
    index = first[:, None] + np.arange(reach)
    cover = np.minimum(upper[:, None], index + 1.0) - np.maximum(lower[:, None], index)
    cover = np.clip(cover, 0.0, None)
    cover /= cover.sum(axis=1, keepdims=True)
    return _matrix(cover, np.clip(index, 0, n_in - 1), n_in)


def _matrix(cover: NDArray[np.float64], index: NDArray[np.int64], n_in: int) -> sparse.csr_array:
    n_out, reach = cover.shape
    pointers = np.arange(0, n_out * reach + 1, reach)
    data = cover.astype(np.float32).ravel()
    return sparse.csr_array((data, index.ravel(), pointers), shape=(n_out, n_in))
