from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.slides.fake_slide import HEIGHT, WIDTH, FakeSlide

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.pyramid import MAX_ARRAY_PX, LevelArray, level_arrays
from napari_lookalike.core.slides.tile_cache import TileCache
from napari_lookalike.core.slides.tile_source import TileSource

FAKE = FakeSlide()


def array_of(slide, index=0, **options):
    return LevelArray(TileSource(slide, cache=TileCache(64 << 20), **options), index)


def test_napari_can_take_it_for_an_array():
    array = array_of(FAKE)
    assert array.shape == (HEIGHT, WIDTH, 3)
    assert (array.dtype, array.ndim, array.size) == (np.uint8, 3, HEIGHT * WIDTH * 3)
    assert len(array.chunks) == 3
    assert len(array) == HEIGHT
    assert np.array_equal(np.asarray(array), FAKE.pixels)
    assert np.asarray(array, dtype=float).dtype == float


def test_neighbours_differ_by_at_most_two():
    shapes = [array.shape for array in level_arrays(FAKE)]
    assert shapes == [(900, 1333, 3), (450, 667, 3), (225, 333, 3)]


item = st.one_of(
    st.integers(-HEIGHT, HEIGHT - 1),
    st.builds(
        slice,
        st.one_of(st.none(), st.integers(-1500, 1500)),
        st.one_of(st.none(), st.integers(-1500, 1500)),
        st.one_of(st.none(), st.integers(1, 400), st.integers(-400, -1)),
    ),
)


@given(item, item, st.one_of(st.just(slice(None)), st.integers(-3, 2), st.just(slice(None, 2))))
@settings(max_examples=60, deadline=None)
def test_indexing_is_numpys(rows, columns, channels):
    got = array_of(FAKE)[rows, columns, channels]
    assert np.array_equal(got, FAKE.pixels[rows, columns, channels])


@pytest.mark.parametrize("key", [5, slice(3, 9), (..., 1), (3, ...), (slice(0, 4), ..., 0), ...])
def test_short_indices_and_ellipsis_are_numpys(key):
    assert np.array_equal(array_of(FAKE)[key], FAKE.pixels[key])


def test_a_wrong_index_is_an_index_error():
    for key in [HEIGHT, (0, WIDTH), (0, 0, 0, 0)]:
        with pytest.raises(IndexError):
            array_of(FAKE)[key]


def test_only_the_tiles_asked_for_are_read_and_once():
    slide = FakeSlide()
    array = array_of(slide)
    array[250:270, 300:310]
    assert sorted(slide.reads) == [(0, 256, 0, 256, 256), (0, 256, 256, 256, 256)]
    array[250:270, 300:310]
    assert len(slide.reads) == 2
    array[899:, 1300:]
    assert slide.reads[-1] == (0, 1280, 768, WIDTH - 1280, HEIGHT - 768)


def test_a_large_level_is_not_read_as_a_whole():
    slide = FakeSlide()
    slide.levels = (Level(MAX_ARRAY_PX, 2, 1, 1),)
    with pytest.raises(ValueError, match="too large"):
        np.asarray(array_of(slide))
    assert not slide.reads


def test_a_tile_that_cannot_be_decoded_is_hatched_and_told_once():
    slide, errors = FakeSlide(broken=(300, 10)), []
    array = array_of(slide, on_error=errors.append)
    got = array[0:256, 0:768]
    assert np.array_equal(got[:, :256], slide.pixels[:256, :256])
    assert np.array_equal(got[:, 512:], slide.pixels[:256, 512:768])
    assert set(np.unique(got[:, 256:512])) == {150, 200}
    reads = len(slide.reads)
    assert np.array_equal(array[0:256, 0:768], got)
    assert len(slide.reads) == reads
    assert len(errors) == 1
    assert isinstance(errors[0], RegionError)


@pytest.mark.processes
def test_many_threads_read_the_same():
    array = array_of(FakeSlide())

    def right(i):
        y, x = i * 37 % 600, i * 91 % 1000
        return np.array_equal(
            array[y : y + 300, x : x + 300], FAKE.pixels[y : y + 300, x : x + 300]
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(right, range(40)))


def test_what_is_kept_cannot_be_changed_by_the_reader():
    array = array_of(FakeSlide())
    first = array[0:5, 0:5]
    first[:] = 0
    assert np.array_equal(array[0:5, 0:5], FAKE.pixels[0:5, 0:5])


@pytest.mark.processes
def test_reads_that_are_not_of_the_screen_are_exact():
    """Another plugin that reads the layer's data must never get an enlarged coarse level."""
    slide = FakeSlide()
    array = array_of(slide, patience_s=0.0)
    array.source.on_screen = lambda index, box: box == (0, 0, 300, 300)
    slide.gate.clear()
    shown = array[0:300, 0:300]
    slide.gate.set()
    assert not np.array_equal(shown, slide.pixels[0:300, 0:300])
    assert np.array_equal(array[0:301, 0:300], slide.pixels[0:301, 0:300])
