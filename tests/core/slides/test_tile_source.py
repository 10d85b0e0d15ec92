"""What a view is answered with, and when it is settled."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from tests.core.slides.fake_slide import COARSE, HEIGHT, WIDTH, FakeSlide, wait_until

from napari_lookalike.core.slides import tile_source
from napari_lookalike.core.slides.loader import Loader
from napari_lookalike.core.slides.pyramid import LevelArray
from napari_lookalike.core.slides.tile_cache import TileCache
from napari_lookalike.core.slides.tile_source import TileSource

pytestmark = pytest.mark.processes


@pytest.fixture
def threads():
    made = Loader(2)
    yield made
    made.stop()


def source_of(slide, threads, patience_s=0.0, limit=64 << 20, **options):
    source = TileSource(
        slide, cache=TileCache(limit), threads=threads, patience_s=patience_s, **options
    )
    source.on_screen = lambda index, box: True
    return source


def arrays_of(source):
    return [LevelArray(source, i) for i in range(len(source.levels))]


def test_a_view_is_answered_from_the_coarser_level_and_settles(threads):
    slide = FakeSlide()
    source = source_of(slide, threads)
    fine, _, coarse = arrays_of(source)
    source.read(2, (0, 0, 333, 225))
    slide.gate.clear()
    told = threading.Event()
    source.listen(told.set)
    assert (fine[:, :] == COARSE).all()  # nothing was waited for: the gate is shut
    assert not source.idle
    slide.gate.set()
    assert told.wait(60)
    assert not source.idle  # not before the layer has read again
    wait_until(lambda: np.array_equal(fine[:, :], slide.pixels))
    assert source.idle
    assert (coarse[:, :] == COARSE).all()


def test_nothing_is_read_in_the_thread_that_asks(threads):
    slide = FakeSlide()
    source = source_of(slide, threads, patience_s=60.0)
    assert np.array_equal(arrays_of(source)[0][:, :], slide.pixels)
    assert slide.readers == {"tiles"}


def test_a_view_that_is_nearly_there_is_drawn_once(threads):
    slide, told = FakeSlide(), []
    source = source_of(slide, threads, patience_s=60.0)
    source.listen(lambda: told.append(1))
    assert np.array_equal(arrays_of(source)[0][:256, :256], slide.pixels[:256, :256])
    assert source.idle
    time.sleep(0.1)
    assert told == []


def test_what_the_view_has_left_is_not_made(threads):
    slide = FakeSlide()
    source = source_of(slide, threads)
    fine = arrays_of(source)[0]
    slide.gate.clear()
    fine[:, :]
    wait_until(lambda: len(slide.reads) == 2)  # one tile in each thread
    fine[0:10, 0:10]
    slide.gate.set()
    wait_until(lambda: fine[0:10, 0:10].tolist() == slide.pixels[:10, :10].tolist())
    ahead = {(level, x, y) for level, x, y, _, _ in slide.reads[2:]}
    assert (0, 1280, 768) not in ahead  # the far corner of the first view


def test_the_centre_comes_first(threads):
    slide = FakeSlide()
    source = source_of(slide, threads)
    slide.gate.clear()
    arrays_of(source)[0][:, :]
    wait_until(lambda: len(slide.reads) == 2)
    slide.gate.set()
    wait_until(lambda: len(slide.reads) >= 24)
    distance = [
        np.hypot(x + w / 2 - WIDTH / 2, y + h / 2 - HEIGHT / 2)
        for level, x, y, w, h in slide.reads
        if level == 0
    ]
    assert np.mean(distance[:6]) < np.mean(distance[6:12]) < np.mean(distance[-6:])


def test_what_may_be_next_is_made_when_the_view_stands(threads):
    slide = FakeSlide()
    source = source_of(slide, threads, patience_s=60.0)
    fine = arrays_of(source)[0]
    fine[0:256, 0:256]
    fine[0:256, 256:512]  # moving to the right
    wait_until(lambda: (0, 512, 0, 256, 256) in slide.reads)
    assert source.idle
    wait_until(lambda: (1, 0, 0, 256, 225) in slide.reads)  # the coarser level too


def test_what_a_moving_view_needs_next_is_made_at_once(threads):
    threads._calm_s = 3600.0  # nothing else is made ahead
    slide = FakeSlide()
    source = source_of(slide, threads, patience_s=60.0)
    fine = arrays_of(source)[0]
    fine[0:256, 0:256]
    fine[0:256, 256:512]
    wait_until(lambda: (0, 512, 0, 256, 256) in slide.reads)
    assert source.idle
    fine[0:256, 512:768]
    wait_until(lambda: len(slide.reads) >= 4)
    time.sleep(0.1)
    assert len(slide.reads) == 4


def test_a_view_larger_than_the_cache_settles(threads):
    slide = FakeSlide()
    source = source_of(slide, threads, limit=1 << 19)  # two tiles of 24
    fine = arrays_of(source)[0]
    wait_until(lambda: np.array_equal(fine[:, :], slide.pixels))
    assert source.idle
    assert len([r for r in slide.reads if r[0] == 0]) < 60


def test_levels_that_wait_are_grey_and_asked_for_once(threads):
    slide, calls = FakeSlide(), []
    slide.ready = False
    level = slide.levels[1]
    slide.levels = (*slide.levels[:1], *[synthetic(level, i) for i in (1, 2, 3)])
    source = source_of(slide, threads)
    source.listen(lambda: calls.append(1))
    coarsest = arrays_of(source)[-1]
    assert (coarsest[:, :] == 236).all()
    coarsest[:, :]
    assert len(slide.told) == 1
    assert not source.idle
    slide.ready = True
    slide.told[0]()
    assert calls == [1]
    wait_until(lambda: (coarsest[:, :] != 236).any() and source.idle)


def synthetic(level, nth):
    from napari_lookalike.core.slides.base import Level

    width, height = -(-WIDTH // 2**nth), -(-HEIGHT // 2**nth)
    return Level(width, height, WIDTH / width, HEIGHT / height, synthetic=True)


def test_a_damaged_tile_is_tried_again_later(threads, monkeypatch):
    monkeypatch.setattr(tile_source, "RETRY_S", 3600.0)
    slide, errors = FakeSlide(broken=(10, 10)), []
    source = source_of(slide, threads, patience_s=60.0, on_error=errors.append)
    fine = arrays_of(source)[0]
    assert set(np.unique(fine[:256, :256])) == {150, 200}
    assert source.idle
    assert source.damaged == 1
    slide.broken = None
    assert set(np.unique(fine[:256, :256])) == {150, 200}  # not at once
    monkeypatch.setattr(tile_source, "RETRY_S", 0.0)
    wait_until(lambda: np.array_equal(fine[:256, :256], slide.pixels[:256, :256]))
    wait_until(lambda: source.damaged == 0)  # a tile is kept before its source is told
    assert len(errors) == 1


def test_hidden_layers_wait_for_nothing(threads):
    slide = FakeSlide()
    source = source_of(slide, threads)
    slide.gate.clear()
    arrays_of(source)[0][:, :]
    assert not source.idle
    source.hidden()
    assert source.idle
    slide.gate.set()


def test_warm_makes_the_first_view(threads):
    threads._calm_s = 3600.0  # nothing is made ahead
    slide = FakeSlide()
    source = source_of(slide, threads)
    source.warm((500, 400))
    reads = len(slide.reads)
    assert source.thumbnail_ready
    fine = arrays_of(source)[1]
    fine[:, :]
    assert source.idle
    assert len(slide.reads) == reads


def test_a_layer_that_is_gone_keeps_nothing(threads):
    slide = FakeSlide()
    source = source_of(slide, threads, patience_s=60.0)
    arrays_of(source)[0][:, :]
    gone = weakref.ref(source)
    del source
    wait_until(lambda: (gc.collect(), gone() is None)[1])


def test_closing_ends_the_wait(threads):
    slide = FakeSlide()
    errors = []
    source = source_of(slide, threads, on_error=errors.append)
    slide.gate.clear()
    arrays_of(source)[0][:, :]
    slide.broken = (0, 0)
    source.close()
    source.close()
    slide.gate.set()
    assert source.idle
    time.sleep(0.1)
    assert errors == []
