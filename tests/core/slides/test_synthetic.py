from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import tifffile
from tests.slide_fixtures import write_pyramid

from napari_lookalike.core.slides import level_store, open_slide
from napari_lookalike.core.slides import synthetic as module
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.core.slides.synthetic import (
    PLACEHOLDER,
    SyntheticLevels,
    synthetic_levels,
)
from napari_lookalike.core.slides.tifffile_source import open_tifffile

pytestmark = pytest.mark.processes


def plain_shrink(image, width, height):
    """Area mean by integrals, in floating point."""

    def along(values, n):
        total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        edges = np.linspace(0, len(values), n + 1)
        low = np.minimum(edges.astype(int), len(values) - 1)
        at = total[low] + (edges - low)[:, None, None] * values[low]
        return np.diff(at, axis=0) * n / len(values)

    out = along(image.astype(float), height)
    return along(out.transpose(1, 0, 2), width).transpose(1, 0, 2)


def test_only_long_last_levels_get_more():
    with_one = synthetic_levels((module.Level(1024, 700, 1, 1),))
    assert with_one == ()
    added = synthetic_levels((module.Level(4099, 800, 1, 1), module.Level(2049, 400, 2.0005, 2)))
    assert [(lv.width, lv.height) for lv in added] == [(1025, 200), (513, 100)]
    assert all(lv.synthetic for lv in added)
    assert added[0].downsample_x == 4099 / 1025


def test_they_are_area_means_of_the_file(single_level_slide):
    with open_slide(single_level_slide) as slide:
        whole = slide.read_level(0, 0, 0, *slide.size)
        for index, level in enumerate(slide.levels[1:], 1):
            got = slide.read_level(index, 0, 0, level.width, level.height)
            expected = plain_shrink(whole, level.width, level.height)
            if index == 1:
                assert np.abs(got - expected).max() <= 0.6
            # A coarser one is made from the one before, which blurs the sharpest edges.
            assert np.abs(got - expected).mean() < 0.3
            assert abs((got - expected).mean()) < 0.01


def test_levels_that_do_not_fit_memory_are_the_same(single_level_slide):
    source = open_tifffile(single_level_slide)
    added = synthetic_levels(source.levels)
    kept, computed = SyntheticLevels(source, added), SyntheticLevels(source, added, kept_bytes=1)
    box = (0, 200, 150, 180, 120)
    assert computed.is_ready(0)
    assert not computed.is_ready(1)
    assert np.array_equal(computed.read(*box), kept.read(*box))
    source.close()


class Slow:
    """A source whose reads wait for a go."""

    def __init__(self, source, fail=False):
        self.levels, self.warm, self.go, self.fail = source.levels, True, threading.Event(), fail
        self._source = source

    def read(self, *box):
        assert self.go.wait(60)
        if self.fail:
            raise CannotRead("damaged")
        return self._source.read(*box)


def test_nobody_waits_who_only_looks(single_level_slide):
    slow = Slow(open_tifffile(single_level_slide))
    levels = SyntheticLevels(slow, synthetic_levels(slow.levels))
    told = threading.Event()
    levels.start(told.set)
    assert not levels.ready
    assert (levels.peek(0, 0, 0, 40, 30) == PLACEHOLDER).all()
    slow.go.set()
    assert told.wait(60)
    assert levels.read(1, 0, 0, 40, 30).shape == (30, 40, 3)
    assert levels.ready
    late = threading.Event()
    levels.start(late.set)
    assert late.is_set()


def test_what_cannot_be_decoded_at_all_is_an_error(single_level_slide):
    slow = Slow(open_tifffile(single_level_slide), fail=True)
    slow.go.set()
    levels = SyntheticLevels(slow, synthetic_levels(slow.levels))
    with pytest.raises(CannotRead, match="damaged"):
        levels.read(0, 0, 0, 10, 10)


def test_closing_ends_the_wait(single_level_slide):
    slow = Slow(open_tifffile(single_level_slide))
    levels = SyntheticLevels(slow, synthetic_levels(slow.levels))
    levels.start()
    threading.Timer(0.05, levels.stop).start()
    with pytest.raises(CannotRead, match="closed"):
        levels.read(0, 0, 0, 10, 10)
    slow.go.set()


def test_damage_is_white_and_noted(tmp_path):
    """One broken tile must not cost the whole thumbnail."""
    path = write_pyramid(tmp_path / "a.tiff", [np.full((5000, 2600, 3), 90, np.uint8)])
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * 300)
    with open_slide(path) as slide:
        thumbnail = slide.thumbnail(250)
        assert "could not be decoded" in slide.properties()["lookalike.damage"]
    assert (thumbnail[2, 2] == 255).all()
    assert np.abs(thumbnail[-5, -5].astype(int) - 90).max() <= 2


@pytest.fixture
def all_are_worth_it(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "WORTH_PX", 1)
    monkeypatch.setattr(level_store, "store_folder", lambda: tmp_path / "levels")
    return tmp_path / "levels"


def test_computed_levels_are_there_at_once_the_next_time(single_level_slide, all_are_worth_it):
    with open_slide(single_level_slide) as slide:
        assert not slide.is_ready(2)
        first = slide.read_level(2, 0, 0, 577, 426)
    [kept] = all_are_worth_it.iterdir()
    assert single_level_slide.stem not in kept.name
    with open_slide(single_level_slide) as slide:
        slide._synthetic._source = None  # nothing is read from the file
        assert slide.is_ready(2)
        assert np.array_equal(slide.read_level(2, 0, 0, 577, 426), first)


def test_what_is_not_whole_is_not_kept(tmp_path, all_are_worth_it):
    path = write_pyramid(tmp_path / "a.tiff", [np.full((5000, 2600, 3), 90, np.uint8)])
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * 300)
    with open_slide(path) as slide:
        slide.thumbnail(250)
    assert not all_are_worth_it.exists() or not list(all_are_worth_it.iterdir())


def test_the_screen_comes_first(single_level_slide, monkeypatch):
    monkeypatch.setattr(module, "_GIVE_WAY_S", 0.2)

    class Busy:
        calm = False

    monkeypatch.setattr(module, "loader", Busy)
    source = open_tifffile(single_level_slide)
    levels, start = SyntheticLevels(source, synthetic_levels(source.levels)), time.monotonic()
    levels.read(0, 0, 0, 10, 10)
    assert time.monotonic() - start >= 0.2
    source.close()
