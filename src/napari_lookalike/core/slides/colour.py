"""Colours as the scanner was calibrated: a slide's ICC profile to sRGB.

LittleCMS turns the pair of profiles into a table once; applying it costs about 12 ns a
pixel, releases Python's lock, and the result is kept in the tile cache.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from napari_lookalike.core.slides.base import RGB

SRGB = "srgb"
"""`TileKey.colour` of tiles that were turned into sRGB."""


class ToSrgb:
    """Turns pixels of one profile into sRGB (perceptual intent). Thread-safe.

    Parameters
    ----------
    profile
        The embedded ICC profile.

    Raises
    ------
    ValueError
        If it is no profile of an RGB image.
    """

    def __init__(self, profile: bytes) -> None:
        try:
            source = ImageCms.getOpenProfile(io.BytesIO(profile))
            self._transform = ImageCms.buildTransform(
                source, ImageCms.createProfile("sRGB"), "RGB", "RGB"
            )
        except (ImageCms.PyCMSError, OSError) as error:
            raise ValueError("the colour profile is damaged or not one of RGB") from error

    def __call__(self, pixels: RGB) -> RGB:
        """Turn pixels (height, width, 3) into sRGB."""
        image = Image.fromarray(np.ascontiguousarray(pixels))
        shown = ImageCms.applyTransform(image, self._transform)
        return pixels if shown is None else np.array(shown)
