"""Outlines of a mask as polygons with holes, in level-0 pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

Ring = list[list[float]]
SMALLEST_PX = 4
"""Pieces of fewer mask pixels are left out."""


def mask_polygons(mask: NDArray[np.bool_], downsample: tuple[float, float]) -> list[list[Ring]]:
    """Each connected piece of a mask as a polygon: its outer ring, then its holes.

    Parameters
    ----------
    mask
        bool (h, w).
    downsample
        Level-0 pixels per mask pixel (x, y).

    Returns
    -------
    list
        Polygons as GeoJSON has them: closed rings of [x, y], level-0 pixels with (0, 0) at
        the slide's top-left corner. Lines run through the edges' middle between pixels.
    """
    pieces, count = ndimage.label(mask)  # joined by edges, as find_contours joins them
    found = []
    for index, box in enumerate(ndimage.find_objects(pieces, count), start=1):
        piece = np.pad(pieces[box] == index, 1)
        if piece.sum() < SMALLEST_PX:
            continue
        start = (box[0].start - 1, box[1].start - 1)
        contours = find_contours(piece.astype(np.float32), 0.5)
        contours.sort(key=_area, reverse=True)  # the outer ring is the largest
        found.append([_ring(c, start, downsample) for c in contours])
    return found


def _area(contour: NDArray[np.float64]) -> float:
    y, x = contour[:, 0], contour[:, 1]
    return abs(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())) / 2


def _ring(contour: NDArray[np.float64], start: tuple[int, int], down: tuple[float, float]) -> Ring:
    """(row, column) of pixel centres -> [x, y] of level 0; closed."""
    x = (contour[:, 1] + start[1] + 0.5) * down[0]
    y = (contour[:, 0] + start[0] + 0.5) * down[1]
    ring = np.round(np.stack([x, y], axis=1), 2).tolist()
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    return ring  # type: ignore[no-any-return]
