"""Pen marks on the glass: red, green, blue and black ink, told from stained tissue.

Ink is judged in optical density (OD), where a stain keeps its direction whatever its
strength: haematoxylin and eosin absorb green most, and blue least. Blue ink absorbs red
most, green ink absorbs green least, red ink absorbs green and blue alike, black ink
absorbs all alike. Ranges of RGB, as older rules have them, also hit grey-blue tissue.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_lookalike.core.glass import channel_mean, channel_range

_Float = NDArray[np.float32]
_Bool = NDArray[np.bool_]

MIN_PEN_UM2: Final = 60_000.0
"""A felt-tip line is at least 0.3 mm wide; smaller spots of such colours are tissue."""

MIN_PEN_WIDTH_UM: Final = 80.0
"""Ink lies in strokes; lines thinner than this are fibres, folds or dust."""

_GROW_UM: Final = 80.0


def find_pen(density: _Float, pixel_um: float) -> _Bool:
    """Where the glass is marked with a pen.

    Parameters
    ----------
    density
        (h, w, 3) optical density of the slide at a low level, lightly smoothed.
    pixel_um
        Edge of one of its pixels in µm.

    Returns
    -------
    ndarray of bool (h, w)
        True on ink, its paler rim included.
    """
    low, high = channel_range(density)
    glass = high < 0.12
    found = np.zeros(glass.shape, dtype=bool)
    for name, core in _ink_candidates(density, low, high).items():
        found |= _strokes(core, pixel_um, glass if name == "red" else None)
    if found.any():
        # The rim of a stroke is pale and has no sure colour: take what is no stain near it.
        steps = max(1, round(_GROW_UM / pixel_um))
        near = ndimage.binary_dilation(found, iterations=steps)
        found |= near & ~glass & ~_stain_hue(density)
    return found


def _ink_candidates(density: _Float, low: _Float, high: _Float) -> dict[str, _Bool]:
    red, green, blue = density[..., 0], density[..., 1], density[..., 2]
    mean, spread = channel_mean(density), high - low
    return {
        # haematoxylin has red/green near 0.93, so grey-blue tissue stays below 1.35
        "blue": (red > 0.30) & (red > 1.35 * green) & (red > 1.6 * blue),
        # dark ink, also over tissue; no stained tissue is so dark at a low level
        "dark blue": (mean > 0.65) & (red > 1.02 * green) & (red > 1.5 * blue),
        "green": (red > 0.20) & (green + 0.07 < np.minimum(red, blue)) & (green < 0.8 * blue),
        # erythrocytes share this colour: `find_pen` asks that the stroke lies on glass
        "red": (green > 0.35) & (blue > 0.65 * green) & (blue < 1.3 * green) & (red < 0.25 * green),
        "black": (mean > 0.5) & (spread < 0.22 * mean),
    }


def _stain_hue(density: _Float) -> _Bool:
    """Pink to purple: green absorbed most, as by eosin and haematoxylin."""
    red, green, blue = density[..., 0], density[..., 1], density[..., 2]
    return np.asarray((green > 1.02 * red) & (green > 1.15 * blue), dtype=bool)


def _strokes(core: _Bool, pixel_um: float, glass: _Bool | None) -> _Bool:
    """Connected parts of ``core`` that are large and wide enough (and lie on glass)."""
    core = ndimage.binary_closing(np.pad(core, 2), iterations=2)[2:-2, 2:-2]
    labels, count = ndimage.label(core, structure=np.ones((3, 3), dtype=bool))
    if not count:
        return np.zeros(core.shape, dtype=bool)
    index = np.arange(1, count + 1)
    area = ndimage.sum_labels(core, labels, index) * pixel_um**2
    half_width = ndimage.maximum(
        ndimage.distance_transform_edt(np.pad(core, 1))[1:-1, 1:-1], labels, index
    )
    good = (area >= MIN_PEN_UM2) & (2 * half_width * pixel_um >= MIN_PEN_WIDTH_UM)
    if glass is not None:
        good &= _share_on_glass(labels, glass, index) >= 0.5
    keep = np.concatenate(([False], good))
    return np.asarray(keep[labels], dtype=bool)


def _share_on_glass(
    labels: NDArray[np.int32], glass: _Bool, index: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Which share of each part's surroundings, 3 to 4 pixels away, is bare glass."""
    grown = ndimage.grey_dilation(labels, size=(9, 9))
    ring = np.where(ndimage.binary_dilation(labels > 0, iterations=2), 0, grown)
    total = ndimage.sum_labels(np.ones(ring.shape), ring, index)
    bare = ndimage.sum_labels(glass, ring, index)
    return np.asarray(bare / np.maximum(total, 1.0), dtype=np.float64)
