"""LZW, with its codes checked before they are followed."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray


def checked_lzw(data: bytes, most: int, *, reversed_bits: bool = False) -> bytes:
    """The coded bytes as far as they are needed, for whoever decodes them.

    Parameters
    ----------
    data
        Coded bytes.
    most
        Bytes that they should become.
    reversed_bits
        Whether the bits of each byte are in reversed order.

    Raises
    ------
    Exception
        What imagecodecs raises if a code is damaged.
    """
    needed = data[: _longest(most)]
    imagecodecs.lzw_decode(imagecodecs.bitorder_decode(needed) if reversed_bits else needed)
    return needed


def lzw_decode(data: bytes, *, out: NDArray[np.uint8]) -> bytes:
    """Decode into ``out``; returns what was decoded, at most as much as ``out`` holds.

    Given a place to write to, imagecodecs (seen in 2026.3.6) follows damaged codes to
    wherever they lead, and the process ends. Without one it checks them first, to know how
    much they become.
    """
    decoded = bytes(imagecodecs.lzw_decode(data[: _longest(out.size)])[: out.size])
    out[: len(decoded)] = np.frombuffer(decoded, np.uint8)
    return decoded


def _longest(most: int) -> int:
    """A code becomes at least one byte and has at most 12 bits: more is not needed.

    What follows could only ask for more memory.
    """
    return most + most // 2 + 1024
