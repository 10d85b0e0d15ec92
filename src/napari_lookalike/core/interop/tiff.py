"""Attention as pyramidal, tiled TIFF in the slide's frame: values (OME-TIFF) and colours."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_lookalike.core.attention import Overlay, display_range, overlay
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.features import Features
from napari_lookalike.core.interop.kinds import Exporter
from napari_lookalike.core.interop.outgoing import Exported, ExportPlan, shown
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project_file import write_atomic

PIXELS_PER_TILE = 8
LONGEST_PX = 20_000
TILE = 256
UM_PER_CM = 10_000.0

PLASMA = (
    (13, 8, 135), (53, 4, 152), (84, 2, 163), (114, 1, 168), (142, 13, 164), (167, 33, 151),
    (189, 55, 134), (207, 76, 116), (222, 97, 100), (235, 120, 83), (246, 145, 66), (252, 172, 50),
    (253, 202, 38), (240, 249, 33),
)  # fmt: skip
"""Stops of the colour map that the window draws with, evenly spaced; linear between them."""


def write(plan: ExportPlan, job: Job) -> Exported:
    """``<slide_id>_attention.ome.tif`` and ``<slide_id>_attention_colours.tif``."""
    plan.model()
    done = []
    for slide_id, features in plan.features(job):
        try:
            result = plan.result(slide_id, features)
        except LookalikeError as error:
            plan.problems[slide_id] = f"{error.what} {error.remedy}".strip()
            continue
        if result is None:
            plan.problems[slide_id] = "The model says nothing of it yet. Predict it first."
            continue
        values = shown(result, plan.options.values)
        levels, down = pyramid(features, values)
        mpp = _mpp(features, down)
        text = f"Attention {plan.options.values}, a pixel per {down} level-0 px; NaN: not analysed"
        target = plan.out / f"{slide_id}_attention.ome.tif"
        write_atomic(target, partial(_write_values, levels, mpp, slide_id, text))
        colours = [coloured(level, display_range(values)) for level in levels]
        target = plan.out / f"{slide_id}_attention_colours.tif"
        write_atomic(target, partial(_write_colours, colours, mpp))
        done.append(slide_id)
    return plan.exported(done, 2 * len(done))


def pyramid(
    features: Features, values: NDArray[np.float32]
) -> tuple[list[NDArray[np.float32]], int]:
    """Values of tiles as an image in the slide's frame, and coarser ones of it.

    Parameters
    ----------
    features
        Whose grid the values are of.
    values
        float32 (n_tiles,).

    Returns
    -------
    tuple
        Levels, finest first, float32 (height, width), each half the one before, NaN where
        nothing was analysed; and the level-0 pixels that a pixel of the finest covers (a
        power of two: the frame is the slide's, divided by it).
    """
    grid = features.grid
    down = _downsample(grid.size_px0, grid.slide_size)
    levels = [frame(overlay(grid, values), grid.slide_size, down)]
    while max(levels[-1].shape) > TILE:
        levels.append(halved(levels[-1]))
    return levels, down


def _downsample(tile: tuple[float, float], size: tuple[int, int]) -> int:
    down = 1
    while down * 2 * PIXELS_PER_TILE <= min(tile):
        down *= 2
    while max(size) / down > LONGEST_PX:
        down *= 2
    return down


def frame(image: Overlay, size: tuple[int, int], down: int) -> NDArray[np.float32]:
    """One pixel per ``down`` level-0 pixels over the whole slide: the value at its centre."""
    width, height = (-(-edge // down) for edge in size)
    rows, columns = image.image.shape
    x = (np.arange(width) + 0.5) * down
    y = (np.arange(height) + 0.5) * down
    column = np.floor((x - image.corner_px0[0]) / image.pixel_px0[0]).astype(np.intp)
    row = np.floor((y - image.corner_px0[1]) / image.pixel_px0[1]).astype(np.intp)
    inside_x, inside_y = (column >= 0) & (column < columns), (row >= 0) & (row < rows)
    found = image.image[np.clip(row, 0, rows - 1)][:, np.clip(column, 0, columns - 1)]
    found[~inside_y] = np.nan
    found[:, ~inside_x] = np.nan
    return np.asarray(found, np.float32)


def halved(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each two by two pixels, of those that are not NaN."""
    height, width = image.shape
    padded = np.pad(image, ((0, height % 2), (0, width % 2)), constant_values=np.nan)
    quads = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
    there = np.isfinite(quads)
    total = np.where(there, quads, 0).sum(axis=(1, 3))
    count = there.sum(axis=(1, 3))
    return np.where(count, total / np.maximum(count, 1), np.nan).astype(np.float32)


def coloured(image: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """uint8 (height, width, 4): plasma between the limits; transparent where NaN."""
    low, high = limits
    there = np.isfinite(image)
    share = np.clip((np.where(there, image, low) - low) / (high - low), 0, 1)
    stops = np.linspace(0, 1, len(PLASMA))
    table = np.asarray(PLASMA, np.float64)
    channels = [np.interp(share, stops, table[:, i]) for i in range(3)]
    rgb = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    rgb[~there] = 255
    return np.dstack([rgb, np.where(there, 255, 0).astype(np.uint8)])


def _mpp(features: Features, down: int) -> tuple[float, float] | None:
    """µm per pixel (x, y) of the finest level."""
    if features.slide_mpp is None:
        return None
    return features.slide_mpp[0] * down, features.slide_mpp[1] * down


def _write_values(
    levels: list[NDArray[np.float32]],
    mpp: tuple[float, float] | None,
    name: str,
    text: str,
    path: Path,
) -> None:
    facts: dict[str, Any] = {"axes": "YX", "Name": name, "Description": text}
    if mpp is not None:
        facts |= {"PhysicalSizeX": mpp[0], "PhysicalSizeXUnit": "µm"}
        facts |= {"PhysicalSizeY": mpp[1], "PhysicalSizeYUnit": "µm"}
    common: dict[str, Any] = {"tile": (TILE, TILE), "compression": "zlib"}
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as file:
        file.write(levels[0], subifds=len(levels) - 1, metadata=facts, **common)
        for level in levels[1:]:
            file.write(level, subfiletype=1, **common)


def _write_colours(
    levels: list[NDArray[np.uint8]], mpp: tuple[float, float] | None, path: Path
) -> None:
    """Pages and not sub-images: so OpenSlide sees a pyramid."""
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for i, level in enumerate(levels):
            options: dict[str, Any] = {"subfiletype": int(i > 0), "metadata": None}
            if mpp is not None:
                dots = tuple(UM_PER_CM / (m * 2**i) for m in mpp)
                options |= {"resolution": dots, "resolutionunit": "CENTIMETER"}
            file.write(
                level,
                tile=(TILE, TILE),
                compression="zlib",
                photometric="rgb",
                extrasamples=["unassalpha"],
                **options,
            )


EXPORTER = Exporter(
    name="tiff",
    title="Attention as an image (pyramidal TIFF)",
    files="`<slide_id>_attention.ome.tif` (values) and `<slide_id>_attention_colours.tif` (RGBA)",
    opens_in="QuPath, Fiji, ASAP, OpenSlide (colours), tifffile, napari",
    identity="slide_ids; no pixels of the slide, no file names, no patient ids",
    write=write,
)
