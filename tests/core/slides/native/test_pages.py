from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from tests.core.slides.native.writing import pyramid, write_jpeg

from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.native.level import NativeLevel
from napari_lookalike.core.slides.native.pages import native_levels, page_of
from napari_lookalike.core.slides.native.reading import PositionalFile
from napari_lookalike.core.slides.source import CannotRead


def page(width, height, tile=128):
    tags = {256: width, 257: height}
    return SimpleNamespace(
        tags=SimpleNamespace(valueof=lambda code, default: tags.get(code, default)),
        tilewidth=tile, tilelength=tile,
    )  # fmt: skip


def test_the_page_that_fits_best():
    level = Level(700, 500, 1, 1)
    exact, padded = page(700, 500), page(768, 512)
    assert page_of(level, [padded, exact]) is exact
    assert page_of(level, [page(350, 250), padded]) is padded
    assert page_of(level, [exact, page(700, 500)]) is exact  # the first of two
    for other in (page(699, 500), page(828, 500), page(700, 628)):
        assert page_of(level, [other]) is None


def test_levels_of_a_file(tmp_path):
    path = write_jpeg(tmp_path / "a.tif", pyramid())
    levels = [Level(700, 500, 1, 1), Level(350, 250, 2, 2), Level(175, 125, 4, 4)]
    assert [level.width for level in native_levels(path, levels)] == [700, 350, 175]
    with pytest.raises(CannotRead, match="size of level 1"):
        native_levels(path, [levels[0], levels[0]])  # a page serves one level


def test_absurd_lengths_are_refused(tmp_path):
    path = write_jpeg(tmp_path / "a.tif", pyramid())
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        good = page.databytecounts, page.dataoffsets
        for counts, offsets, reason in [
            ((1 << 40,) * 24, good[1], "absurd"),
            (good[0], (path.stat().st_size - 5,) * 24, "cut off"),
            (good[0], ((1 << 64) - 1,) * 24, "cut off"),
        ]:
            page.databytecounts, page.dataoffsets = counts, offsets
            level = NativeLevel(page, PositionalFile(path), 700, 500)
            with pytest.raises(CannotRead, match=reason):
                level.tile(2, 1)
        page.databytecounts, page.dataoffsets = good[0][:7], good[1]
        level = NativeLevel(page, PositionalFile(path), 700, 500)
        assert level.tile(0, 1) is not None
        assert level.tile(1, 1) is None
        assert level.has_gaps()
        assert level.samples()[1:] == [(0, 0), (0, 1)]
        page.databytecounts = ()
        assert NativeLevel(page, PositionalFile(path), 700, 500).samples() == []


def test_the_table_is_that_of_the_page_not_of_the_level(tmp_path):
    path = write_jpeg(tmp_path / "a.tif", pyramid(levels=1))
    file = PositionalFile(path)
    with tifffile.TiffFile(path) as tif:
        whole, narrow = (NativeLevel(tif.pages[0], file, width, 500) for width in (700, 640))
    for place in [(0, 1), (4, 2), (2, 3)]:
        assert np.array_equal(narrow.tile(*place), whole.tile(*place))
    assert narrow.samples()[-1] == (4, 3)
