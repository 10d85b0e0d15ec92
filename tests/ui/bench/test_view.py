"""``bench view``: readers take turns, and whatever happens to one is reported."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from napari_lookalike.core.bench.replay import FLOOR, OURS, PEER, Measured, Replay, Request
from napari_lookalike.ui.bench import readers
from napari_lookalike.ui.bench.readers import Blank, ReaderMissing
from napari_lookalike.ui.bench.view import bench_view


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    project = tmp_path / "project"
    monkeypatch.setattr("napari_lookalike.ui.bench.view.bench_project", lambda *a, **k: project)
    peer = ModuleType("napari_wsi")  # as if it were installed
    peer.__spec__ = ModuleSpec("napari_wsi", None)
    monkeypatch.setitem(sys.modules, "napari_wsi", peer)


class Readers:
    """In place of processes: says what was asked, answers at once."""

    def __init__(self, peer_problem: str = "") -> None:
        self.asked: list[Request] = []
        self._problem = peer_problem

    def __call__(self, request: Request) -> Replay:
        self.asked.append(request)
        if request.reader == PEER and self._problem:
            return Replay(PEER, self._problem)
        if request.task == "cohort":
            return Replay(OURS, changes_ms=(100.0, 200.0))
        ms = {FLOOR: 30.0, OURS: 35.0, PEER: 90.0}[request.reader]
        return Replay(request.reader, legs={"pan_1x": Measured((ms,) * 4, (9.0,) * 4, 0, (1.0,))})


def test_readers_take_turns_on_the_same_slide(pyramid_slide: Path) -> None:
    measure = Readers()
    report = bench_view([pyramid_slide], runs=2, measure=measure)
    timed = [r.reader for r in measure.asked if r.task == "time"]
    assert timed == [FLOOR, OURS, PEER] * 2
    assert [r.reader for r in measure.asked if r.task == "check"] == [OURS, PEER]
    assert [r.task for r in measure.asked].count("cohort") == 2
    assert {r.path for r in measure.asked if r.task != "cohort"} == {pyramid_slide.absolute()}
    rows = {row.name: row for row in report.rows}
    assert rows["settled data latency p50, pan_1x: part of the peer's"].value == pytest.approx(
        5 / 60
    )
    assert rows["change of slide with overlay, p95"].value == pytest.approx(195.0)
    assert rows["native tiles"].unit == "tiles/s"
    assert str(pyramid_slide) not in str(report.to_json())


def test_figures_of_several_slides_are_told_apart(pyramid_slide: Path, no_mpp_slide: Path) -> None:
    report = bench_view([pyramid_slide, no_mpp_slide], runs=1, measure=Readers())
    names = [row.name for row in report.rows if row.name.startswith("open to first paint")]
    assert len(set(names)) == 2


def test_without_a_slide_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_lookalike.ui.bench.view._QUICK_SIZE", (600, 500))
    measure = Readers()
    bench_view([], runs=1, quick=True, measure=measure)
    assert len({r.path for r in measure.asked if r.task != "cohort"}) == 1
    assert all(r.quick for r in measure.asked)


def test_a_peer_that_cannot_read_the_slide_is_reported(pyramid_slide: Path) -> None:
    report = bench_view([pyramid_slide], runs=1, measure=Readers("It cannot read it."))
    reasons = {m.reason for m in report.not_measured}
    assert f"{PEER}: It cannot read it." in reasons
    assert any(row.name == "steps that did not settle in time" for row in report.rows)


def test_a_missing_peer_is_a_sentence_before_anything_is_measured(
    pyramid_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers.importlib.util, "find_spec", lambda name: None)
    measure = Readers()
    with pytest.raises(ReaderMissing, match=r"napari-lookalike\[bench\]"):
        bench_view([pyramid_slide], measure=measure)
    assert measure.asked == []


def test_a_blank_level_answers_as_an_array() -> None:
    level = Blank(100, 200)
    assert level[10:20, 5:50].shape == (10, 45, 3)
    assert level[10:20, ::4, :].shape == (10, 50, 3)
    assert level.size == 60000
