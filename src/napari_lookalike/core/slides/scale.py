"""When a stated mpp is believed, and when it is not. It is never guessed."""

from __future__ import annotations

import math

from napari_lookalike.core.errors import ScaleError
from napari_lookalike.core.geometry import MPP_PLAUSIBLE_UM, MppSource, Scale
from napari_lookalike.core.slides.source import StatedScale

SCREEN_DPI = (72, 96, 300)
"""Dots per inch that software writes when it knows nothing: screen and print defaults."""

UM_PER_INCH = 25_400.0
_TOLERANCE = 0.005  # 28.34 px/cm is how some writers say 72 dpi


def judge(stated: StatedScale) -> Scale:
    """The scale that a file's statement is worth.

    Parameters
    ----------
    stated
        What the file says.

    Returns
    -------
    Scale
        Source "unknown" with no mpp, but with the raw statement and the reason, if it
        is missing, outside 0.05 to 20 µm, or comes from a 72, 96 or 300 dpi tag.
    """
    if stated.x is None or stated.y is None:
        missing = "The file does not state its scale."
        return Scale(raw=stated.raw, reason=missing)
    reason = why_false(stated.x) or why_false(stated.y)
    if reason:
        return Scale(raw=stated.raw, reason=reason)
    return Scale(stated.x, stated.y, stated.source, stated.raw)


def why_false(mpp: float) -> str:
    """Why a stated mpp cannot be believed, as a sentence; empty if it can."""
    for dpi in SCREEN_DPI:
        if math.isclose(mpp, UM_PER_INCH / dpi, rel_tol=_TOLERANCE):
            return (
                f"{mpp:.6g} µm per pixel is a {dpi} dpi screen or print setting, not a measurement."
            )
    low, high = MPP_PLAUSIBLE_UM
    if not low <= mpp <= high:  # also catches NaN
        return f"{mpp:.6g} µm per pixel is outside {low:g} to {high:g} µm."
    return ""


def given(
    mpp: float | tuple[float, float], source: MppSource, stated: StatedScale, slide: str
) -> Scale:
    """The scale that a person or a manifest gave; it overrides what the file says.

    Raises
    ------
    ScaleError
        If it is outside 0.05 to 20 µm per level-0 pixel.
    """
    x, y = mpp if isinstance(mpp, tuple) else (mpp, mpp)
    low, high = MPP_PLAUSIBLE_UM
    for value in (x, y):
        if not low <= value <= high:
            raise ScaleError(
                f"An mpp of {value:g} was given, but slides have {low:g} to {high:g} µm per pixel.",
                "Give the micrometres per pixel at full size, for example 0.25 (40x) or 0.5 (20x).",
                slide,
            )
    return Scale(float(x), float(y), source, stated.raw)
