"""Synthetic slides in every layout and codec that is decoded directly."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tests.slide_fixtures import halve, texture

RGB = NDArray[np.uint8]
TILE = 128
APERIO = "Aperio Image Library v10.0.51\r\n{0}x{1} ({2}x{2}) JPEG/RGB Q=90|AppMag = 20|MPP = 0.5"


def noisy(width: int, height: int, seed: int = 0) -> RGB:
    """Tissue with grain: neighbouring pixels differ, so that a shift or a swap shows."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(scale=9, size=(height, width, 3))
    return np.clip(texture(width, height, seed) + grain, 0, 255).astype(np.uint8)


def pyramid(width: int = 700, height: int = 500, levels: int = 3) -> list[RGB]:
    """Full size and its halves; neither is a multiple of a tile."""
    found = [noisy(width, height)]
    while len(found) < levels:
        found.append(halve(found[-1]))
    return found


def jpeg(tile: RGB, stream: int = 0, *, rgb: bool = False, subsampling: int = 2) -> bytes:
    """One JPEG: whole (0), tables only (1) or image only (2)."""
    kind = {"keep_rgb": True} if rgb else {"subsampling": subsampling}
    file = io.BytesIO()
    Image.fromarray(tile).save(file, "JPEG", quality=90, streamtype=stream, **kind)
    return file.getvalue()


def grey_jpeg(tile: RGB) -> bytes:
    """One JPEG of one component."""
    file = io.BytesIO()
    Image.fromarray(tile).save(file, "JPEG", quality=90)
    return file.getvalue()


def cut(pixels: RGB, tile: int = TILE, fill: int = 90) -> Iterator[RGB]:
    """Whole tiles; what lies beyond the image is ``fill``, which nobody may see."""
    for y in range(0, pixels.shape[0], tile):
        for x in range(0, pixels.shape[1], tile):
            part = pixels[y : y + tile, x : x + tile]
            whole = np.full((tile, tile, *part.shape[2:]), fill, np.uint8)
            whole[: part.shape[0], : part.shape[1]] = part
            yield whole


def write_tiles(
    path: Path,
    levels: list[RGB],
    encode: Callable[[RGB], bytes],
    *,
    compression: int,
    photometric: str = "rgb",
    tables: bytes | None = None,
    description: str | None = None,
    software: str | None = None,
    padded: bool = False,
    missing: frozenset[int] = frozenset(),
    gaps_from: int = 0,
    **options: object,
) -> Path:
    """A pyramid of tiles that are encoded here, one page per level."""
    with tifffile.TiffWriter(path) as writer:
        for i, pixels in enumerate(levels):
            height, width = pixels.shape[:2]
            if padded:
                height, width = (-(-side // TILE) * TILE for side in (height, width))
            writer.write(
                _encoded(pixels, encode, missing if i >= gaps_from else frozenset()),
                shape=(height, width, *pixels.shape[2:]),
                dtype="uint8",
                tile=(TILE, TILE),
                compression=compression,
                photometric=photometric,
                jpegtables=tables,
                description=description if i == 0 else None,
                software=software if i == 0 else None,
                subfiletype=int(i > 0),
                metadata=None,
                **options,
            )
    return path


def _encoded(
    pixels: RGB, encode: Callable[[RGB], bytes], missing: frozenset[int]
) -> Iterator[bytes]:
    for i, tile in enumerate(cut(pixels)):
        yield b"" if i in missing else encode(tile)


def write_jpeg(
    path: Path,
    levels: list[RGB],
    *,
    rgb: bool = False,
    subsampling: int = 2,
    shared: bool = True,
    aperio: bool = False,
    **options: object,
) -> Path:
    """JPEG tiles in RGB or YCbCr, with shared tables or each with its own."""
    kind = {"rgb": rgb, "subsampling": subsampling}
    height, width = levels[0].shape[:2]
    factors = {0: (1, 1), 1: (2, 1), 2: (2, 2)}[subsampling]
    if aperio:
        options.setdefault("description", APERIO.format(width, height, TILE))
    return write_tiles(
        path,
        levels,
        lambda tile: jpeg(tile, 2 if shared else 0, **kind),
        compression=7,
        photometric="rgb" if rgb else "ycbcr",
        tables=jpeg(levels[0][:TILE, :TILE], 1, **kind) if shared else None,
        compressionargs={"outcolorspace": "rgb"} if rgb else None,
        subsampling=None if rgb else factors,
        **options,
    )


def to_ycbcr(pixels: RGB) -> RGB:
    """Pillow's Y, Cb, Cr."""
    return np.asarray(Image.fromarray(pixels).convert("YCbCr"))


def write_jpeg2000(path: Path, pixels: RGB, compression: int, *, level: int = 0) -> Path:
    """Aperio's JPEG 2000: 33003 is YCbCr without a colour transform, 33005 is RGB."""
    height, width = pixels.shape[:2]

    def encode(tile: RGB) -> bytes:
        data = to_ycbcr(tile) if compression == 33003 else tile
        transform = compression != 33003
        return imagecodecs.jpeg2k_encode(
            data, level=level, codecformat="j2k", mct=transform, reversible=level == 0
        )

    return write_tiles(
        path, [pixels], encode, compression=compression, photometric="rgb",
        description=APERIO.format(width, height, TILE),
    )  # fmt: skip


def write_lossless(
    path: Path,
    levels: list[RGB],
    compression: str | None,
    *,
    predictor: bool = False,
    bigtiff: bool = False,
    byteorder: str = "<",
) -> Path:
    """Tiles that tifffile packs."""
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as writer:
        for i, pixels in enumerate(levels):
            writer.write(
                pixels, tile=(TILE, TILE), compression=compression, predictor=predictor,
                photometric="rgb" if pixels.ndim == 3 else "minisblack",
                subfiletype=int(i > 0), metadata=None,
            )  # fmt: skip
    return path
