from __future__ import annotations

import numpy as np

from napari_lookalike.core.slides.tile_cache import TileCache, TileKey, tile_cache


def key(i, slide="s"):
    return TileKey(slide, "reader", 0, 1, i, 0)


def tile(n=100):
    return np.zeros((1, n, 1), np.uint8)


def test_it_is_bounded_and_drops_the_oldest():
    cache = TileCache(limit=300)
    for i in range(5):
        cache.put(key(i), tile())
        cache.get(key(0))
    assert cache.nbytes == 300
    assert cache.get(key(0)) is not None  # used all the time
    assert cache.get(key(1)) is None
    cache.put(key(4), tile(50))
    assert cache.nbytes == 250
    cache.resize(100)
    assert cache.nbytes <= 100
    cache.clear()
    assert (cache.nbytes, len(cache)) == (0, 0)


def test_pinned_tiles_stay_while_their_slide_is_held():
    cache = TileCache(limit=1000)
    cache.hold("s")
    cache.put(key(0), tile(), pin=True)
    for i in range(1, 30):
        cache.put(key(i), tile())
    assert key(0) in cache
    cache.let_go("s")
    for i in range(30, 60):
        cache.put(key(i), tile())
    assert key(0) not in cache
    assert cache.nbytes == 1000


def test_pinned_tiles_take_a_part_at_most():
    cache = TileCache(limit=1000)
    cache.hold("s")
    for i in range(20):
        cache.put(key(i), tile(), pin=True)
    for i in range(20, 40):
        cache.put(key(i), tile())
    assert sum(key(i) in cache for i in range(20)) == 2  # a quarter
    cache.resize(100)
    assert cache.nbytes <= 100


def test_without_a_holder_nothing_is_pinned():
    cache = TileCache(limit=300)
    cache.put(key(0), tile(), pin=True)
    for i in range(1, 5):
        cache.put(key(i), tile())
    assert key(0) not in cache


def test_two_layers_of_a_slide_hold_it_both():
    cache = TileCache(limit=1000)
    cache.hold("s")
    cache.hold("s")
    cache.put(key(0), tile(), pin=True)
    cache.let_go("s")
    for i in range(1, 30):
        cache.put(key(i), tile())
    assert key(0) in cache


def test_a_tile_that_is_put_again_is_counted_once():
    cache = TileCache(limit=1000)
    cache.hold("s")
    for pin in (True, False, True):
        cache.put(key(0), tile(), pin=pin)
    assert (cache.nbytes, len(cache)) == (100, 1)


def test_one_cache_for_all():
    assert tile_cache() is tile_cache()
    assert tile_cache().limit == 512 << 20
