"""From times of the map to figures with targets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.bench.map import (
    SIZES,
    MapTimes,
    Pan,
    made_points,
    made_results,
    rows_of,
)


def pan(points, view, ours=10.0, peer=400.0):
    return Pan(points, view, (ours, ours, 2 * ours), (peer, peer, 2 * peer), "density")


@pytest.mark.parametrize(
    ("points", "view", "renderer", "target"),
    [
        (1_000, "out", "llvmpipe", None),
        (100_000, "out", "llvmpipe", 20.0),
        (100_000, "in", "llvmpipe", 20.0),
        (100_000, "dots", "llvmpipe (LLVM 15)", 4.0),
        (100_000, "dots", "", 4.0),
        (100_000, "dots", "A Graphics Card", 20.0),
    ],
)
def test_targets_of_a_pan(points, view, renderer, target):
    (row,), missing = rows_of(MapTimes((pan(points, view),), renderer=renderer))
    assert row.target == target
    assert row.value == pytest.approx(40.0)
    assert row.low == pytest.approx(20.0)
    assert row.high == pytest.approx(80.0)
    assert not missing


def test_slow_is_said():
    (row,), _ = rows_of(MapTimes((pan(SIZES[-1], "out", ours=30.0, peer=400.0),)))
    assert not row.met


def test_times_and_what_is_missing():
    times = MapTimes(times_ms={"first": (100.0, 350.0, 120.0), "mark": (30.0,)})
    rows, missing = rows_of(MapTimes(times_ms=times.times_ms, problems={"umap": "It died."}))
    assert [(r.value, r.unit, r.met) for r in rows] == [(120.0, "ms", True), (30.0, "ms", False)]
    assert [(m.name, m.reason) for m in missing] == [("umap", "It died.")]


def test_a_time_without_a_target_is_reported():
    (row,), _ = rows_of(MapTimes(times_ms={"umap_new": (90_000.0,)}))
    assert (row.target, row.met) == (None, True)


def test_json_there_and_back():
    times = MapTimes((pan(1_000, "in"),), {"open": (1.0,)}, "llvmpipe", {"pan": "no"})
    assert MapTimes.from_json(times.to_json()) == times


def test_made_data_have_the_shape_that_is_asked():
    points, of = made_points(500)
    assert points.shape == (500, 2)
    assert of.shape == (500,)
    results = made_results(40, 16)
    assert len(results.slides) == 40
    assert np.allclose([np.linalg.norm(s.embedding) for s in results.slides.values()], 1, atol=1e-5)
