"""Damaged slides: no crash, no hang, no gigabytes, and a sentence that names no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.slides.native.formats import write_ome, write_philips
from tests.core.slides.native.writing import pyramid, write_jpeg, write_jpeg2000, write_lossless

pytestmark = pytest.mark.processes

pytest.importorskip("resource", reason="the memory of a process is not measured on Windows")
ROOT = Path(__file__).parents[4]


def samples(folder: Path) -> list[Path]:
    levels = pyramid(420, 300)
    return [
        write_jpeg(folder / "a.svs", levels, rgb=True, aperio=True),
        write_jpeg(folder / "b.tif", levels),
        write_jpeg2000(folder / "c.svs", levels[1], 33003),
        write_lossless(folder / "d.tif", levels, "lzw", predictor=True),
        write_lossless(folder / "e.tif", levels, "jpeg2000"),
        write_lossless(folder / "f.tif", levels, "zstd"),
        write_philips(folder / "g.tiff"),
        write_ome(folder / "h.ome.tif"),
    ]


def fuzz(files: list[Path], seed: int, count: int, timeout: float) -> dict[str, int]:
    """What became of so many damaged copies; the bounds that hold for all are checked."""
    command = [sys.executable, "-m", "tests.core.slides.native.fuzzing", str(seed), str(count)]
    done = subprocess.run(
        [*command, *map(str, files)],
        capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "4711" not in done.stderr
    found = json.loads(done.stdout)
    assert found["slowest"][0] < 10
    assert found["peak"] < 1 << 30
    return found["results"]


def test_a_few(tmp_path):
    results = fuzz(samples(tmp_path), seed=1, count=120, timeout=3600)
    assert sum(results.values()) == 120
    assert results["native tiles"] > 10  # much damage harms nothing that is looked at
    assert results["UnreadableSlide"] > 10


@pytest.mark.slow
def test_many(tmp_path):
    results = fuzz(samples(tmp_path), seed=2, count=2400, timeout=3600)
    assert sum(results.values()) == 2400


@pytest.mark.slow
@pytest.mark.shared
def test_many_of_real_slides(shared):
    names = ["openslide-python/boxes.tiff", "openslide-python/small.svs",
             "pathml/small_HE_levels.tiff", "libvips/CMU-1-Small-Region.svs"]  # fmt: skip
    files = [shared / "data/wsi" / name for name in names]
    results = fuzz(files, seed=3, count=2000, timeout=3600)
    assert sum(results.values()) == 2000
