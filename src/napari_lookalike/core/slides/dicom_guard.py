"""Refuses DICOM files whose elements claim what the file cannot hold."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_lookalike.core.slides.dicom import members_of, series_in
from napari_lookalike.core.slides.guard import MAX_CLAIM, Bytes
from napari_lookalike.core.slides.source import CannotRead

_MAX_ELEMENTS = 50_000
_PREAMBLE = 132
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_IMPLICIT = b"1.2.840.10008.1.2\0"
_SHORT = {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_PIXELS = (0x7FE0, 0x0010)
_OPEN = 0xFFFFFFFF


def check_dicom(path: Path) -> None:
    """Refuse a DICOM slide with an element that claims far more bytes than its file has.

    Looks at the first 50,000 elements and fragments of each file of the slide; anything that is not
    DICOM is let through.

    Raises
    ------
    CannotRead
        If there is one.
    """
    try:
        files = [p for s in series_in(path).values() for p in s] if path.is_dir() else _files(path)
    except OSError:
        return
    for file in files:
        with Bytes(file) as data:
            _walk(data)


def _files(path: Path) -> list[Path]:
    with path.open("rb") as file:
        head = file.read(_PREAMBLE)
    return members_of(path) if head[128:] == b"DICM" else []


def _walk(data: Bytes) -> None:
    """Step from element to element, into sequences and their items."""
    implicit = _IMPLICIT in data.read(_PREAMBLE, 2048)
    open_ones: list[_Open] = []
    at = _PREAMBLE
    for _ in range(_MAX_ELEMENTS):
        while open_ones and open_ones[-1].end is not None and at >= open_ones[-1].end:
            open_ones.pop()
        head = data.read(at, 12)
        if len(head) < 8:
            return
        element = _element(head, implicit)
        at += element.head
        if not element.is_open and element.length > max(MAX_CLAIM, len(data) - at):
            raise CannotRead("an element claims more bytes than the file has")
        if element.kind == b"UN" and element.is_open:  # coded in a way of its own
            return
        at += _step(element, at, open_ones)


@dataclass(frozen=True)
class _Element:
    tag: tuple[int, int]
    kind: bytes
    length: int
    head: int

    @property
    def is_open(self) -> bool:
        return self.length == _OPEN


@dataclass(frozen=True)
class _Open:
    """A sequence, an item of one, or the fragments of the pixels; ``None``: no stated end."""

    what: Literal["sequence", "item", "fragments"]
    end: int | None


def _step(element: _Element, at: int, open_ones: list[_Open]) -> int:
    """Go into the element or past it; returns by how many bytes."""
    inside = open_ones[-1].what if open_ones else "item"
    end = None if element.is_open else at + element.length
    if element.tag == _ITEM and inside == "sequence":
        open_ones.append(_Open("item", end))
        return 0
    if element.tag == _ITEM and inside == "fragments":
        return 0 if element.is_open else element.length
    if element.tag in (_ITEM_END, _SEQUENCE_END) and open_ones:
        open_ones.pop()
        return 0
    if element.tag[0] == _ITEM[0] or inside != "item":
        raise CannotRead("its elements are not where they should be")
    if element.kind == b"SQ":
        open_ones.append(_Open("sequence", end))
        return 0
    if element.is_open:
        open_ones.append(_Open("fragments" if element.tag == _PIXELS else "sequence", None))
        return 0
    return element.length


def _element(head: bytes, implicit: bool) -> _Element:
    """The element whose first bytes these are."""
    group, number = struct.unpack_from("<HH", head)
    if group == _ITEM[0] or (implicit and group > 2):
        return _Element((group, number), b"", struct.unpack_from("<I", head, 4)[0], 8)
    kind = head[4:6]
    if kind in _LONG and len(head) == 12:
        return _Element((group, number), kind, struct.unpack_from("<I", head, 8)[0], 12)
    if kind not in _SHORT:
        raise CannotRead("its elements are not where they should be")
    return _Element((group, number), kind, struct.unpack_from("<H", head, 6)[0], 8)
