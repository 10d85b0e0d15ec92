"""Refuses files whose directories lie about sizes, before a library believes them.

OpenSlide ends the whole process when it cannot have the memory that a TIFF's or a DICOM's
own numbers ask for, and takes as long as they say. So they are compared with the file first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.source import CannotRead

MAX_CLAIM = 1 << 28
"""Bytes that anything may claim without being compared with the file."""

_MAX_TILE_BYTES = 1 << 29
_MAX_PAGES = 4096
_MAX_ENTRIES = 4096
_MAX_LISTED = 1 << 26
_NDPI = 65420
_TYPES = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_WIDTH, _HEIGHT, _SAMPLES, _PLANAR = 256, 257, 277, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_ROWS, _STRIP_BYTES, _SUB_DIRECTORIES = 278, 279, 330
_WANTED = {
    _WIDTH, _HEIGHT, _SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES,
    _ROWS, _STRIP_BYTES, _SUB_DIRECTORIES, _NDPI,
}  # fmt: skip

_Page = Mapping[int, NDArray[np.uint64]]


def check_tiff(path: Path, *, strips: bool = False) -> None:
    """Refuse a TIFF that claims what it cannot hold; anything else is let through.

    Parameters
    ----------
    path
        A file of any kind.
    strips
        Also refuse images in strips that are too large to be held as a whole, as OpenSlide
        holds label, macro and thumbnail.

    Raises
    ------
    CannotRead
        If tiles have no size, or one that no memory holds; if a tile claims more bytes
        than the file has; if there are far fewer tiles than the image needs.
    """
    with Bytes(path) as data:
        for page in _pages(data):
            _check_page(page, len(data), strips)


@dataclass(frozen=True)
class _Numbers:
    """How a TIFF writes its numbers."""

    order: str
    big: bool

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def entries(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ" if self.big else "HHI"))


class Bytes:
    """The bytes of a file, read where they are asked for.

    Not a memory map: a file that shrinks while it is mapped ends the process.

    Parameters
    ----------
    path
        The file. One that cannot be read is empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._size = 0

    def __enter__(self) -> Self:
        try:
            self._size = self._path.stat().st_size
            self._file = self._path.open("rb")
        except OSError:
            self._size = 0
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return self._size

    def read(self, at: int, number: int) -> bytes:
        """So many bytes from there, fewer where the file ends or cannot be read."""
        if self._file is None or at >= self._size:
            return b""
        try:
            self._file.seek(at)
            return self._file.read(min(number, self._size - at))
        except OSError:
            return b""

    def unpack(self, numbers: struct.Struct, at: int) -> tuple[Any, ...]:
        """Numbers at a place; `struct.error` beyond the end."""
        return numbers.unpack(self.read(at, numbers.size))


def _pages(data: Bytes) -> Iterator[_Page]:
    """What is wanted of every directory, as far as they can be followed."""
    head = data.read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 16:
        return
    version = struct.unpack_from(order + "H", head, 2)[0]
    if version not in (42, 43):
        return
    if version == 42 and len(data) >> 32:  # NDPI, which has offsets of its own kind there
        return
    numbers = _Numbers(order, version == 43)
    waiting = [numbers.offset.unpack_from(head, 8 if numbers.big else 4)[0]]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_PAGES:
        at = waiting.pop(0)
        if at in seen or not 8 <= at <= len(data) - 8:
            continue
        seen.add(at)
        try:
            page, following = _directory(data, at, numbers)
        except struct.error:  # beyond the end
            continue
        yield page
        waiting += [int(v) for v in page.get(_SUB_DIRECTORIES, ())] + [following]


def _directory(data: Bytes, at: int, numbers: _Numbers) -> tuple[_Page, int]:
    count = min(data.unpack(numbers.entries, at)[0], _MAX_ENTRIES)
    at += numbers.entries.size
    page = {}
    for _ in range(count):
        tag, kind, number = data.unpack(numbers.entry, at)
        if tag in _WANTED and kind in _TYPES:
            page[tag] = _values(data, at + numbers.entry.size, kind, number, numbers)
        at += numbers.entry.size + numbers.offset.size
    return page, data.unpack(numbers.offset, at)[0]


def _values(data: Bytes, at: int, kind: int, number: int, numbers: _Numbers) -> NDArray[np.uint64]:
    """An entry's numbers, as far as they are in the file."""
    dtype = np.dtype(numbers.order + _TYPES[kind])
    if number * dtype.itemsize > numbers.offset.size:
        at = data.unpack(numbers.offset, at)[0]
    there = max(0, len(data) - at) // dtype.itemsize
    number = min(number, there, _MAX_LISTED)
    if number == 0:
        return np.empty(0, np.uint64)
    raw = data.read(at, number * dtype.itemsize)
    return np.frombuffer(raw, dtype, len(raw) // dtype.itemsize).astype(np.uint64)


def _first(page: _Page, tag: int, default: int = 0) -> int:
    values = page.get(tag)
    return int(values[0]) if values is not None and len(values) else default


def _check_page(page: _Page, size: int, strips: bool) -> None:
    width, height = _first(page, _WIDTH), _first(page, _HEIGHT)
    ndpi = _NDPI in page and _TILE_OFFSETS not in page  # each level is one strip, read in parts
    for tag in (_TILE_BYTES,) if ndpi else (_TILE_BYTES, _STRIP_BYTES):
        most = int(page[tag].max()) if len(page.get(tag, ())) else 0
        if most > size and most > MAX_CLAIM:
            raise CannotRead("a tile or strip claims more bytes than the file has")
    if _TILE_OFFSETS in page or _TILE_WIDTH in page:
        _check_tiles(page, width, height)
        return
    if ndpi:
        return
    if strips and width * height * 4 > MAX_CLAIM * 4:
        raise CannotRead("an image that is not in tiles is too large to be read as a whole")
    rows = min(_first(page, _ROWS, height), height)
    if height and rows < 1:
        raise CannotRead("its strips have no size")
    _check_count("strips", page.get(_STRIP_BYTES, ()), -(-height // max(1, rows)))


def _check_tiles(page: _Page, width: int, height: int) -> None:
    across, down = _first(page, _TILE_WIDTH), _first(page, _TILE_HEIGHT)
    several = max(len(page.get(tag, ())) for tag in (_TILE_WIDTH, _TILE_HEIGHT)) > 1
    if min(across, down) < 1 or several:  # libraries do not agree on which of several counts
        raise CannotRead("its tiles have no size")
    if across * down * 4 > _MAX_TILE_BYTES:
        raise CannotRead("its tiles are too large to decode")
    needed = -(-width // across) * -(-height // down)
    if _first(page, _PLANAR, 1) == 2:
        needed *= max(1, _first(page, _SAMPLES, 1))
    _check_count("tiles", page.get(_TILE_OFFSETS, ()), needed)


def _check_count(what: str, listed: Sized, needed: int) -> None:
    """Some files list a few too few; those that list next to none lie about their size."""
    if needed > 2 * len(listed) + 16:
        raise CannotRead(f"it lists {len(listed)} {what}, but its size needs {needed}")
