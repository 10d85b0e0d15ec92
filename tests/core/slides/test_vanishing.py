"""Files that cannot be read, and slides that go away while they are shown."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.core.slides.zarr_fixtures import write_ome_zarr
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.errors import LookalikeError, RegionError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.pyramid import LevelArray
from napari_lookalike.core.slides.tile_cache import TileCache
from napari_lookalike.core.slides.tile_source import TileSource


@pytest.mark.shared
def test_every_malformed_file_opens_or_is_a_sentence(shared: Path) -> None:
    files = [p for p in sorted((shared / "data" / "malformed").rglob("*")) if p.is_file()]
    assert len(files) >= 14
    refused = 0
    for path in files:
        try:
            with open_slide(path, raster=True) as slide:
                slide_info(slide)
                assert slide.thumbnail(64).size
        except LookalikeError as error:
            refused += 1
            text = str(error)
            assert error.what.endswith(".") and error.remedy
            for secret in (path.stem, str(shared), "Traceback"):
                assert secret not in text, path.name
    assert refused >= 5


def hatched(pixels: np.ndarray) -> bool:
    """Whether pixels are the grey stripes that stand for what cannot be read."""
    grey = (pixels == pixels[..., :1]).all()
    return bool(grey) and len(np.unique(pixels)) == 2


@pytest.fixture(params=["cut off", "gone", "chunks gone"])
def losing(request: pytest.FixtureRequest, tmp_path: Path):
    """An open slide of 3000 x 2000 pixels, and what takes its file away."""
    pixels = texture(3000, 2000)
    if request.param == "chunks gone":
        folder = write_ome_zarr(tmp_path / "a.zarr", [np.moveaxis(pixels, -1, 0)], chunk=256)

        def lose() -> None:
            for chunk in (folder / "0" / "c").rglob("*"):
                if chunk.is_file():
                    chunk.write_bytes(b"")

        return open_slide(folder), lose
    path = write_pyramid(tmp_path / "a.tif", [pixels, pixels[::4, ::4]], compression="zlib")

    def lose_file() -> None:
        os.truncate(path, 100)
        if request.param == "gone":
            path.unlink()

    return open_slide(path), lose_file


def test_a_slide_that_disappears_is_hatched_and_told_once(losing) -> None:
    slide, lose = losing
    told: list[RegionError] = []
    source = TileSource(slide, on_error=told.append, cache=TileCache(64 << 20))
    array = LevelArray(source, 0)
    before = array[0:256, 0:256].copy()
    assert not hatched(before) and told == []
    lose()
    assert hatched(array[1024:1280, 1536:1792])
    assert hatched(array[1600:1700, 600:700])
    assert (array[0:256, 0:256] == before).all()  # what was seen stays
    assert len(told) == 1
    assert "cannot be decoded" in str(told[0])
    for index in range(len(source.levels)):
        level = LevelArray(source, index)
        assert level[: min(50, level.shape[0]), :50].shape[2] == 3  # and never raises
    assert len(told) == 1
    source.close()
    slide.close()


def test_a_folder_that_disappears_is_a_sentence(tmp_path: Path) -> None:
    folder = write_ome_zarr(tmp_path / "a.zarr", [np.moveaxis(texture(300, 200), -1, 0)])
    shutil.rmtree(folder)
    with pytest.raises(LookalikeError, match="not where it should be"):
        open_slide(folder)
