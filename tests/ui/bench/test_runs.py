"""The measuring process: it answers with figures, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lookalike.core.bench.replay import FLOOR, OURS, Request
from napari_lookalike.core.bench.trace import navigation_trace
from napari_lookalike.ui.bench.runs import run

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def test_a_verified_replay_of_a_small_slide(pyramid_slide: Path) -> None:
    request = Request("check", OURS, pyramid_slide, quick=True, step_s=120.0)
    replay = run(request, limit_s=3600.0)
    assert replay.problem == ""
    assert list(replay.legs) == [leg.kind for leg in navigation_trace(1501, 1203)]
    for kind, leg in replay.legs.items():
        assert len(leg.errors) == 3, kind
        assert max(leg.errors) <= 6, kind
        assert leg.unsettled == 0
        assert min(leg.settled_ms) > 0
    assert replay.cache_mb > 1
    assert 0 < replay.first_paint_ms <= replay.open_ms


def test_a_slide_that_does_not_open_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "SMITH_Anna.svs"
    path.write_text("no slide")
    replay = run(Request("time", FLOOR, path))
    assert "No reader can open it" in replay.problem
    assert "SMITH" not in replay.problem


def test_a_process_that_does_not_end_is_ended(pyramid_slide: Path) -> None:
    replay = run(Request("time", FLOOR, pyramid_slide), limit_s=0.3)
    assert "not ended" in replay.problem


def test_a_process_that_dies_is_reported(
    pyramid_slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    replay = run(Request("time", FLOOR, pyramid_slide))
    assert "signal 6" in replay.problem
    assert replay.legs == {}
