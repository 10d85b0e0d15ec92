"""Pixels of any kind -> RGB over white."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB


def to_rgb(
    pixels: NDArray[Any],
    limits: tuple[float, float],
    *,
    inverted: bool = False,
    palette: RGB | None = None,
    alpha: bool = True,
) -> RGB:
    """Show pixels as 8-bit RGB over white.

    Parameters
    ----------
    pixels
        (height, width) or (height, width, channels): grey, grey + alpha, RGB, RGB + alpha.
        More channels than that are left out.
    limits
        Values shown as black and as white; uint8 is shown as it is.
    inverted
        Low values are bright (TIFF's MinIsWhite).
    palette
        uint8 (n, 3): colours that grey values stand for.
    alpha
        Whether a second or fourth channel is opacity; else it is left out.

    Returns
    -------
    ndarray of uint8 (height, width, 3)
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if palette is not None:
        index = np.clip(pixels[..., 0].astype(np.int64), 0, len(palette) - 1)
        return np.asarray(palette[index])
    channels = pixels.shape[-1]
    colours = 3 if channels >= 3 else 1
    shown = _to_uint8(pixels[..., :colours], limits)
    if inverted:
        shown = 255 - shown
    if channels in (2, 4) and alpha:
        opacity = _to_uint8(pixels[..., -1:], _alpha_limits(pixels.dtype)) / np.float32(255)
        shown = np.rint(shown * opacity + 255 * (1 - opacity)).astype(np.uint8)
    if colours == 1:
        shown = np.repeat(shown, 3, axis=-1)
    return np.ascontiguousarray(shown)


def find_limits(sample: NDArray[Any]) -> tuple[float, float]:
    """Values to show as black and white, from a sample of an image's pixels.

    uint8 0 to 255; bool 0 to 1; other grey images from their smallest to their largest
    value; colour of more than 8 bits from 0, so that the hue stays, to the full range of
    as many bits as are in use (10, 12, 16, ...).
    """
    if sample.dtype == np.uint8:
        return 0.0, 255.0
    if sample.dtype == np.bool_:
        return 0.0, 1.0
    values = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if sample.ndim == 3 and sample.shape[-1] >= 3 and sample.dtype.kind == "u":
        return 0.0, float(2 ** max(8, int(high).bit_length()) - 1)
    return (low, high) if high > low else (low, low + 1.0)


def _alpha_limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    return (0.0, float(np.iinfo(dtype).max)) if dtype.kind in "ui" else (0.0, 1.0)


def _to_uint8(values: NDArray[Any], limits: tuple[float, float]) -> RGB:
    if values.dtype == np.uint8 and limits == (0.0, 255.0):
        return np.asarray(values, np.uint8)
    low, high = limits
    kind = np.float64 if values.dtype.itemsize >= 4 else np.float32
    scaled: NDArray[np.floating[Any]] = np.asarray(values, kind)
    scaled = (scaled - low) * (255 / (high - low))
    return np.asarray(np.clip(np.rint(np.nan_to_num(scaled)), 0, 255), np.uint8)
