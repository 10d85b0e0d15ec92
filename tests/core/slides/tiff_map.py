"""Where a TIFF's numbers are, so that they can be damaged one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8,
           17: 8, 18: 8, 13: 4}  # fmt: skip
_MOST_PAGES, _MOST_ENTRIES = 64, 200


@dataclass(frozen=True)
class Entry:
    """An entry of a directory.

    Parameters
    ----------
    at
        Where it is in the file.
    tag, kind, count
        As it says.
    place
        Where its first value is.
    width
        Bytes of one value.
    order
        Byte order.
    big
        Whether the file is a BigTIFF.
    """

    at: int
    tag: int
    kind: int
    count: int
    place: int
    width: int
    order: Literal["little", "big"]
    big: bool

    def part(self, name: str) -> tuple[int, int]:
        """Place and width of "tag", "type", "count" or "value" in the entry itself."""
        wide = 8 if self.big else 4
        offsets = {"tag": (0, 2), "type": (2, 2), "count": (4, wide), "value": (4 + wide, wide)}
        at, width = offsets[name]
        return self.at + at, width

    def values(self, data: bytes | bytearray) -> Iterator[int]:
        """Its whole numbers, as far as they are in the file."""
        for i in range(min(self.count, 100_000)):
            at = self.place + i * self.width
            if at + self.width > len(data):
                return
            yield int.from_bytes(data[at : at + self.width], self.order)


@dataclass(frozen=True)
class TiffMap:
    """All entries of all directories."""

    pages: tuple[tuple[Entry, ...], ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Of all pages."""
        return tuple(entry for page in self.pages for entry in page)

    def segments(self, data: bytes | bytearray) -> list[tuple[int, int]]:
        """(offset, bytes) of the tiles and strips that lie in the file."""
        found = []
        for page in self.pages:
            by_tag = {entry.tag: entry for entry in page}
            for offsets, counts in ((324, 325), (273, 279)):
                if offsets in by_tag and counts in by_tag:
                    pairs = zip(
                        by_tag[offsets].values(data), by_tag[counts].values(data), strict=False
                    )
                    found += [(o, c) for o, c in pairs if o + c <= len(data)]
        return found


def read_map(data: bytes) -> TiffMap | None:
    """The map of a TIFF, as far as it can be followed; ``None`` if it is none."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    if data[:2] not in (b"II", b"MM") or len(data) < 16:
        return None
    sign = "<" if order == "little" else ">"
    version = struct.unpack_from(sign + "H", data, 2)[0]
    if version not in (42, 43):
        return None
    big = version == 43
    first = struct.unpack_from(sign + ("Q" if big else "I"), data, 8 if big else 4)[0]
    pages: list[tuple[Entry, ...]] = []
    waiting, seen = [first], set()
    while waiting and len(pages) < _MOST_PAGES:
        at = waiting.pop(0)
        if at in seen or not 8 <= at <= len(data) - 8:
            continue
        seen.add(at)
        entries, after = _directory(data, at, sign, order, big)
        pages.append(entries)
        waiting += after
    return TiffMap(tuple(pages))


def _directory(
    data: bytes, at: int, sign: str, order: Literal["little", "big"], big: bool
) -> tuple[tuple[Entry, ...], list[int]]:
    """Entries of a directory, and where others are: the next one and those below it."""
    count = struct.unpack_from(sign + ("Q" if big else "H"), data, at)[0]
    at += 8 if big else 2
    length, wide = (20, 8) if big else (12, 4)
    entries, below = [], []
    for _ in range(min(count, _MOST_ENTRIES)):
        if at + length > len(data):
            return tuple(entries), below
        layout = sign + ("HHQ" if big else "HHI")
        tag, kind, number = struct.unpack_from(layout, data, at)
        width = _WIDTHS.get(kind, 1)
        place = at + 4 + wide
        if number * width > wide:
            place = int.from_bytes(data[place : place + wide], order)
        if number > 0 and place + width <= len(data):
            entry = Entry(at, tag, kind, number, place, width, order, big)
            entries.append(entry)
            if tag == 330:
                below += list(entry.values(data))
        at += length
    return tuple(entries), [*below, int.from_bytes(data[at : at + wide], order)]
