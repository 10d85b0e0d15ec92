"""JPEG tiles: abbreviated streams joined with their tables, decoded by libjpeg-turbo.

In a TIFF the page says what the three components are. Decoders of plain JPEG guess it
from markers and component names, so all application markers are taken out and the one
that states the page's word is put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import simplejpeg

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.native.codec import ceil_div
from napari_lookalike.core.slides.source import CannotRead

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive; all Huffman, all lossy
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = 0xC2
_MAX_SCANS = 100  # ordinary progressive streams have about ten
_RGB, _YCBCR = 0, 1  # "transform" of Adobe's marker
_DAMAGED = "a JPEG tile's header is damaged"
_Segment = tuple[int, int, int]


@dataclass(frozen=True)
class Frame:
    """What a JPEG stream says of itself.

    Parameters
    ----------
    width, height
        Size in pixels.
    components
        1 is grey, 3 is colour.
    body
        The stream after its first marker, without application markers and comments.
    scan
        Where in the stream the first scan begins.
    progressive
        Whether there may be many scans.
    """

    width: int
    height: int
    components: int
    body: bytes
    scan: int
    progressive: bool


class _Known(NamedTuple):
    """A header that was read: how such streams begin, and how they do with their tables.

    Both go up to the marker of the first scan, with it: all that a header can say of what
    is to be decoded comes before.
    """

    begin: bytes = b""
    joined: bytes = b""


def adobe_marker(transform: int) -> bytes:
    """The marker by which decoders know RGB (0) from YCbCr (1)."""
    return b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])


def _segments(data: bytes) -> tuple[list[_Segment], int]:
    """Marker, start and end of the header's segments, and where the rest begins."""
    if data[:2] != b"\xff\xd8":
        raise CannotRead("a tile is not JPEG")
    found: list[_Segment] = []
    at, end = 2, len(data)
    while at + 4 <= end and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in (_SOS, _EOI):
            return found, at
        after = at + 2 + (data[at + 2] << 8 | data[at + 3])
        if marker < 0xC0 or marker == _SOI or 0xD0 <= marker <= 0xD7 or after > end:
            break
        found.append((marker, at, after))
        at = after
    if data[at : at + 2] == b"\xff\xd9":  # the end of tables
        return found, at
    raise CannotRead(_DAMAGED)


def _without_applications(data: bytes, segments: list[_Segment], rest: int) -> tuple[bytes, bool]:
    """The segments that matter, and whether that is all of them."""
    kept = [(a, b) for marker, a, b in segments if not 0xE0 <= marker <= 0xEF and marker != _COM]
    if len(kept) == len(segments):
        return data[2:rest], True
    return b"".join(data[a:b] for a, b in kept), False


def read_frame(data: bytes) -> Frame:
    """Size and components of a stream, before anything is decoded.

    Raises
    ------
    CannotRead
        If it is no JPEG of 8 bits, or of a kind that slides do not have.
    """
    segments, rest = _segments(data)
    frames = [(marker, at, after) for marker, at, after in segments if marker in _FRAMES]
    if any(marker in _OTHER_FRAMES for marker, _, _ in segments):
        raise CannotRead("JPEG of this kind (lossless or arithmetic) is not supported")
    if len(frames) != 1 or frames[0][2] - frames[0][1] < 10 or data[rest + 1] != _SOS:
        raise CannotRead(_DAMAGED)
    marker, at, _ = frames[0]
    if data[at + 4] != 8:
        raise CannotRead(f"JPEG of {data[at + 4]} bits is not supported")
    if marker == _PROGRESSIVE and data.count(b"\xff\xda", rest) > _MAX_SCANS:
        raise CannotRead("a JPEG tile has too many scans")
    head, whole = _without_applications(data, segments, rest)
    height, width = data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8]
    body = data[2:] if whole else head + data[rest:]
    return Frame(width, height, data[at + 9], body, rest, marker == _PROGRESSIVE)


class JpegCodec:
    """JPEG tiles of one page.

    Parameters
    ----------
    width, height
        Size of a tile in pixels.
    components
        1 (grey) or 3.
    tables
        The page's tables, as a JPEG stream without image; ``None`` if each tile has its own.
    rgb
        Whether three components are red, green and blue; else they are Y, Cb and Cr.
    """

    exact = False
    reductions = (2, 4, 8)

    def __init__(
        self, width: int, height: int, components: int, tables: bytes | None, *, rgb: bool
    ) -> None:
        self._size = width, height, components
        self._head = b"\xff\xd8"
        if tables:
            self._head += _without_applications(tables, *_segments(tables))[0]
        if components == 3:
            self._head += adobe_marker(_RGB if rgb else _YCBCR)
        self._shapes = {
            by: (ceil_div(height, by), ceil_div(width, by), 3) for by in (1, *self.reductions)
        }
        self._known = _Known()

    def decode(self, data: bytes, reduce: int) -> RGB:
        """See `Codec.decode`. Warnings of the decoder are errors, as in OpenSlide."""
        shape = self._shapes[reduce]
        out = np.empty(shape, np.uint8)
        found = simplejpeg.decode_jpeg(
            self._joined(data), min_height=shape[0], min_width=shape[1], buffer=out
        )
        if found.shape != shape:
            raise CannotRead("a JPEG tile cannot be reduced")
        return out

    def _joined(self, data: bytes) -> bytes:
        """A tile with the page's tables. Tiles of a page have the same header, nearly all."""
        known = self._known
        if known.begin and data.startswith(known.begin):
            return known.joined + data[len(known.begin) :]
        frame = read_frame(data)
        if (frame.width, frame.height, frame.components) != self._size:
            raise CannotRead("a JPEG tile has another size than its page says")
        joined = self._head + frame.body
        if not frame.progressive:  # there the scans are counted, so all of it is looked at
            scan = len(data) - frame.scan
            self._known = _Known(data[: frame.scan + 2], joined[: len(joined) - scan + 2])
        return joined
