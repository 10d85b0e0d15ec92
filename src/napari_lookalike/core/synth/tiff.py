"""Write an image as a pyramidal, tiled, JPEG-compressed TIFF, as scanners do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

TILE = 256
QUALITY = 88


def write_pyramid(path: Path, image: NDArray[np.uint8], mpp: float, levels: int = 3) -> None:
    """Write a slide with levels at 1, 1/2, 1/4, ...

    Its scale is in the resolution tags, in pixels per centimetre. Nothing else that
    describes it is written: no software, no date, no description.

    Parameters
    ----------
    path
        File to write.
    image
        uint8 (height, width, 3).
    mpp
        µm per level-0 pixel.
    levels
        Number of levels.
    """
    height, width = image.shape[:2]
    with tifffile.TiffWriter(path, bigtiff=False) as writer:
        for level in range(levels):
            size = (width >> level, height >> level)
            plane = image
            if level:
                plane = np.asarray(Image.fromarray(image).reduce(2**level))[: size[1], : size[0]]
            per_cm = 1e4 / (mpp * 2**level)
            writer.write(
                plane,
                photometric="rgb",
                tile=(TILE, TILE),
                compression="jpeg",
                compressionargs={"level": QUALITY},
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
                subfiletype=1 if level else 0,
                metadata=None,
                software=False,
                description="",
            )
