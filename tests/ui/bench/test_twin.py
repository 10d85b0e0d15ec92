"""The bench of the twin review: it is run and reported, and it moves what it says."""

from __future__ import annotations

from napari_lookalike.core.bench.twin import Steps, TwinTimes
from napari_lookalike.ui.bench import twin, twin_process
from napari_lookalike.ui.bench.twin import bench_twin


def test_what_was_measured_is_reported():
    asked = []

    def one(quick):
        asked.append(quick)
        return TwinTimes((Steps("seen", False, (9.0,), (4.0,), (5.0,)),), (600, 600))

    report = bench_twin(quick=True, measure=one)
    assert asked == [True]
    assert [row.value for row in report.rows] == [1.0]
    assert report.met


def test_a_process_that_dies_is_a_reason(monkeypatch):
    monkeypatch.setattr(twin, "_SERVE", "napari_lookalike.no_such_module")
    (missing,) = bench_twin(quick=True).not_measured
    assert missing.name == "twin"
    assert "ended early" in missing.reason


def test_a_linked_drag_moves_both_panes_and_a_single_one_only_its_own(qtbot, tmp_path):
    stage = twin_process.Stage(tmp_path, quick=True)
    stage.start()
    before = stage.panes.fields
    assert before[0].pixel == before[1].pixel == twin_process.PIXEL_UM
    assert len(stage.drag(1, 3, linked=False)) == 3
    assert stage.panes.fields[0] == before[0]
    single = stage.panes.fields[1]
    assert single != before[1]
    stage.start()
    stage.drag(0, 3, linked=True)
    assert stage.panes.fields[0] != before[0]
    assert stage.panes.fields[1] == single  # the same places in both arms
    stage.close()


def test_every_way_is_measured(qtbot, monkeypatch):
    monkeypatch.setattr(twin_process, "QUICK_SLIDES", ((1024, 768, 0.25), (768, 1024, 0.5)))
    times = twin_process.measure(True)
    assert not times.problem
    assert [(s.ground, s.turned) for s in times.steps] == [
        ("new", False),
        ("seen", False),
        ("seen", True),
    ]
    for steps in times.steps:
        assert len(steps.linked) == len(steps.first) == len(steps.second) > 0
        assert all(ms > 0 for ms in (*steps.linked, *steps.first, *steps.second))
