"""The order in which tiles are made."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from tests.core.slides.fake_slide import wait_until

from napari_lookalike.core.slides.loader import Loader, loader
from napari_lookalike.core.slides.tile_cache import TileKey
from napari_lookalike.core.slides.view_tiles import Made

pytestmark = pytest.mark.processes

TILE = np.zeros((1, 1, 3), np.uint8)


class Customer:
    def __init__(self, name="a"):
        self.name, self.made, self.got = name, [], []
        self.asked, self.begun = [], []
        self.gate = threading.Event()
        self.gate.set()

    def key(self, place):
        self.asked.append(place)
        return TileKey(self.name, "", place[0], 1, place[1], place[2])

    def lacks(self, place):
        return place not in self.made

    def make(self, place):
        self.begun.append(place)
        assert self.gate.wait(60)
        self.made.append(place)
        return Made(TILE)

    def arrived(self, key, made):
        self.got.append(key)


def places(n, level=0):
    return [(level, i, 0) for i in range(n)]


@pytest.fixture
def one():
    made = Loader(1)
    yield made
    made.stop()


def test_urgent_ones_in_order_then_those_ahead(one):
    customer = Customer()
    one.want(customer, places(3), places(2, level=1))
    wait_until(lambda: len(customer.got) == 5)
    assert customer.made == [*places(3), *places(2, level=1)]


@pytest.fixture
def clock(monkeypatch):
    """The loader's clock, which stands still; move it by adding seconds to its item."""
    now = [100.0]
    monkeypatch.setattr(
        "napari_lookalike.core.slides.loader.time", SimpleNamespace(monotonic=lambda: now[0])
    )
    return now


def test_ahead_waits_until_the_view_has_stood(one, clock):
    one._calm_s = 0.1
    customer = Customer()
    one.want(customer, places(1), places(1, level=1))
    wait_until(lambda: customer.made == places(1))
    time.sleep(0.3)
    assert customer.made == places(1)
    clock[0] += 0.2
    wait_until(lambda: customer.made == [*places(1), *places(1, level=1)])


@pytest.mark.parametrize("few", [True, False])
def test_with_few_cores_moving_comes_before_looking_ahead(one, few, clock):
    one._calm_s, one._few_cores = 0.15, few
    customer = Customer()
    one.want(customer, (), places(1))
    for _ in range(8):
        clock[0] += 0.05
        one.moved(customer)
    if few:
        time.sleep(0.4)
        assert customer.made == []
        clock[0] += 0.2
    wait_until(lambda: customer.made == places(1))


def test_new_wishes_replace_the_old(one):
    customer = Customer()
    customer.gate.clear()
    one.want(customer, places(5))
    wait_until(lambda: customer.begun)
    one.want(customer, [(7, 0, 0)])
    customer.gate.set()
    wait_until(lambda: (7, 0, 0) in customer.made)
    time.sleep(0.05)
    assert customer.made == [(0, 0, 0), (7, 0, 0)]


def test_customers_take_turns(one):
    first, second = Customer("a"), Customer("b")
    second.made = first.made
    first.gate.clear()
    one.want(first, places(20))
    one.want(second, places(3, level=5))
    first.gate.set()
    wait_until(lambda: len(second.got) == 23)
    assert {place for place in first.made[:7] if place[0] == 5} == set(places(3, level=5))


def test_a_tile_that_two_want_is_made_once():
    two = Loader(2)
    first, second = Customer("same"), Customer("same")
    first.gate.clear()
    two.want(first, places(1))
    wait_until(lambda: first.begun)
    two.want(second, places(1))
    wait_until(lambda: second.asked)  # by the other thread, which finds it being made
    first.gate.set()
    wait_until(lambda: first.got and second.got)
    assert len(first.made) + len(second.made) == 1
    two.stop()


def test_one_thread_stays_free_for_the_screen():
    two = Loader(2)
    busy, screen = Customer("ahead"), Customer("screen")
    busy.gate.clear()
    two.want(busy, (), places(50))
    wait_until(lambda: busy.begun)
    two.want(screen, places(3))
    wait_until(lambda: len(screen.made) == 3)
    busy.gate.set()
    two.stop()


def test_who_is_gone_gets_nothing_and_is_not_kept(one):
    customer = Customer()
    gone, got = weakref.ref(customer), customer.got
    one.want(customer, places(1))
    wait_until(lambda: len(got) == 1)
    del customer
    wait_until(lambda: (gc.collect(), gone() is None)[1])


def test_forgotten_wishes_are_dropped(one):
    customer = Customer()
    customer.gate.clear()
    one.want(customer, places(50), places(50, level=1))
    wait_until(lambda: customer.begun)
    one.forget(customer)
    customer.gate.set()
    time.sleep(0.2)
    assert len(customer.made) <= 1


def test_one_loader_for_all():
    assert loader() is loader()
