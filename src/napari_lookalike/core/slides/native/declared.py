"""How large an image its own header says it is, before a decoder believes it."""

from __future__ import annotations

import struct

from napari_lookalike.core.slides.native.codec import MAX_BYTES
from napari_lookalike.core.slides.source import CannotRead

_NOT_FRAMES = (0xC4, 0xC8, 0xCC)


def check_declared(data: bytes, most_px: int) -> None:
    """Refuse a tile or strip whose own header asks for far more than its page.

    Decoders allocate what the header of the codestream says, whatever the TIFF says.

    Parameters
    ----------
    data
        JPEG, JPEG 2000 or PNG; anything else is let through.
    most_px
        Pixels of the tile or strip according to the page.

    Raises
    ------
    CannotRead
        If the header asks for more than that and than what is always allowed.
    """
    pixels, channels = declared(data)
    if pixels > max(most_px, 1 << 20) or pixels * max(channels, 1) > MAX_BYTES:
        raise CannotRead("a tile or strip has another size than its page says")


def declared(data: bytes) -> tuple[int, int]:
    """Pixels and channels that a header declares; (0, 0) if there is no such header."""
    try:
        if data[:2] == b"\xff\xd8":
            return _jpeg(data)
        if data[:4] == b"\xff\x4f\xff\x51":
            right, bottom, left, top = struct.unpack(">4I", data[8:24])
            return max(0, right - left) * max(0, bottom - top), int.from_bytes(data[40:42])
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack(">2I", data[16:24])
            return width * height, 8  # at most four channels of 16 bits
    except struct.error:
        pass
    return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            height, width, channels = struct.unpack(">2HB", data[at + 5 : at + 10])
            return height * width, channels
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4])
    return 0, 0
