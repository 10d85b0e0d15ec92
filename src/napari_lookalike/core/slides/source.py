"""What a back end gives: the levels that are in the file, and their pixels.

A `Source` is the narrow, per-format half of a slide. Everything that is the same
for all formats (clipping, white outside, resampling, synthetic levels, the rules
for mpp) is in `slide.PyramidSlide`.
"""

from __future__ import annotations

import logging
import re
import struct
import threading
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from napari_lookalike.core.geometry import MppSource
from napari_lookalike.core.slides.base import RGB, Level

DECODE_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,  # Pillow's PNG reader
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What decoders raise on damaged files. They parse untrusted bytes, so nearly anything."""


class CannotRead(Exception):
    """A back end cannot open a file or decode a part of it; the message is the reason."""


@dataclass(frozen=True)
class StatedScale:
    """What the file says about its scale, before any rule is applied.

    Parameters
    ----------
    x, y
        µm per level-0 pixel, ``None`` where nothing is stated.
    source
        "property" (written by the scanner) or "tiff-tag" (a resolution tag).
    raw
        The statement itself, with its unit.
    """

    x: float | None = None
    y: float | None = None
    source: MppSource = "unknown"
    raw: str = ""


class Source(ABC):
    """An open file, as one back end reads it. Reading must be thread-safe.

    Attributes
    ----------
    backend
        Name of the back end.
    vendor
        Scanner family.
    levels
        Levels in the file, from full size to coarse.
    tiled
        Whether `tile` decodes one native tile and nothing else: then all reads are put
        together from tiles that the shared cache keeps.
    """

    backend: ClassVar[str]
    tiled: ClassVar[bool] = False
    vendor: str
    levels: tuple[Level, ...]

    @property
    def warm(self) -> bool:
        """False while the next read would first decode the whole image."""
        return True

    @abstractmethod
    def stated_scale(self) -> StatedScale:
        """What the file says about its scale."""

    @abstractmethod
    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of a rectangle that lies inside the level.

        Raises
        ------
        CannotRead
            If they cannot be decoded.
        """

    def reductions(self, level: int) -> tuple[int, ...]:
        """Factors other than 1 by which `tile` can be had smaller for less than a full decode."""
        return ()

    def tile(self, level: int, column: int, row: int, reduce: int = 1) -> RGB:
        """One native tile, clipped to the level; what the file has no pixels for is white.

        Parameters
        ----------
        level
            Index into `levels`.
        column, row
            Which tile, in steps of the level's ``tile_width`` and ``tile_height``.
        reduce
            1, or one of `reductions`: that much smaller in both axes, rounded up.

        Returns
        -------
        ndarray of uint8 (height, width, 3)

        Raises
        ------
        CannotRead
            If it cannot be decoded.
        """
        if reduce != 1:
            raise ValueError(f"This reader cannot reduce by {reduce}.")
        return self.read(level, *self.levels[level].box(column, row))

    def icc_profile(self) -> bytes | None:
        """The colour profile that the file embeds for its levels, or ``None``."""
        return None

    @abstractmethod
    def associated_names(self) -> tuple[str, ...]:
        """Names of the associated images."""

    @abstractmethod
    def associated_image(self, name: str) -> RGB:
        """One of them. Raises `CannotRead`, or `KeyError` for an unknown name."""

    @abstractmethod
    def properties(self) -> dict[str, str]:
        """Raw properties."""

    @abstractmethod
    def close(self) -> None:
        """Release the file."""


Opener = Callable[[Path], Source]
"""Opens a file or raises `CannotRead` with the reason."""

_PATHS = re.compile(r"""(?:[A-Za-z]:)?(?:[\\/]+[^\\/\s:'",;]+)+[\\/]?|'[^']*\.\w{2,5}'""")


def reason_of(error: BaseException, path: Path) -> str:
    """A third party's message as the rest of a sentence, without paths and file names."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    if isinstance(error, (LookupError, TypeError, AttributeError, struct.error)):
        text = "its structure is damaged"  # a reader stumbled: its own words help nobody
    for secret in sorted({str(path), str(path.resolve()), path.name, path.stem}, key=len)[::-1]:
        if len(secret) > 2:
            text = text.replace(secret, "the file")
    text = " ".join(_PATHS.sub("the file", text).split())
    return text[:160].rstrip(" .:,") or type(error).__name__


@contextmanager
def quiet_logger(name: str) -> Iterator[None]:
    """Drop what this thread logs under ``name``: such records carry file names."""
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger(name)
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)
