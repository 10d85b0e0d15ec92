"""A slide whose pixels are a function of their place; reads can fail or wait."""

from __future__ import annotations

import threading
import time

import numpy as np

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.geometry import Region, Scale
from napari_lookalike.core.slides.base import Level, Slide

WIDTH, HEIGHT = 1333, 900
COARSE = 77


class FakeSlide(Slide):
    """Level 0 shows its coordinates; level 1, four times smaller, is `COARSE` all over."""

    def __init__(self, broken: tuple[int, int] | None = None) -> None:
        self.fingerprint, self.backend, self.vendor = f"{id(self):032x}", "fake", "fake"
        self.scale, self.path = Scale(), None
        self.levels = (Level(WIDTH, HEIGHT, 1, 1), Level(333, 225, WIDTH / 333, 4))
        ys, xs = np.mgrid[:HEIGHT, :WIDTH]
        self.pixels = np.stack([xs % 251, ys % 241, (xs + ys) % 256], -1).astype(np.uint8)
        self.broken, self.reads, self.readers = broken, [], set()
        self.ready, self.told = True, []
        self.gate = threading.Event()
        self.gate.set()

    def read_level(self, level, x, y, width, height):
        self.reads.append((level, x, y, width, height))
        self.readers.add(threading.current_thread().name)
        assert self.gate.wait(60)
        if self.broken and level == 0:
            bx, by = self.broken
            if x <= bx < x + width and y <= by < y + height:
                raise RegionError("A region cannot be decoded.", "", self.name)
        if level == 1:
            return np.full((height, width, 3), COARSE, np.uint8)
        return self.pixels[y : y + height, x : x + width].copy()

    def is_ready(self, level):
        return self.ready

    def prepare(self, on_progress=None):
        self.told.append(on_progress)

    def peek_level(self, level, x, y, width, height):
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


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()
