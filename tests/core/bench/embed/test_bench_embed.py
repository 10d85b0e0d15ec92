"""``bench embed``: every figure is a row or has a reason, and the arms do the same work."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lookalike.core.bench import BENCHES
from napari_lookalike.core.bench import embed as bench
from napari_lookalike.core.bench.embed import (
    bench_embed,
    cluster,
    early,
    material,
    memory,
    reading,
    shipped,
    speed,
)
from napari_lookalike.core.bench.embed.plain import PlainLoop, PlainTiles
from napari_lookalike.core.embed.stages import embed_grid
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.network import NetworkEncoder
from napari_lookalike.core.progress import SILENT, Job, JobCancelled
from napari_lookalike.core.tiles import read_tiles


@pytest.fixture
def tiny(monkeypatch):
    """A network that is small, and few tiles."""
    spec = EncoderSpec(
        "tiny", "tiny", "timm", pooling="none", dim=8, tile_px=64, input_px=48, resize_px=56
    )

    def network(name, device, seed=0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [torch.nn.Conv2d(3, 8, 8, 8), torch.nn.AdaptiveAvgPool2d(1)]
            return NetworkEncoder(
                spec, torch.nn.Sequential(*layers, torch.nn.Flatten()), f"random{seed}", device
            )

    monkeypatch.setattr(speed, "random_network", network)
    monkeypatch.setattr(speed, "_TILES", {"cpu": {speed.SMALL: 80}, "cuda": {speed.LARGE: 8}})
    return network


def test_it_is_registered():
    assert BENCHES.get("embed") is bench_embed


def test_three_arms_embed_the_same_tiles(tiny, tmp_path):
    rows, missing = speed.speed(tmp_path, speed.SMALL, "cpu", True, SILENT)
    assert [row.name for row in rows] == list(speed.names(speed.SMALL, "cpu")) and not missing
    share, times, cosine = rows
    assert share.target == 0.95 and times.target == 2.0
    assert share.value > 0 and times.value > 0
    assert cosine.value > 0.999  # the plain loop resizes with another library


def test_the_plain_loop_reads_what_we_read(tiny, tmp_path):
    """Where nothing is resized, it is the same pixels, and so the same features."""
    path = material.slide_with_tiles(tmp_path / "a.tif", 12, 64)
    network = tiny("", "cpu")
    with material.opened(path) as slide:
        grid = material.first_tiles(slide, 12, 64)
        ours, pixels = embed_grid(slide, grid, network), read_tiles(slide, grid, range(len(grid)))
    tiles = PlainTiles(path, grid, EncoderSpec("raw", "raw", "timm", tile_px=64, dim=8))
    mean, std = (
        np.array(v, np.float32)[:, None, None] for v in (tiles._spec.mean, tiles._spec.std)
    )
    raw = pixels[3].transpose(2, 0, 1).astype(np.float32) / 255
    np.testing.assert_allclose(tiles[3].numpy(), (raw - mean) / std, atol=1e-5)
    theirs = PlainLoop(network.forward, "cpu", workers=0).run(PlainTiles(path, grid, network.spec))
    assert speed.least_cosine({"whole": ours, "plain": theirs}) > 0.999


def test_other_features_are_seen():
    a = np.eye(3, dtype=np.float32)
    assert speed.least_cosine({"whole": a, "plain": a * 2}) == pytest.approx(1)
    assert speed.least_cosine({"whole": a, "plain": a[::-1]}) == pytest.approx(0)


def test_without_a_gpu_its_figures_are_named(tiny):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    report = bench_embed(quick=True, device="cuda", only=("speed",))
    assert not report.rows
    reasons = {missing.name: missing.reason for missing in report.not_measured}
    assert reasons[speed.names(speed.LARGE, "cuda")[0]] == "this device is not here"
    assert reasons[speed.names(speed.SMALL, "cpu")[0]] == "ask for it with --device cpu"


def test_reading_is_beside_openslide(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_QUICK_TILES", 30)
    row = reading.reading(tmp_path, True, SILENT)
    assert row.name == reading.NAME and row.target == 4
    assert row.low <= row.value <= row.high and row.low > 0


@pytest.mark.processes
def test_a_cohort_is_embedded_with_what_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "_TILES", 200)
    row = shipped.shipped(tmp_path, True, SILENT)
    if isinstance(row, bench.NotMeasured):
        pytest.skip(row.reason)
    assert row.unit == "s" and row.target == 75
    assert "tiles in" in row.beside and row.value > 0


@pytest.mark.processes
def test_memory_is_that_of_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_QUICK_SIZE", (1120, 1120))
    row = memory.memory(tmp_path, True, SILENT)
    if isinstance(row, bench.NotMeasured):
        pytest.skip(row.reason)
    assert row.unit == "MB" and row.target == 1000
    assert "of 1120" not in row.beside and "tiles in" in row.beside
    assert (tmp_path / "large.h5").is_file()


def test_an_early_answer_comes_before_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(early, "_QUICK_TILES", 150)
    rows, missing = early.early(tmp_path, True, SILENT)
    assert [row.name for row in rows] == list(early.NAMES) and not missing
    when, agrees, embedding = rows
    assert 0 < when.value < 1
    assert 0 <= agrees.value < 1 and embedding.value > 0.5


@pytest.mark.processes
@pytest.mark.slow
def test_two_workers_beside_one(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_QUICK_TILES", 120)
    row = cluster.cluster(tmp_path, True, SILENT)
    if isinstance(row, bench.NotMeasured):
        pytest.skip(row.reason)
    assert row.target == 1.8 and row.value > 0


def test_only_what_was_asked_for(monkeypatch):
    ran = []
    monkeypatch.setattr(
        bench,
        "_parts",
        lambda device: {
            name: lambda *_, name=name: (ran.append(name), ([], []))[1] for name in bench.PARTS
        },
    )
    bench_embed(only=("early",))
    assert ran == ["early"]


def test_it_can_be_cancelled(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_QUICK_TILES", 20)
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        reading.reading(tmp_path, True, job)
