"""Tiles that are waited for."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_lookalike.core.slides.batch import Batch
from napari_lookalike.core.slides.tile_cache import TileKey
from napari_lookalike.core.slides.view_tiles import Made

pytestmark = pytest.mark.processes

PLACES = ((0, 0, 0), (0, 1, 0))


def key(place):
    return TileKey("a", "", place[0], 1, place[1], place[2])


def made():
    return Made(np.zeros((1, 1, 3), np.uint8))


def test_all_are_there_when_the_wait_ends():
    batch = Batch(PLACES, key, lambda place: made(), lambda key, made: None)
    for place in PLACES:
        batch.arrived(key(place), made())
    assert set(batch.wait()) == set(PLACES)


def test_who_waits_goes_on_when_the_source_knows_what_is_damaged():
    order = []

    def note(key, made):
        waiter.join(0.2)  # it must not go on meanwhile
        order.append("noted")

    batch = Batch(PLACES[:1], key, lambda place: made(), note)
    waiter = threading.Thread(target=lambda: (batch.wait(), order.append("went on")))
    waiter.start()
    batch.arrived(key(PLACES[0]), made())
    waiter.join(60)
    assert order == ["noted", "went on"]
    batch.arrived(key(PLACES[0]), made())  # again, for somebody else
    assert order == ["noted", "went on"]
