"""Procedural slides for the benches: as large as real ones, and nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

_TILE = 256
_TEXTURE = 2048
_GLASS = 243
_SCALES = (1, 4, 16)
_MPP = 0.25


def write_slide(path: Path, width: int, height: int, seed: int = 0, *, mpp: float = _MPP) -> Path:
    """Write a pyramidal TIFF (JPEG tiles, downsamples 1, 4, 16) of stained-looking tissue.

    Parameters
    ----------
    path
        File to write.
    width, height
        Size in pixels.
    seed
        Another one gives another slide.
    mpp
        µm per pixel that the file states.
    """
    texture = _texture(seed)
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for scale in _SCALES:
            per_cm = 1e4 / (mpp * scale)
            shape = (height // scale, width // scale, 3)
            writer.write(
                _tiles(texture, shape[0], shape[1], scale),
                shape=shape,
                dtype="uint8",
                tile=(_TILE, _TILE),
                compression="jpeg",
                compressionargs={"level": 80},
                photometric="rgb",  # and stored as YCbCr
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
                subfiletype=int(scale > 1),
                metadata=None,
            )
    return path


def _texture(seed: int) -> NDArray[np.uint8]:
    """Nuclei on stroma, (2048, 2048, 3), repeated over the slide."""
    rng = np.random.default_rng(seed)
    n = _TEXTURE
    base = ndimage.gaussian_filter(rng.normal(size=(n, n)), 20, mode="wrap")
    base = (base - base.min()) / np.ptp(base)
    nuclei = np.ones((n, n), bool)
    ys, xs = rng.integers(0, n, (2, n * n // 700))
    nuclei[ys, xs] = False
    share = np.clip((4 + 3 * base - ndimage.distance_transform_edt(nuclei)) / 1.5 + 0.5, 0, 1)
    pale, eosin, blue = np.array([[245, 225, 235], [230, 160, 190], [90, 60, 140.0]])
    image = pale + (eosin - pale) * base[..., None]
    image = image * (1 - share[..., None]) + blue * share[..., None]
    return np.asarray(np.clip(image + rng.normal(scale=6, size=image.shape), 0, 255), np.uint8)


def _tiles(
    texture: NDArray[np.uint8], height: int, width: int, scale: int
) -> Iterator[NDArray[np.uint8]]:
    side = _TEXTURE // scale
    small = texture.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)).astype(np.uint8)
    repeats = 2 if side >= _TILE else _TILE // side + 2
    wide = np.tile(small, (repeats, repeats, 1))
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            y = (np.arange(top, top + _TILE)[:, None]) / height
            x = (np.arange(left, left + _TILE)[None]) / width
            bumps = 0.15 * np.sin(9 * x) * np.cos(11 * y)
            inside = ((x - 0.5) / 0.42) ** 2 + ((y - 0.5) / 0.40) ** 2 + bumps < 1
            part = wide[top % side :, left % side :][:_TILE, :_TILE]
            yield np.where(inside[..., None], part, np.uint8(_GLASS))
