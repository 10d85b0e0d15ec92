"""Which stain a slide has: H&E, or something else. A guess, shown and editable.

Colours are judged in optical density by van der Laak's hue-saturation-density chroma,
in which a stain is a direction from the grey point whatever its strength: haematoxylin
lies at about 66 degrees, eosin at 122, DAB brown at 205, aniline blue near 30 and green
below 0.

References
----------
van der Laak et al., "Hue-saturation-density (HSD) model for stain recognition in digital
images from transmitted light microscopy", Cytometry 39 (2000), equations 5 to 8.
Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution",
Anal. Quant. Cytol. Histol. 23 (2001): the stain vectors behind the angles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_lookalike.core.glass import (
    channel_mean,
    channel_range,
    dark_edges,
    filler,
    glass_surface,
    optical_density,
    texture_of,
)
from napari_lookalike.core.pen import find_pen
from napari_lookalike.core.slides.base import RGB, Slide

H_AND_E: Final = "H&E"
OTHER: Final = "other"

_STAINED: Final = 0.08
_GREY: Final = 0.12
_THUMBNAIL_PX: Final = 1024


@dataclass(frozen=True)
class StainGuess:
    """What the stain seems to be.

    Parameters
    ----------
    name
        "H&E" or "other".
    confidence
        0.5 (a toss-up) to 1.
    reason
        Why, as a sentence for a person.
    """

    name: str
    confidence: float
    reason: str


def guess_stain(slide: Slide) -> StainGuess:
    """Guess the stain from a thumbnail.

    Stains that are pink and purple too (PAS, haematoxylin-saffron) pass for H&E.

    Parameters
    ----------
    slide
        An open slide.

    Returns
    -------
    StainGuess
    """
    mpp = slide.scale.mpp
    rgb = slide.thumbnail(_THUMBNAIL_PX)
    pixel_um = 8.0 if mpp is None else mpp * slide.size[0] / rgb.shape[1]
    return guess_stain_of(rgb, pixel_um)


def guess_stain_of(rgb: RGB, pixel_um: float = 8.0) -> StainGuess:
    """Guess the stain of an image: `guess_stain` without a slide.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8.
    pixel_um
        Edge of a pixel in µm (for telling pen marks).
    """
    blank = filler(rgb) | dark_edges(rgb)
    if np.median(rgb.max(axis=2)) < 60:
        return StainGuess(OTHER, 0.95, "The background is dark, as in fluorescence.")
    density = ndimage.uniform_filter(optical_density(rgb), size=(3, 3, 1))
    surface, _ = glass_surface(density, texture_of(density), ~blank)
    stain = (density - surface)[_stained(density, surface, blank, pixel_um)]
    if len(stain) < 50:
        # not "other": that there is no tissue is for the tissue mask to say
        return StainGuess(H_AND_E, 0.5, "There is too little tissue to tell the stain by.")
    return judge_stain(stain)


def _stained(
    density: NDArray[np.float32],
    surface: NDArray[np.float32],
    blank: NDArray[np.bool_],
    pixel_um: float,
) -> NDArray[np.bool_]:
    _, high = channel_range(density - surface)
    return np.asarray((high > _STAINED) & ~blank & ~find_pen(density, pixel_um), dtype=bool)


def judge_stain(stain: NDArray[np.float32]) -> StainGuess:
    """Guess the stain of stained places, whatever they were found with.

    Parameters
    ----------
    stain
        (n, 3) density above the glass in red, green, blue; averages over some µm.
    """
    mean = np.maximum(channel_mean(stain), 1e-3)
    chroma_x = stain[:, 0] / mean - 1
    chroma_y = (stain[:, 1] - stain[:, 2]) / (np.sqrt(3.0) * mean)
    strength = np.hypot(chroma_x, chroma_y)
    colourful = strength > _GREY
    weight = mean * colourful
    if colourful.mean() < 0.3:
        return StainGuess(OTHER, 0.8, "The picture is grey, so no stain can be told.")
    angle = np.degrees(np.arctan2(chroma_y, chroma_x)) % 360
    total = float(weight.sum())

    def share(low: float, high: float) -> float:
        return float(weight[(angle >= low) & (angle < high)].sum()) / total

    pink, purple, brown = share(100, 160), share(42, 100), share(160, 270)
    blue_green = share(0, 42) + share(270, 360)
    return _verdict(pink, purple, brown, blue_green)


def _verdict(pink: float, purple: float, brown: float, blue_green: float) -> StainGuess:
    percent = {k: f"{100 * v:.0f} %" for k, v in (("brown", brown), ("blue", blue_green))}
    if brown > 0.10 and brown > blue_green:
        reason = f"{percent['brown']} of the stain is brown or yellow, as in DAB immunostains."
        return StainGuess(OTHER, _confidence(brown, 0.10), reason)
    if blue_green > 0.25:
        reason = f"{percent['blue']} of the stain is blue or green, unlike haematoxylin and eosin."
        return StainGuess(OTHER, _confidence(blue_green, 0.25), reason)
    if pink < 0.005 and purple > 0.9:
        reason = "There is haematoxylin and no eosin, as in a negative immunostain."
        return StainGuess(OTHER, 0.6, reason)
    worst = max(brown / 0.10, blue_green / 0.25)
    reason = (
        f"{100 * (pink + purple):.0f} % of the stain is pink or purple, as eosin and haematoxylin."
    )
    return StainGuess(H_AND_E, round(1.0 - 0.5 * worst, 2), reason)


def _confidence(share: float, limit: float) -> float:
    return round(0.5 + 0.5 * min(1.0, (share - limit) / limit), 2)
