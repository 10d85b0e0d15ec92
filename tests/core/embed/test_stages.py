"""The overlapping stages: order, bounds, errors and ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.core.embed.test_slide import SETTINGS, painted, readers
from tests.core.mean_colour import MeanColour

from napari_lookalike.core.embed import Timing, embed_grid, encode_tiles, stages
from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.tiles import TileGrid, make_grid, read_tiles
from napari_lookalike.core.tissue import find_tissue

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def grid() -> TileGrid:
    slide = painted()
    return make_grid(slide, find_tissue(slide, SETTINGS), tile_px=32, mpp=0.5)


def test_vectors_come_in_the_order_asked_for(grid: TileGrid) -> None:
    slide, encoder, timing = painted(), MeanColour(), Timing()
    order = np.random.default_rng(0).permutation(len(grid))[:101]
    stream = encode_tiles(slide, grid, order, encoder, readers=3, batch=10, timing=timing)
    found = list(stream)
    np.testing.assert_array_equal(np.concatenate([i for i, _ in found]), order)
    assert encoder.batches == [10] * 10 + [1]
    expected = read_tiles(slide, grid, order.tolist()).mean((1, 2))
    np.testing.assert_allclose(np.concatenate([v for _, v in found]), expected, atol=0.02)
    assert timing.tiles == 101 and timing.batch == 10
    assert timing.seconds >= timing.waiting >= 0 and timing.reading > 0
    assert timing.encoding == pytest.approx(timing.seconds - timing.waiting)


def test_pieces_are_asked_for_only_shortly_before_they_are_read(grid: TileGrid) -> None:
    asked: list[int] = []

    def pieces() -> Iterator[np.ndarray]:
        for start in range(0, 120, 20):
            asked.append(start)
            yield np.arange(start, start + 20)

    stream = encode_tiles(painted(), grid, pieces(), MeanColour(), batch=20)
    next(stream)
    assert len(asked) <= stages.AHEAD + 1
    assert sum(len(i) for i, _ in stream) == 100
    assert list(encode_tiles(painted(), grid, [], MeanColour())) == []


def test_a_batch_is_not_overwritten_while_the_encoder_may_hold_it(grid: TileGrid) -> None:
    class Holding(MeanColour):
        """Looks at a batch again when two others have been taken, as a GPU's copy may."""

        def stream(self, batches, colours=None):  # type: ignore[no-untyped-def]
            held: list[tuple[RGB, RGB]] = []
            for tiles in batches:
                held.append((tiles, tiles.copy()))
                time.sleep(0.005)
                for now, then in held[-2:]:
                    np.testing.assert_array_equal(now, then)
                yield self.encode(tiles)

    vectors = list(encode_tiles(painted(), grid, range(len(grid)), Holding(), batch=8, readers=4))
    assert sum(len(v) for _, v in vectors) == len(grid)


@pytest.mark.parametrize("how", ["reader", "encoder", "caller", "cancel"])
def test_however_it_ends_no_thread_reads_on(how: str, grid: TileGrid) -> None:
    before, slide, job = readers(), painted(), Job()
    original, closed = slide.read_level, threading.Event()

    def read_level(*box: int) -> RGB:
        assert not closed.is_set(), "a closed slide was read"
        time.sleep(0.002)
        if how == "reader" and box[2] > 400:
            raise RegionError("These pixels cannot be decoded.")
        return original(*box)

    slide.read_level = read_level  # type: ignore[method-assign]

    class Failing(MeanColour):
        def encode(self, tiles: np.ndarray) -> np.ndarray:
            if how == "encoder" and len(self.batches) == 3:
                raise RuntimeError("a shape is wrong")
            return super().encode(tiles)

    error = {"reader": RegionError, "encoder": RuntimeError, "cancel": JobCancelled}.get(how)
    stream = encode_tiles(slide, grid, range(len(grid)), Failing(), batch=8, readers=3, job=job)
    if error is None:
        next(stream)
        stream.close()
    else:
        with pytest.raises(error):
            for _ in stream:
                if how == "cancel":
                    job.cancel()
    closed.set()
    assert not readers() - before


def test_a_cancel_is_seen_while_a_reader_is_slow(
    grid: TileGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide, job, release, freed = painted(), Job(), threading.Event(), []
    original, close = slide.read_level, stages._Batches.close

    def stuck(*box: int) -> RGB:
        job.cancel()
        freed.append(release.wait(60))
        return original(*box)

    def closed(self: stages._Batches) -> None:
        release.set()  # the cancel was seen, though the reader has not ended
        close(self)

    slide.read_level = stuck  # type: ignore[method-assign]
    monkeypatch.setattr(stages._Batches, "close", closed)
    with pytest.raises(JobCancelled):
        list(encode_tiles(slide, grid, range(50), MeanColour(), job=job))
    assert freed and all(freed)


def test_a_whole_grid_in_its_own_order(grid: TileGrid) -> None:
    vectors = embed_grid(painted(), grid, MeanColour())
    expected = read_tiles(painted(), grid, range(len(grid))).mean((1, 2))
    np.testing.assert_allclose(vectors, expected, atol=0.02)
