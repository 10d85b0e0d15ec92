"""Plain large TIFF: strips, BigTIFF, and tiles that lie beyond 4 GB."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.slide_fixtures import texture

from napari_lookalike.core.slides import looks_like_slide, open_slide
from napari_lookalike.core.slides.info import slide_info

BEYOND = 5 << 30
PIXELS = texture(1100, 900)


def move_data(path: Path, by: int) -> None:
    """Move all tiles or strips of a BigTIFF, without anything in between being on disk."""
    with tifffile.TiffFile(path) as tif:
        page = tif.pages.first
        name = "TileOffsets" if page.is_tiled else "StripOffsets"
        place, kind = page.tags[name].valueoffset, page.tags[name].dtype
        segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    assert kind == 16  # eight bytes each
    with path.open("r+b") as file:
        for offset, count in segments:
            file.seek(offset)
            data = file.read(count)
            file.seek(offset)
            file.write(b"\0" * count)
            file.seek(offset + by)
            file.write(data)
        file.seek(place)
        file.write(np.array([o + by for o, _ in segments], "<u8").tobytes())


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (256, 256), "compression": "zlib"},
        {"rowsperstrip": 16},
        {"rowsperstrip": 50, "compression": "lzw"},
    ],
    ids=["tiles", "strips", "compressed strips"],
)
def test_pixels_beyond_4_gb(tmp_path: Path, options: dict[str, object]) -> None:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, PIXELS, bigtiff=True, photometric="rgb", **options)
    move_data(path, BEYOND)
    if os.stat(path).st_blocks * 512 > 1 << 28:
        pytest.skip("this file system keeps holes in full")
    assert path.stat().st_size > BEYOND
    assert looks_like_slide(path)
    with open_slide(path) as slide:
        slide_info(slide)
        assert (slide.read_level(0, 0, 0, 1100, 900) == PIXELS).all()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 900])
def test_strips_of_any_height(tmp_path: Path, rows: int, bigtiff: bool, order: str) -> None:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(
        path, PIXELS, bigtiff=bigtiff, byteorder=order, rowsperstrip=rows, photometric="rgb"
    )
    assert looks_like_slide(path)
    with open_slide(path) as slide:
        assert (slide.read_level(0, 100, 200, 300, 400) == PIXELS[200:600, 100:400]).all()
