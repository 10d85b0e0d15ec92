"""The bench of the map: its parts are run and reported."""

from __future__ import annotations

import pytest

from napari_lookalike.core.bench.map import PARTS, MapTimes, Pan, made_points
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.ui.bench.map import bench_map
from napari_lookalike.ui.bench.map_pan import OursPan
from napari_lookalike.ui.bench.map_process import measure


def test_all_parts_are_measured_and_what_failed_is_said():
    asked = []

    def one(part, quick):
        asked.append((part, quick))
        if part == "pan":
            return MapTimes((Pan(100_000, "out", (1.0,), (50.0,), "density"),))
        return MapTimes(problems={part: "not here"})

    report = bench_map(quick=True, measure=one)
    assert asked == [(part, True) for part in PARTS]
    assert [r.value for r in report.rows] == [50.0]
    assert [m.name for m in report.not_measured] == [p for p in PARTS if p != "pan"]


def test_an_unknown_part_is_refused():
    with pytest.raises(LookalikeError, match="no part tea"):
        bench_map(only=("tea",))


def test_our_pan_moves_the_map_and_draws_what_is_asked(qtbot):
    points, of = made_points(8_000)
    ours = OursPan(points, of)
    before = ours._map.view.centre
    assert len(ours.pan("out", 3)) == 3
    assert ours.detail == "density"
    assert ours._map.view.centre[0] < before[0]
    ours.pan("dots", 2)
    assert ours.detail == "dots"
    ours.pan("in", 2)
    assert ours.detail == "dots"
    ours.close()


def test_marks_and_the_first_map_are_timed(qtbot):
    assert len(measure("mark", True).times_ms["mark"]) == 5
    assert all(ms > 0 for ms in measure("first", True).times_ms["first"])


def test_the_peer_pans_too_where_it_is_installed(qtbot):
    pytest.importorskip("matplotlib", reason="a dependency of the bench only")
    from napari_lookalike.ui.bench.map_pan import PeerPan

    points, of = made_points(500)
    peer = PeerPan(points, of)
    assert len(peer.pan("out", 2)) == 2
    peer.close()
