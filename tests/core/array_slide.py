"""A slide over a numpy array, for tests: exact area resampling, no file behind it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_lookalike.core.geometry import Region, Scale
from napari_lookalike.core.slides.base import RGB, Level, Slide


class ArraySlide(Slide):
    """One level, held in memory; regions are box-filtered by Pillow from exact edges."""

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        mpp: float | None = None,
        *,
        associated: dict[str, RGB] | None = None,
    ) -> None:
        self.pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        self.path = Path("in-memory")
        self.backend, self.vendor = "array", "test"
        self.levels = (Level(width, height, 1.0, 1.0),)
        self.scale = Scale(mpp, mpp, "user" if mpp else "unknown")
        self.fingerprint = hashlib.sha256(self.pixels.tobytes()).hexdigest()
        self._associated = associated or {}
        self.reads: list[Region] = []
        self.closed = False

    def read_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        assert level == 0
        out = np.full((height, width, 3), 255, np.uint8)
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + width, self.size[0]), min(y + height, self.size[1])
        if x1 > x0 and y1 > y0:
            out[y0 - y : y1 - y, x0 - x : x1 - x] = self.pixels[y0:y1, x0:x1]
        return out

    def read_region(self, region: Region, size: tuple[int, int]) -> RGB:
        self.reads.append(region)
        left, top = int(np.floor(region.x)), int(np.floor(region.y))
        right = int(np.ceil(region.x + region.width))
        bottom = int(np.ceil(region.y + region.height))
        image = Image.fromarray(self.read_level(0, left, top, right - left, bottom - top))
        box = (
            region.x - left,
            region.y - top,
            region.x + region.width - left,
            region.y + region.height - top,
        )
        return np.asarray(image.resize(size, Image.Resampling.BOX, box=box))

    def associated_names(self) -> tuple[str, ...]:
        return tuple(self._associated)

    def associated_image(self, name: str) -> RGB:
        return self._associated[name]

    def properties(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        self.closed = True
