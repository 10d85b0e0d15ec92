"""Frozen values for places and scales; the one room where (x, y) meets (row, column).

Inside ``core`` every coordinate is ``(x, y)``, in level-0 pixels unless a name says
otherwise (``_px0`` = level-0 pixels, ``_um`` = micrometres). x grows to the right and
y downwards, and ``(0, 0)`` is the top-left *corner* of the top-left pixel. napari
speaks (row, column) and takes whole numbers for pixel *centres*: `napari_translate`
turns one into the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MppSource = Literal["property", "tiff-tag", "manifest", "user", "unknown"]

MPP_PLAUSIBLE_UM = (0.05, 20.0)
"""Outside this range (µm per level-0 pixel) a stated mpp is taken to be false."""


@dataclass(frozen=True)
class Scale:
    """Micrometres per level-0 pixel, with where it was found.

    Parameters
    ----------
    mpp_x, mpp_y
        µm per level-0 pixel; ``None`` if not known. Never guessed.
    source
        Where the value came from.
    raw
        What the file said, also when it was not used.
    reason
        Why a stated value was not used (a sentence), else empty.
    """

    mpp_x: float | None = None
    mpp_y: float | None = None
    source: MppSource = "unknown"
    raw: str = ""
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether both axes have a value."""
        return self.mpp_x is not None and self.mpp_y is not None

    @property
    def mpp(self) -> float | None:
        """Mean of the two axes in µm per level-0 pixel, or ``None``."""
        if self.mpp_x is None or self.mpp_y is None:
            return None
        return (self.mpp_x + self.mpp_y) / 2


@dataclass(frozen=True)
class Region:
    """A rectangle in level-0 pixels; edges may lie between pixels.

    Parameters
    ----------
    x, y
        Top-left corner.
    width, height
        Size, > 0.
    """

    x: float
    y: float
    width: float
    height: float


def napari_translate(
    corner_px0: tuple[float, float],
    pixel_px0: tuple[float, float],
    mpp_xy: tuple[float, float] = (1.0, 1.0),
) -> tuple[float, float]:
    """Layer translate (row, column) that puts an image's corner where it belongs.

    napari draws pixel ``i`` centred on ``i * scale + translate``. An image whose
    pixels cover ``pixel_px0`` level-0 pixels each, and whose top-left corner lies at
    ``corner_px0``, has its first centre half of its own pixel further; level 0 itself
    is drawn with its first *centre* at 0, hence the ``- 0.5``.

    Parameters
    ----------
    corner_px0
        (x, y) of the image's top-left corner, level-0 pixels.
    pixel_px0
        (width, height) of one image pixel in level-0 pixels.
    mpp_xy
        µm per level-0 pixel (x, y); 1 if the slide is shown in pixels.

    Returns
    -------
    tuple of float
        ``(translate_row, translate_column)`` in µm (or level-0 pixels).
    """
    (x, y), (w, h), (mx, my) = corner_px0, pixel_px0, mpp_xy
    return ((y + h / 2 - 0.5) * my, (x + w / 2 - 0.5) * mx)
