"""Making one tile of a view level: decoded, decoded smaller, or halved from finer tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.slides.colour import SRGB, ToSrgb
from napari_lookalike.core.slides.source import reason_of
from napari_lookalike.core.slides.tile_cache import TileCache, TileKey
from napari_lookalike.core.slides.view_levels import OTHER_TILE, ViewLevel, view_level

ON_DEMAND = 4
"""A synthetic level is made from the file when it is shown, up to this factor; coarser ones
would need too much of the file, so they wait until the background has been there."""

PINNED_EDGE = 2048
"""View levels whose longer edge is at most this are pinned in the cache."""


@dataclass(frozen=True)
class Made:
    """A tile, and what went wrong with it.

    Parameters
    ----------
    pixels
        (height, width, 3).
    error
        Why parts of it are hatched; ``None`` if all is well.
    """

    pixels: RGB
    error: RegionError | None = None


class ViewTiles:
    """Makes tiles of one slide and keeps them in the cache. Thread-safe.

    Parameters
    ----------
    slide
        The open slide.
    cache
        Where tiles are kept.
    to_srgb
        Turns colours into sRGB; ``None`` leaves them as they are in the file.
    """

    def __init__(self, slide: Slide, cache: TileCache, to_srgb: ToSrgb | None = None) -> None:
        self._slide, self._cache, self._to_srgb = slide, cache, to_srgb

    @property
    def colour_managed(self) -> bool:
        """Whether colours are turned into sRGB."""
        return self._to_srgb is not None

    def key(self, view: ViewLevel, column: int, row: int) -> TileKey:
        """Name of a tile in the cache."""
        reader = self._slide.backend if view.native else f"{self._slide.backend}/{OTHER_TILE}"
        colour = SRGB if self._to_srgb is not None else ""
        return TileKey(self._slide.fingerprint, reader, view.base, view.reduce, column, row, colour)

    def waits(self, view: ViewLevel) -> bool:
        """Whether tiles of this level wait for the background (see `Slide.prepare`)."""
        if view.stored is None or view.reduce <= ON_DEMAND:
            return False
        return not self._slide.is_ready(view.stored)

    def peek(self, view: ViewLevel, column: int, row: int) -> RGB:
        """What there is of a tile that waits: light grey where nothing is computed yet."""
        level = view.base if view.stored is None else view.stored
        return self._coloured(self._slide.peek_level(level, *view.box(column, row)))

    def make(self, view: ViewLevel, column: int, row: int) -> Made:
        """A tile from the cache, or made and kept there. Never raises for damaged files."""
        key = self.key(view, column, row)
        kept = self._cache.get(key)
        if kept is not None:
            return Made(kept)
        try:
            made = self._made(view, column, row)
        except Exception as error:  # noqa: BLE001 - it ends a tile, never a thread of the loader
            _, _, width, height = view.box(column, row)
            return Made(hatched(width, height), self._region_error(error))
        if made.error is None:
            pin = max(view.width, view.height) <= PINNED_EDGE
            self._cache.put(key, made.pixels, pin=pin)
        return made

    def _region_error(self, error: Exception) -> RegionError:
        if isinstance(error, RegionError):
            return error
        reason = reason_of(error, self._slide.path)
        return RegionError(f"A part of it cannot be shown: {reason}.", "", self._slide.name)

    def _made(self, view: ViewLevel, column: int, row: int) -> Made:
        box = view.box(column, row)
        if view.stored is not None and self._slide.is_ready(view.stored):
            return Made(self._coloured(self._slide.read_level(view.stored, *box)))
        if view.reduce == 1:
            return Made(self._coloured(self._decoded(view, column, row)))
        if view.native and view.reduce in self._slide.reductions(view.base):
            return self._reduced(view, column, row)
        return self._halved(view, column, row)

    def _decoded(self, view: ViewLevel, column: int, row: int) -> RGB:
        """A tile of the file in its own colours; another view may have decoded it already."""
        if self._to_srgb is not None:
            kept = self._cache.get(self.key(view, column, row)._replace(colour=""))
            if kept is not None:
                return kept
        if view.native:
            return self._slide.tile(view.base, column, row)
        return self._slide.read_level(view.base, *view.box(column, row))

    def _reduced(self, view: ViewLevel, column: int, row: int) -> Made:
        """A tile from the file's tiles under it, each decoded smaller."""
        _, _, width, height = view.box(column, row)
        out = np.empty((height, width, 3), np.uint8)
        step_x, step_y = view.tile_width // view.reduce, view.tile_height // view.reduce
        error: RegionError | None = None
        for dy, y in enumerate(range(0, height, step_y)):
            for dx, x in enumerate(range(0, width, step_x)):
                part = out[y : y + step_y, x : x + step_x]
                place = column * view.reduce + dx, row * view.reduce + dy
                try:
                    part[:] = self._slide.tile(view.base, *place, view.reduce)
                except RegionError as why:
                    part[:], error = hatched(part.shape[1], part.shape[0]), why
        return Made(self._coloured(out), error)

    def _halved(self, view: ViewLevel, column: int, row: int) -> Made:
        """A tile as the mean of two by two pixels of the level that is twice as fine."""
        level = self._slide.levels[view.base]
        fine = view_level(view.base, level, view.reduce // 2)
        x, y, width, height = (2 * n for n in view.box(column, row))
        image, error = self._region(fine, x, y, width, height)
        return Made(halved(image), error)

    def _region(
        self, view: ViewLevel, x: int, y: int, width: int, height: int
    ) -> tuple[RGB, RegionError | None]:
        """Pixels of a view level, put together from its tiles; clipped to the level."""
        x1, y1 = min(x + width, view.width), min(y + height, view.height)
        out = np.empty((y1 - y, x1 - x, 3), np.uint8)
        error: RegionError | None = None
        for row in range(y // view.tile_height, -(-y1 // view.tile_height)):
            for column in range(x // view.tile_width, -(-x1 // view.tile_width)):
                made = self.make(view, column, row)
                error = error or made.error
                tx, ty, tw, th = view.box(column, row)
                left, top = max(x, tx), max(y, ty)
                right, bottom = min(x1, tx + tw), min(y1, ty + th)
                part = made.pixels[top - ty : bottom - ty, left - tx : right - tx]
                out[top - y : bottom - y, left - x : right - x] = part
        return out, error

    def _coloured(self, pixels: RGB) -> RGB:
        return pixels if self._to_srgb is None else self._to_srgb(pixels)


def halved(image: RGB) -> RGB:
    """The mean of two by two pixels; sizes are rounded up."""
    return np.array(Image.fromarray(np.ascontiguousarray(image)).reduce(2))


def hatched(width: int, height: int) -> RGB:
    """Grey stripes (height, width, 3): this part cannot be read."""
    stripes = (np.add.outer(np.arange(height), np.arange(width)) // 12) % 2
    return np.repeat(np.where(stripes, 200, 150).astype(np.uint8)[..., None], 3, axis=-1)
