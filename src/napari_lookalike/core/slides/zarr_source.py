"""OME-Zarr: multiscale images in folders of chunks, versions 0.4 and 0.5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB, Level
from napari_lookalike.core.slides.pixels import find_limits, to_rgb
from napari_lookalike.core.slides.sniff import is_zarr
from napari_lookalike.core.slides.source import (
    DECODE_ERRORS,
    CannotRead,
    Source,
    StatedScale,
    reason_of,
)
from napari_lookalike.core.slides.zarr_layout import Image, Plane, find_image, window_of

_ERRORS: tuple[type[Exception], ...] = (*DECODE_ERRORS, SystemError)
# SystemError: what blosc raises for a chunk of a negative size

MAX_CHUNK_BYTES = 1 << 29
"""A chunk larger than this is not decoded: the file lies, or memory would end."""

MAX_EDGE_PX = 1 << 21
"""An image wider or higher than this is refused: no slide is a metre wide."""

_SAMPLE_PX = 512
_WHOLE_PX = 1 << 22


def open_zarr(path: Path) -> ZarrSource:
    """Open a folder that holds an OME-Zarr image."""
    return ZarrSource(path)


class ZarrSource(Source):
    """An OME-Zarr image read by zarr."""

    backend = "ome-zarr"
    vendor = "ome-zarr"

    def __init__(self, path: Path) -> None:
        self._path = path
        if not is_zarr(path):
            raise CannotRead("not a folder of that kind")
        try:
            self._open()
        except _ERRORS as error:
            raise CannotRead(reason_of(error, path)) from None

    def _open(self) -> None:
        self._image: Image = find_image(zarr.open_group(str(self._path), mode="r"))
        for plane in self._image.planes:
            _check(plane)
        first = self._image.planes[0]
        self.levels = tuple(_level(plane, first) for plane in self._image.planes)
        self._limits = window_of(self._image) or self._find_limits()
        self._properties = self._describe(first)

    def _describe(self, first: Plane) -> dict[str, str]:
        array = first.array
        found = {
            "ome.version": self._image.version,
            "ome.axes": "".join(first.axes),
            "zarr.format": str(array.metadata.zarr_format),
            "zarr.dtype": str(array.dtype),
            "zarr.chunks": " x ".join(map(str, array.chunks)),
            "zarr.compression": _compression(array),
        }
        if self._image.note:
            found["lookalike.note"] = self._image.note
        if array.dtype != np.uint8:
            low, high = self._limits
            shown = f"{low:g} to {high:g} ({array.dtype}) as black to white"
            found["lookalike.display-range"] = shown
        return found

    def stated_scale(self) -> StatedScale:
        """The first level's scale with the units of the axes."""
        return self._image.stated

    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of a level; chunks that are not there have the fill value, as zarr defines."""
        try:
            raw = self._image.planes[level].read(x, y, width, height)
            return to_rgb(raw, self._limits)
        except _ERRORS as error:
            raise CannotRead(reason_of(error, self._path)) from None

    def _find_limits(self) -> tuple[float, float]:
        """Values shown as black and white, from the coarsest level or from samples of it."""
        plane = self._image.planes[-1]
        if plane.array.dtype == np.uint8:
            return 0.0, 255.0
        width, height = plane.size
        if width * height <= _WHOLE_PX:
            return find_limits(plane.read(0, 0, width, height))
        edge_x, edge_y = min(_SAMPLE_PX, width), min(_SAMPLE_PX, height)
        parts: list[NDArray[Any]] = [
            plane.read(int(x), int(y), edge_x, edge_y)
            for x in np.linspace(0, width - edge_x, 4)
            for y in np.linspace(0, height - edge_y, 4)
        ]
        return find_limits(np.concatenate(parts))

    def associated_names(self) -> tuple[str, ...]:
        """None; labels of an OME-Zarr are segmentations."""
        return ()

    def associated_image(self, name: str) -> RGB:
        """There is none."""
        raise KeyError(name)

    def properties(self) -> dict[str, str]:
        """What the metadata says, and what we chose to show of it."""
        return dict(self._properties)

    def close(self) -> None:
        """Nothing is kept open: chunks are files that are read when they are wanted."""


def _check(plane: Plane) -> None:
    """Refuse what cannot be shown, or what would need too much memory."""
    array = plane.array
    if min(plane.size) < 1:
        raise CannotRead("the image has no pixels")
    if max(plane.size) > MAX_EDGE_PX:  # chunks need not be there, so that sizes cost nothing
        raise CannotRead("its size is that of no slide")
    if array.dtype.kind not in "buif":
        raise CannotRead(f"pixels of type {array.dtype} are not supported")
    # A chunk may be larger than its array, if its metadata says so.
    if int(np.prod(array.chunks, dtype=object)) * array.dtype.itemsize > MAX_CHUNK_BYTES:
        raise CannotRead("its chunks are too large to decode")


def _level(plane: Plane, first: Plane) -> Level:
    (width, height), (width0, height0) = plane.size, first.size
    chunk_x, chunk_y = plane.chunk
    return Level(
        width,
        height,
        width0 / width,
        height0 / height,
        _tile(min(chunk_x, width)),
        _tile(min(chunk_y, height)),
    )


def _tile(chunk: int) -> int:
    """Edge of the pieces to read: a chunk, or several of those that are small."""
    return chunk if chunk >= 128 else chunk * -(-256 // chunk)


def _compression(array: Any) -> str:
    """Names of what the chunks are compressed with, e.g. "blosc" or "none"."""
    names = [type(c).__name__.removesuffix("Codec").lower() for c in array.compressors]
    return ", ".join(names) or "none"
