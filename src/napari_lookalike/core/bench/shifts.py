"""What a tile may go through between two laboratories, for tests of robustness.

Fixed before any encoder was measured. Of a shift with two directions, half of the groups
(photographs, slides) go one way and half the other, all tiles of a group the same way.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

RGB = NDArray[np.uint8]

_HEMATOXYLIN, _EOSIN = 1.3, 0.75
_HUE = 0.05  # of a full turn: 18 degrees
_BLUR_PX = 1.5
_QUALITY = 30


def stain_shift(tile: RGB, turn: int) -> RGB:
    """Stronger hematoxylin and weaker eosin, or the other way round."""
    from skimage.color import hed2rgb, rgb2hed

    stains = rgb2hed(tile)
    factors = (_HEMATOXYLIN, _EOSIN) if turn > 0 else (_EOSIN, _HEMATOXYLIN)
    stains[..., 0] *= factors[0]
    stains[..., 1] *= factors[1]
    shifted: RGB = np.rint(np.clip(hed2rgb(stains), 0, 1) * 255).astype(np.uint8)
    return shifted


def hue_shift(tile: RGB, turn: int) -> RGB:
    """All hues turned by 18 degrees (in HSV), either way."""
    hue, saturation, value = Image.fromarray(tile).convert("HSV").split()
    shift = round(turn * _HUE * 256)
    turned = Image.fromarray((np.asarray(hue).astype(np.int16) + shift).astype(np.uint8))
    return np.asarray(Image.merge("HSV", (turned, saturation, value)).convert("RGB"))


def blur(tile: RGB, turn: int) -> RGB:
    """Gaussian blur of 1.5 pixels: out of focus, or a poorer scanner."""
    del turn
    return np.asarray(Image.fromarray(tile).filter(ImageFilter.GaussianBlur(_BLUR_PX)))


def jpeg(tile: RGB, turn: int) -> RGB:
    """JPEG of quality 30."""
    del turn
    file = io.BytesIO()
    Image.fromarray(tile).save(file, "jpeg", quality=_QUALITY)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


SHIFTS: MappingProxyType[str, Callable[[RGB, int], RGB]] = MappingProxyType(
    {"stain shift": stain_shift, "hue shift": hue_shift, "blur": blur, "JPEG": jpeg}
)
"""Every shift by name: (tile uint8 (h, w, 3), 1 or -1) -> tile."""


def shifted(tiles: RGB, groups: NDArray[np.intp], name: str) -> RGB:
    """All tiles, each shifted the way of its group.

    Parameters
    ----------
    tiles
        uint8 (n, h, w, 3).
    groups
        int (n,).
    name
        Key of `SHIFTS`.
    """
    change = SHIFTS[name]
    turns = np.where(groups % 2 == 0, 1, -1).tolist()
    return np.stack([change(tile, turn) for tile, turn in zip(tiles, turns, strict=True)])
