"""Decoding a rectangle of a TIFF page, tile by tile or strip by strip."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.codec import MAX_BYTES
from napari_lookalike.core.slides.native.declared import check_declared
from napari_lookalike.core.slides.native.lzw import checked_lzw
from napari_lookalike.core.slides.pixels import find_limits, to_rgb
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.core.slides.tiff_layout import Page, Plane, keyframe

_MAX_SAMPLES = 64
_SAMPLE_BYTES = 64 << 20
_CACHE_BYTES = 64 << 20
_SHOWN = {
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
    PHOTOMETRIC.YCBCR,
}


class SegmentCache:
    """Decoded strips of one file; the last one stays whatever its size.

    A view needs a strip many times. Tiles are kept above, in the cache of all slides.
    """

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit, self._bytes = limit, 0
        self._lock = threading.Lock()
        self._items: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()

    def get(self, key: tuple[int, int]) -> NDArray[Any] | None:
        """A segment, if it is kept."""
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def put(self, key: tuple[int, int], segment: NDArray[Any]) -> None:
        """Keep a segment, and drop those not used for longest."""
        with self._lock:
            if key in self._items:
                return
            self._items[key] = segment
            self._bytes += segment.nbytes
            while self._bytes > self._limit and len(self._items) > 1:
                self._bytes -= self._items.popitem(last=False)[1].nbytes


def check_page(page: Page) -> None:
    """Raise `CannotRead` if pages of this kind are not shown."""
    key = keyframe(page)
    if key.photometric not in _SHOWN:
        raise CannotRead(f"its colour model (TIFF photometric {key.photometric}) is not supported")
    if key.compression == 33003:
        raise CannotRead("JPEG 2000 in YCbCr (Aperio 33003) is left to OpenSlide")
    if key.dtype is None or key.dtype.kind not in "buif":
        raise CannotRead(f"pixels of type {key.dtype} are not supported")
    if key.samplesperpixel > _MAX_SAMPLES:
        raise CannotRead(f"{key.samplesperpixel} samples per pixel are not supported")
    samples = key.samplesperpixel if key.planarconfig == 1 else 1
    if segment_px(key) * samples * key.dtype.itemsize > MAX_BYTES:
        raise CannotRead("its tiles or strips are too large to decode")


def segment_px(key: TiffPage) -> int:
    """Pixels of a tile or strip. Decoding needs all of a tile, but no strip below the image."""
    if key.is_tiled:
        return key.tilewidth * key.tilelength
    return key.imagewidth * min(key.rowsperstrip, key.imagelength)


class PlaneReader:
    """Reads rectangles of one plane as RGB."""

    def __init__(self, plane: Plane, cache: SegmentCache, lock: threading.RLock) -> None:
        self.plane, self._cache, self._lock = plane, cache, lock
        for page in plane.pages:
            check_page(page)
        self._key = plane.key
        self._palette = _palette(plane.pages[0])
        self.limits = (0.0, 255.0)

    def read(self, x: int, y: int, width: int, height: int) -> RGB:
        """A rectangle inside the plane; missing tiles are white."""
        raw, there = self._raw(x, y, width, height)
        shown = to_rgb(
            raw,
            self.limits,
            inverted=self._key.photometric == PHOTOMETRIC.MINISWHITE,
            palette=self._palette,
            alpha=bool(self._key.extrasamples) and self._key.extrasamples[0] in (1, 2),
        )
        if not there.all():
            shown[~there] = 255
        return shown

    def find_limits(self) -> tuple[float, float]:
        """Values shown as black and white, from a grid of samples over the plane."""
        if self._palette is not None or self._key.dtype == np.uint8:
            return 0.0, 255.0
        plane = self.plane
        pixel = self._key.samplesperpixel * np.dtype(self._key.dtype).itemsize
        edge = 512 if pixel <= 16 else 128
        if plane.width * plane.height * pixel <= _SAMPLE_BYTES:
            return find_limits(self._raw(0, 0, plane.width, plane.height)[0])
        parts = [
            self._raw(x, y, min(edge, plane.width), min(edge, plane.height))[0]
            for x in np.linspace(0, max(0, plane.width - edge), 4).astype(int)
            for y in np.linspace(0, max(0, plane.height - edge), 4).astype(int)
        ]
        return find_limits(np.concatenate([p.reshape(-1, 1, p.shape[-1]) for p in parts]))

    def _raw(
        self, x: int, y: int, width: int, height: int
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Samples (height, width, channels), and which pixels the file has."""
        channels = max(len(self.plane.pages), self._key.samplesperpixel)
        out = np.zeros((height, width, channels), self._key.dtype)
        there = np.zeros((height, width), np.bool_)
        for i, page in enumerate(self.plane.pages):
            for index in self._segments(x, y, width, height):
                self._paste(page, index, (x, y), out[..., i:] if i else out, there)
        return out, there

    def _segments(self, x: int, y: int, width: int, height: int) -> list[int]:
        """Numbers of the tiles or strips under a rectangle (in every sample plane)."""
        key = self._key
        tile_w = key.tilewidth if key.is_tiled else key.imagewidth
        tile_h = key.tilelength if key.is_tiled else min(key.rowsperstrip, key.imagelength)
        across, down = -(-key.imagewidth // tile_w), -(-key.imagelength // tile_h)
        planes = key.samplesperpixel if key.planarconfig == 2 else 1
        return [
            (p * down + row) * across + column
            for p in range(planes)
            for row in range(y // tile_h, (y + height - 1) // tile_h + 1)
            for column in range(x // tile_w, (x + width - 1) // tile_w + 1)
        ]

    def _paste(
        self,
        page: Page,
        index: int,
        corner: tuple[int, int],
        out: NDArray[Any],
        there: NDArray[np.bool_],
    ) -> None:
        """Copy what a segment has of the rectangle at ``corner`` into ``out``."""
        found = self._segment(page, index)
        if found is None:
            return
        segment, (sample, _, top, left, _) = found
        height, width = out.shape[:2]
        y0, x0 = top - corner[1], left - corner[0]
        rows = slice(max(0, y0), min(height, y0 + segment.shape[0]))
        columns = slice(max(0, x0), min(width, x0 + segment.shape[1]))
        part = segment[
            rows.start - y0 : max(rows.start, rows.stop) - y0,
            columns.start - x0 : max(columns.start, columns.stop) - x0,
        ]
        if self._key.planarconfig == 2 or len(self.plane.pages) > 1:
            out[rows, columns, sample] = part[..., 0]
        else:
            out[rows, columns] = part
        there[rows, columns] = True

    def _segment(
        self, page: Page, index: int
    ) -> tuple[NDArray[Any], tuple[int, int, int, int, int]] | None:
        """A decoded segment (height, width, channels) and its place; ``None`` if absent."""
        if index >= len(page.dataoffsets):
            return None
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if count == 0 or offset == 0:
            return None
        _, place, _shape = self._key.decode(None, index)
        cached = self._cache.get((id(page), index))
        if cached is not None:
            return cached, place
        data = self._bytes(page, offset, count)
        check_declared(data, segment_px(self._key))
        tables = {"jpegtables": page.jpegtables} if page.jpegtables is not None else {}
        header = getattr(page, "jpegheader", None)  # NDPI
        if header is not None:
            tables["jpegheader"] = header
        if self._key.compression == COMPRESSION.LZW:
            most = segment_px(self._key) * self._key.samplesperpixel
            most *= np.dtype(self._key.dtype).itemsize
            data = checked_lzw(data, most, reversed_bits=self._key.fillorder == 2)
        decoded = self._key.decode(data, index, **tables)[0]
        if decoded is None:
            return None
        segment = np.asarray(decoded).reshape(decoded.shape[-3:])
        if not self._key.is_tiled:
            self._cache.put((id(page), index), segment)
        return segment, place

    def _bytes(self, page: Page, offset: int, count: int) -> bytes:
        """A segment as it lies in the file (one of several, for some OME-TIFFs)."""
        if count > MAX_BYTES:
            raise CannotRead("the length of a tile or strip is absurd")
        with self._lock:
            file = page.parent.filehandle
            if offset + count > file.size:
                raise CannotRead("the file is cut off")
            file.seek(offset)
            data = file.read(count)
        if len(data) < count:
            raise CannotRead("the file is cut off")
        return data


def _palette(page: Page) -> RGB | None:
    key = keyframe(page)
    if key.photometric != PHOTOMETRIC.PALETTE or key.colormap is None:
        return None
    table = np.asarray(key.colormap).T
    return np.asarray(table >> 8 if table.max() > 255 else table, np.uint8)
