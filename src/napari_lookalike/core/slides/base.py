"""What a slide is, whatever reads it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.geometry import Region, Scale

RGB = NDArray[np.uint8]
"""An image (height, width, 3), uint8, over white: no alpha."""

NativeTile = Callable[[int, int, bool], RGB]
"""Gives a native tile by its column and row, clipped to the level. The last argument: whether
it will be asked for again, and is worth keeping. Do not write into it."""


@dataclass(frozen=True)
class Level:
    """One level of the pyramid; level 0 is full size.

    Parameters
    ----------
    width, height
        Size in pixels of this level.
    downsample_x, downsample_y
        Level-0 pixels per pixel of this level: exactly ``width0 / width`` and
        ``height0 / height``, not rounded.
    tile_width, tile_height
        Native tile size in pixels of this level (a hint for chunked reading).
    synthetic
        True if the file has no such level and we make it.
    """

    width: int
    height: int
    downsample_x: float
    downsample_y: float
    tile_width: int = 256
    tile_height: int = 256
    synthetic: bool = False

    def box(self, column: int, row: int) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a native tile in pixels of this level, clipped to it."""
        x, y = column * self.tile_width, row * self.tile_height
        width, height = min(self.tile_width, self.width - x), min(self.tile_height, self.height - y)
        return x, y, width, height


class Slide(ABC):
    """An open whole-slide image. Reading is thread-safe; pickling reopens by path.

    Attributes
    ----------
    path
        Where it lies. Never shown, logged or exported.
    backend
        Name of the back end that opened it.
    vendor
        Scanner family as the back end names it ("aperio", "generic-tiff", ...).
    levels
        From full size to coarse; the last has at most 1024 px on its longer edge
        (synthetic levels are added where the file has none).
    scale
        µm per level-0 pixel and its source.
    fingerprint
        Content id: hexadecimal, the same wherever the file lies and however it is named.
    """

    path: Path
    backend: str
    vendor: str
    levels: tuple[Level, ...]
    scale: Scale
    fingerprint: str

    @property
    def name(self) -> str:
        """How the slide is named when it has no slide_id: 8 characters of its fingerprint."""
        return self.fingerprint[:8]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of level 0 in pixels."""
        return self.levels[0].width, self.levels[0].height

    @abstractmethod
    def read_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of one level, at that level's own coordinates.

        Parameters
        ----------
        level
            Index into `levels`.
        x, y
            Top-left pixel, in pixels *of that level*. May lie outside.
        width, height
            Size in pixels of that level.

        Returns
        -------
        ndarray of uint8 (height, width, 3)
            White where the level has no pixels.

        Raises
        ------
        RegionError
            If the file's data cannot be decoded there.
        """

    def tile(self, level: int, column: int, row: int, reduce: int = 1) -> RGB:
        """One native tile of a level in the file, clipped to the level.

        Parameters
        ----------
        level
            Index into `levels`; not a synthetic one.
        column, row
            Which tile, in steps of the level's ``tile_width`` and ``tile_height``.
        reduce
            1, or one of `reductions`: that much smaller in both axes, rounded up.

        Raises
        ------
        RegionError
            If it cannot be decoded.
        """
        if reduce != 1:
            raise ValueError(f"This slide's reader cannot reduce by {reduce}.")
        return self.read_level(level, *self.levels[level].box(column, row))

    def native_tiles(self, level: int) -> NativeTile | None:
        """What gives native tiles through the cache that all slides share.

        ``None`` where a level has no native tiles that are had one by one: then what is
        needed is best read at once (`read_level`). It raises `RegionError` as `tile` does.
        """
        return None

    def reductions(self, level: int) -> tuple[int, ...]:
        """Factors by which `tile` can be had smaller for less than a full decode."""
        return ()

    @abstractmethod
    def read_region(self, region: Region, size: tuple[int, int]) -> RGB:
        """A level-0 rectangle resampled to ``size`` (width, height) pixels.

        Chooses the coarsest level that still has the resolution asked for, and
        resamples from exact (non-integer) downsamples with an area filter.
        """

    @abstractmethod
    def associated_names(self) -> tuple[str, ...]:
        """Names of the associated images ("label", "macro", "thumbnail")."""

    @abstractmethod
    def associated_image(self, name: str) -> RGB:
        """An associated image. Label and macro can identify a patient: ask first."""

    def icc_profile(self) -> bytes | None:
        """The colour profile that the file embeds, or ``None``."""
        return None

    @abstractmethod
    def properties(self) -> dict[str, str]:
        """Raw properties of the file. They can identify a patient: never log them."""

    @abstractmethod
    def close(self) -> None:
        """Release the file."""

    def is_ready(self, level: int) -> bool:
        """Whether pixels of a level can be had without waiting for all of the image.

        False for synthetic levels that are not computed yet; `read_level` waits for
        them, `peek_level` does not.
        """
        return True

    def prepare(self, on_progress: Callable[[], None] | None = None) -> None:
        """Make the levels that are not ready, in the background.

        Parameters
        ----------
        on_progress
            Called from a working thread whenever there is more to show, and at the end.
        """
        if on_progress is not None:
            on_progress()

    def peek_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """As `read_level`, but light grey for what is not ready."""
        return self.read_level(level, x, y, width, height)

    def thumbnail(self, longest_px: int = 512) -> RGB:
        """The whole slide, its longer edge ``longest_px`` pixels (or less)."""
        width, height = self.size
        factor = min(1.0, longest_px / max(width, height))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        return self.read_region(Region(0, 0, width, height), size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
