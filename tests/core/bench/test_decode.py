from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.core.slides.native.writing import noisy, pyramid, write_jpeg

from napari_lookalike.core.bench import BENCHES
from napari_lookalike.core.bench import decode as bench
from napari_lookalike.core.bench.decode import bench_decode


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(bench, "_QUICK_TILES", 12)
    monkeypatch.setattr(bench, "_OWN_SIZE", (1024, 768))


def test_it_is_registered():
    assert BENCHES.get("decode") is bench_decode


def test_a_slide_of_its_own_and_one_that_is_given(few, tmp_path):
    for slide in (None, write_jpeg(tmp_path / "a.tif", pyramid())):
        report = bench_decode(quick=True, slide=slide)
        names = [row.name for row in report.rows]
        assert names == [*bench._FIGURES, "native tiles, reduced by 2"]
        rows = {row.name: row for row in report.rows}
        assert rows[bench._RATIO].target == 4
        assert all(row.value > 0 for row in report.rows)
        assert not report.not_measured


def test_the_ratio_is_that_of_the_times(few, tmp_path, monkeypatch):
    """Each read of ours takes 3 ms of the core, and each of OpenSlide's 9."""

    now = [0.0]

    def busy(seconds):
        now[0] += seconds

    tile = bench.NativeTiles.tile

    def slow(self, level, column, row, reduce=1):
        busy(0.003)
        return tile(self, level, column, row, reduce)

    monkeypatch.setattr(bench, "time", SimpleNamespace(thread_time=lambda: now[0]))
    monkeypatch.setattr(bench.NativeTiles, "tile", slow)
    monkeypatch.setattr(bench, "_region_reader", lambda path, level: lambda c, r: busy(0.009))
    path = write_jpeg(tmp_path / "a.tif", [noisy(700, 500)])
    ratio = bench_decode(quick=True, slide=path).rows[0]
    assert ratio.value == pytest.approx(3)
    assert not ratio.met


def test_what_is_not_native_is_not_measured(tmp_path, png=b"no slide"):
    path = tmp_path / "patient.tif"
    path.write_bytes(png)
    report = bench_decode(slide=path)
    assert not report.rows
    assert [missing.name for missing in report.not_measured] == list(bench._FIGURES)
    assert "patient" not in str(report.not_measured)


def test_level_0_decides_which_tiles():
    level = bench.Level(1000, 700, 1, 1, 128, 128)
    places = bench._places(level, 20)
    assert len(set(places)) == 20
    assert all(column < 7 and row < 5 for column, row in places)  # whole tiles only
    assert bench._places(bench.Level(50, 40, 1, 1, 128, 128), 20) == [(0, 0)]
