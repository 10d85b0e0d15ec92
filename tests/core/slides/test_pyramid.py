from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.geometry import Region, Scale
from napari_lookalike.core.slides.base import Level, Slide
from napari_lookalike.core.slides.pyramid import MAX_ARRAY_PX, LevelArray
from napari_lookalike.core.slides.tile_cache import TileCache, tile_cache

WIDTH, HEIGHT = 1333, 900


class FakeSlide(Slide):
    """Pixels are a function of their place; reads can be slow, fail or be not ready."""

    def __init__(self, delay: float = 0.0, broken: tuple[int, int] | None = None) -> None:
        self.fingerprint, self.backend, self.vendor = f"{id(self):032x}", "fake", "fake"
        self.scale = Scale()
        self.levels = (Level(WIDTH, HEIGHT, 1, 1), Level(333, 225, WIDTH / 333, 4))
        ys, xs = np.mgrid[:HEIGHT, :WIDTH]
        self.pixels = np.stack([xs % 251, ys % 241, (xs + ys) % 256], -1).astype(np.uint8)
        self.delay, self.broken, self.reads = delay, broken, []
        self.ready, self.told = True, []

    def read_level(self, level, x, y, width, height):
        self.reads.append((level, x, y, width, height))
        time.sleep(self.delay)
        if self.broken and level == 0:
            bx, by = self.broken
            if x <= bx < x + width and y <= by < y + height:
                raise RegionError("cannot be decoded.", "", self.name)
        if level == 1:
            return np.full((height, width, 3), 77, np.uint8)
        return self.pixels[y : y + height, x : x + width].copy()

    def is_ready(self, level):
        return self.ready

    def prepare(self, on_progress=None):
        self.told.append(on_progress)

    def peek_level(self, level, x, y, width, height):
        if self.ready:
            return self.read_level(level, x, y, width, height)
        return np.full((height, width, 3), 236, np.uint8)

    def read_region(self, region: Region, size):
        raise NotImplementedError

    def associated_names(self):
        return ()

    def associated_image(self, name):
        raise NotImplementedError

    def properties(self):
        return {}

    def close(self):
        pass


FAKE = FakeSlide()


def array_of(slide, level=0, **options):
    return LevelArray(slide, level, cache=TileCache(64 << 20), **options)


def test_napari_can_take_it_for_an_array():
    array = array_of(FAKE)
    assert array.shape == (HEIGHT, WIDTH, 3)
    assert (array.dtype, array.ndim, array.size) == (np.uint8, 3, HEIGHT * WIDTH * 3)
    assert array.chunks == (256, 256, 3)
    assert len(array) == HEIGHT
    assert np.array_equal(np.asarray(array), FAKE.pixels)
    assert np.asarray(array, dtype=float).dtype == float


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
    slide.levels = (Level(MAX_ARRAY_PX, 2, 1, 1), *slide.levels[1:])
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


def test_a_read_keeps_to_its_budget_and_comes_back_complete():
    slide, more = FakeSlide(delay=0.08), threading.Event()
    array = array_of(slide, budget_s=0.02)
    array.listen(more.set)
    start = time.perf_counter()
    first = array[:, :]
    # One read of the coarsest level stands in for what is late.
    assert time.perf_counter() - start < 0.08 * 12
    assert (first == 77).all(axis=-1).mean() > 0.5
    assert not array.complete
    deadline = time.monotonic() + 20
    while not array.complete and time.monotonic() < deadline:
        time.sleep(0.02)
        array[:, :]
    assert more.is_set()
    assert np.array_equal(array[:, :], slide.pixels)


def test_tiles_nobody_waits_for_are_not_decoded():
    slide = FakeSlide(delay=0.05)
    array = array_of(slide, budget_s=0.0)
    array[:, :]
    while array[0:10, 0:10][0, 0, 0] == 77:
        time.sleep(0.02)
    time.sleep(0.3)
    assert len([r for r in slide.reads if r[0] == 0]) < 15  # of 24


def test_what_is_not_ready_is_grey_and_asked_for_once():
    slide, calls = FakeSlide(), []
    slide.ready = False
    array = array_of(slide)
    array.listen(lambda: calls.append(1))
    assert (array[0:300, 0:300] == 236).all()
    array[0:300, 0:300]
    assert len(slide.told) == 1
    slide.ready = True
    slide.told[0]()
    assert calls == [1]
    assert np.array_equal(array[0:300, 0:300], slide.pixels[0:300, 0:300])


def test_many_threads_read_the_same():
    array = array_of(FakeSlide(), budget_s=None)

    def right(i):
        y, x = i * 37 % 600, i * 91 % 1000
        return np.array_equal(
            array[y : y + 300, x : x + 300], FAKE.pixels[y : y + 300, x : x + 300]
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(right, range(40)))


def test_the_cache_is_bounded_and_drops_the_oldest():
    cache = TileCache(limit=300)
    for i in range(5):
        cache.put(i, np.zeros((10, 10), np.uint8))
        cache.get(0)
    assert cache.nbytes == 300
    assert cache.get(0) is not None  # used all the time
    assert cache.get(1) is None
    cache.put(4, np.zeros((5, 10), np.uint8))
    assert cache.nbytes == 250
    cache.resize(100)
    assert cache.nbytes <= 100
    cache.clear()
    assert (cache.nbytes, len(cache)) == (0, 0)


def test_one_cache_for_all():
    assert tile_cache() is tile_cache()
    assert tile_cache().limit == 512 << 20


def test_what_is_kept_cannot_be_changed_by_the_reader():
    array = array_of(FakeSlide())
    first = array[0:5, 0:5]
    first[:] = 0
    assert np.array_equal(array[0:5, 0:5], FAKE.pixels[0:5, 0:5])
