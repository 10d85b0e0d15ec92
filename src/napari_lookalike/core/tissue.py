"""Where the tissue is: a mask at a low level that keeps pale brain white matter.

The background is not a number but a surface: a smooth field of optical density (OD)
fitted to the glass, since illumination, dirty glass and stain that ran out of the tissue
vary over a slide. Tissue is what absorbs more than that surface, beyond the glass's own
noise. So pale tissue stays, where Otsu's threshold between dark tissue and the rest
would drop it, and a pink halo goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_lookalike.core.errors import TissueError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.glass import (
    channel_range,
    dark_edges,
    filler,
    glass_surface,
    optical_density,
    texture_of,
)
from napari_lookalike.core.pen import find_pen
from napari_lookalike.core.slides.base import RGB, Slide

MAX_EDGE_PX: Final = 4096
_NO_MPP_EDGE_PX: Final = 1024
_Float = NDArray[np.float32]
_Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class TissueSettings:
    """Thresholds of the tissue mask and of the tiles cut from it. All are editable.

    Parameters
    ----------
    pixel_um
        Edge of a mask pixel in µm. Without mpp the longest edge has 1024 pixels, and
        one pixel is taken for this size wherever an area is given in µm².
    auto
        Raise ``min_density`` on slides whose glass is noisy or unevenly coloured.
    min_density
        Optical density (decadic) above the glass, in the channel that absorbs most, from
        which a pixel may be tissue. Lower keeps paler tissue.
    sure_density
        Optical density above the glass from which a pixel is tissue even if it is smooth.
    min_texture
        Standard deviation of the density over 5 x 5 mask pixels from which pale areas
        are tissue; glass and halos are smooth.
    min_area_um2
        Smaller pieces are dropped (specks).
    max_hole_um2
        Smaller holes are filled.
    exclude_pen
        Take pen marks out of the mask.
    min_tissue
        Share of a tile that must be tissue.
    max_pen
        Share of a tile that may be pen.
    """

    pixel_um: float = 8.0
    auto: bool = True
    min_density: float = 0.035
    sure_density: float = 0.09
    min_texture: float = 0.005
    min_area_um2: float = 20_000.0
    max_hole_um2: float = 10_000.0
    exclude_pen: bool = True
    min_tissue: float = 0.4
    max_pen: float = 0.1


@dataclass(frozen=True, eq=False)
class TissueMask:
    """Tissue and pen at a low level.

    Parameters
    ----------
    mask
        bool (h, w): tissue, without pen marks.
    pen
        bool (h, w): pen marks.
    downsample_xy
        Level-0 pixels per mask pixel (x, y), exact: ``width0 / w``, ``height0 / h``.
    settings
        What it was made with.
    threshold
        The density above the glass that was used (see `TissueSettings.auto`).
    """

    mask: _Bool
    pen: _Bool
    downsample_xy: tuple[float, float]
    settings: TissueSettings = field(default_factory=TissueSettings)
    threshold: float = 0.0

    @property
    def share(self) -> float:
        """Share of the slide that is tissue."""
        return float(self.mask.mean())


def find_tissue(slide: Slide, settings: TissueSettings | None = None) -> TissueMask:
    """Find the tissue of a slide.

    Parameters
    ----------
    slide
        An open slide.
    settings
        Thresholds; the defaults if ``None``.

    Returns
    -------
    TissueMask
        At about ``settings.pixel_um`` µm per pixel if mpp is known, else with a longest
        edge of 1024 pixels.

    Raises
    ------
    TissueError
        If nothing on the slide is tissue; lower the thresholds, or exclude the slide.
    """
    settings = settings or TissueSettings()
    width0, height0 = slide.size
    size = _mask_size(slide, settings)
    rgb = slide.read_region(Region(0, 0, width0, height0), size)
    pixel_um = settings.pixel_um if slide.scale.mpp is None else slide.scale.mpp * width0 / size[0]
    mask, pen, threshold = mask_of(rgb, pixel_um, settings)
    if not mask.any():
        raise TissueError(
            "No tissue was found.",
            "Look at the slide; lower the tissue thresholds, or exclude it.",
            slide.name,
        )
    return TissueMask(mask, pen, (width0 / size[0], height0 / size[1]), settings, threshold)


def mask_of(rgb: RGB, pixel_um: float, settings: TissueSettings) -> tuple[_Bool, _Bool, float]:
    """Tissue and pen of an image: `find_tissue` without a slide.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8.
    pixel_um
        Edge of a pixel in µm.
    settings
        Thresholds.

    Returns
    -------
    mask, pen
        bool (h, w) each.
    threshold
        Optical density above the glass that was used.
    """
    density = optical_density(rgb)
    smooth = ndimage.uniform_filter(density, size=(3, 3, 1))
    texture = texture_of(density)
    blank = filler(rgb) | dark_edges(rgb)
    surface, noise = glass_surface(smooth, texture, ~blank)
    excess = smooth - surface
    threshold = settings.min_density
    if settings.auto:
        threshold = min(max(threshold, 5.0 * noise), settings.sure_density)
    pen = np.zeros(blank.shape, dtype=bool)
    if settings.exclude_pen:
        pen = find_pen(smooth, pixel_um) & ~blank
    candidates = _candidates(channel_range(excess)[1], texture, threshold, settings)
    mask = _clean(candidates & ~pen & ~blank, pixel_um, settings) & ~pen & ~blank
    return _without_dust(mask, excess), pen, float(threshold)


def _mask_size(slide: Slide, settings: TissueSettings) -> tuple[int, int]:
    """(width, height) of the mask in pixels, never more than level 0 has."""
    width, height = slide.size
    mpp = slide.scale.mpp
    shrink = max(width, height) / _NO_MPP_EDGE_PX if mpp is None else settings.pixel_um / mpp
    shrink = max(shrink, max(width, height) / MAX_EDGE_PX, 1.0)
    return max(1, round(width / shrink)), max(1, round(height / shrink))


def _candidates(
    excess: _Float, texture: _Float, threshold: float, settings: TissueSettings
) -> _Bool:
    """Denser than glass, and either textured or too dense to be a stain on the glass."""
    weak = excess > threshold
    # the texture of a pale area is looked for in its surroundings: fibres are uneven
    nearby = ndimage.maximum_filter(texture, size=3) > settings.min_texture
    return np.asarray(weak & (nearby | (excess > settings.sure_density)), dtype=bool)


def _clean(mask: _Bool, pixel_um: float, settings: TissueSettings) -> _Bool:
    """Close gaps, drop specks, fill small holes."""
    around = np.pad(mask, 2)  # so that tissue cut by the picture's edge is not eroded there
    closed = ndimage.binary_closing(around, _disk(2))
    opened = ndimage.binary_opening(closed, _disk(1))[2:-2, 2:-2]
    kept = _drop_small(opened, settings.min_area_um2 / pixel_um**2)
    return np.asarray(~_drop_small(~kept, settings.max_hole_um2 / pixel_um**2), dtype=bool)


def _disk(radius: int) -> _Bool:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x**2 + y**2 <= radius**2 + 1, dtype=bool)


def _drop_small(mask: _Bool, area_px: float) -> _Bool:
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    kept = np.bincount(labels.ravel()) >= area_px
    kept[0] = False  # what lies around the pieces is none, however small a piece may be
    return np.asarray(kept[labels], dtype=bool)


def _without_dust(mask: _Bool, excess: _Float) -> _Bool:
    """Drop pieces that are pale grey all over: dust and drops out of focus."""
    labels, count = ndimage.label(mask)
    keep = np.zeros(count + 1, dtype=bool)
    for i, where in enumerate(ndimage.find_objects(labels), start=1):
        values = excess[where][labels[where] == i]
        colour = np.percentile(values.max(axis=1) - values.min(axis=1), 75)
        keep[i] = colour > 0.03 or np.percentile(values.mean(axis=1), 75) > 0.15
    return np.asarray(keep[labels], dtype=bool)
