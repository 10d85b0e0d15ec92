"""Tiny synthetic slides for tests, written with tifffile.

Load with ``pytest_plugins = ["tests.slide_fixtures"]``, or import the functions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

MPP = 0.5
UM_PER_CM = 10_000.0


def texture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth H&E-coloured blobs (height, width, 3) on white glass: survives JPEG."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    field = np.zeros((height, width), np.float32)
    for _ in range(12):
        fx, fy, phase = rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06), rng.uniform(0, 6.3)
        field += np.sin(fx * xs + fy * ys + phase)
    amount = (1 / (1 + np.exp(-field)))[..., None]
    pink, purple = np.float32([230, 160, 190]), np.float32([95, 60, 140])
    tissue = pink * (1 - amount) + purple * amount
    radius = ((xs / width - 0.5) / 0.42) ** 2 + ((ys / height - 0.5) / 0.42) ** 2
    return np.where((radius < 1)[..., None], tissue, 243).astype(np.uint8)


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of each two by two pixels; odd last rows and columns are dropped."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    quads = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    return np.rint(quads.mean(axis=(1, 3))).astype(np.uint8)


def write_pyramid(
    path: Path,
    levels: list[NDArray[np.uint8]],
    *,
    mpp: float | None = MPP,
    compression: str | None = "jpeg",
    tile: int = 256,
) -> Path:
    """Write levels as a tiled, multi-page pyramid that OpenSlide opens."""
    with tifffile.TiffWriter(path) as writer:
        for i, pixels in enumerate(levels):
            options: dict[str, object] = {"metadata": None, "subfiletype": int(i > 0)}
            if compression == "jpeg":
                options |= {"compressionargs": {"level": 90}}
            if mpp is not None:
                dots = UM_PER_CM / (mpp * levels[0].shape[1] / pixels.shape[1])
                options |= {"resolution": (dots, dots), "resolutionunit": "CENTIMETER"}
            writer.write(
                pixels, tile=(tile, tile), compression=compression, photometric="rgb", **options
            )
    return path


def write_aperio(path: Path, pixels: NDArray[np.uint8], *, mpp: float = MPP) -> Path:
    """Write an Aperio-like slide with a thumbnail, a label and a macro image."""
    height, width = pixels.shape[:2]
    small = pixels[::4, ::4]
    head = "Aperio Image Library v10.0.51\r\n"
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            pixels,
            tile=(256, 256),
            compression="jpeg",
            photometric="rgb",
            description=f"{head}{width}x{height} (256x256) JPEG/RGB Q=90|AppMag = 20|MPP = {mpp}",
            metadata=None,
        )
        for name, flag in (("thumbnail", 0), ("label", 1), ("macro", 9)):
            writer.write(
                small if name == "thumbnail" else small[:, : small.shape[1] // 2],
                rowsperstrip=16,
                compression="jpeg",
                photometric="rgb",
                subfiletype=flag,
                description=f"{head}{name} {small.shape[1]}x{small.shape[0]}",
                metadata=None,
            )
    return path


@pytest.fixture(scope="session")
def pyramid_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three levels, 1501 x 1203 px, mpp 0.5, JPEG tiles; downsamples are not whole."""
    level0 = texture(1501, 1203)
    level1 = halve(level0)
    folder = tmp_path_factory.mktemp("pyramid")
    return write_pyramid(folder / "slide.tiff", [level0, level1, halve(level1)])


@pytest.fixture(scope="session")
def single_level_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One level, 2305 x 1701 px, mpp 0.5, tiles without loss."""
    folder = tmp_path_factory.mktemp("single")
    return write_pyramid(folder / "slide.tiff", [texture(2305, 1701, 1)], compression="zlib")


@pytest.fixture(scope="session")
def no_mpp_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `pyramid_slide`, but smaller and without a scale."""
    level0 = texture(900, 700, 2)
    folder = tmp_path_factory.mktemp("no_mpp")
    return write_pyramid(folder / "slide.tiff", [level0, halve(level0)], mpp=None)


@pytest.fixture(scope="session")
def aperio_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Aperio-like slide with label, macro and thumbnail, mpp 0.5."""
    return write_aperio(tmp_path_factory.mktemp("aperio") / "slide.svs", texture(1100, 800, 3))
