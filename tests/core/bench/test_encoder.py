"""``bench encoder``: every figure is a row or has a reason, with data and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_lookalike.core.bench import BENCHES
from napari_lookalike.core.bench import encoder as bench
from napari_lookalike.core.bench.tiles import find_tiles, load_tiles
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import SILENT, Job, JobCancelled

CLASSES = {"lung_a": (200, 120, 180), "lung_b": (150, 90, 170), "lung_c": (220, 180, 200)}


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """Three classes x five photographs x one tile, each class of one colour."""
    rng = np.random.default_rng(0)
    lines = ["path,cls,prototype"]
    for name, colour in CLASSES.items():
        for photograph in range(5):
            noise = rng.normal(0, 20, (224, 224, 3))
            image = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(image).save(tmp_path / f"{name}{photograph}.png")
            lines.append(f"{name}{photograph}.png,{name},{photograph}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def test_without_data_every_figure_is_listed_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LOOKALIKE_SHARED", raising=False)
    report = BENCHES.get("encoder")(data=None, quick=True, job=SILENT)
    assert report.rows == ()
    names = [missing.name for missing in report.not_measured]
    assert names == bench._all_figures() and len(set(names)) == len(names)
    assert all("LOOKALIKE_SHARED" in missing.reason for missing in report.not_measured)


def test_with_tiles_but_no_peer_all_other_figures_are_measured(
    tiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_TIMED_TILES", 2)
    report = BENCHES.get("encoder")(data=tiles, quick=False, job=SILENT)
    measured = {row.name: row for row in report.rows}
    missing = {m.name for m in report.not_measured}
    assert set(measured) | missing == set(bench._all_figures())
    assert not set(measured) & missing
    assert all(bench.PEER in name for name in missing)
    assert measured[bench._accuracy(bench.FLOOR, "3 lung classes")].value == 1.0
    speed = measured[bench._speed_names(bench.OURS)[1]]
    assert (speed.target, speed.unit, speed.met) == (200.0, "tiles/s", speed.value >= 200)


def test_the_job_can_be_cancelled(tiles: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        bench.bench_encoder(data=tiles, job=job)


def test_photographs_of_different_classes_are_different_groups(tiles: Path) -> None:
    labelled = load_tiles(tiles)
    assert labelled.tiles.shape == (15, 224, 224, 3)
    assert len(np.unique(labelled.groups)) == 15


def test_the_tiles_are_found_below_the_shared_folder(
    tiles: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("shared")
    (root / "data" / "tiles").mkdir(parents=True)
    tiles.rename(root / "data" / "tiles" / "lc25000")
    monkeypatch.setenv("LOOKALIKE_SHARED", str(root))
    assert find_tiles(None) == root / "data" / "tiles" / "lc25000"
    assert find_tiles(root / "data") == root / "data" / "tiles" / "lc25000"
    assert find_tiles(root / "data" / "tiles") == root / "data" / "tiles" / "lc25000"


def test_a_table_with_a_wrong_column_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label\nx.png,a\n")
    with pytest.raises(LookalikeError, match="cls, prototype"):
        load_tiles(tmp_path)


@pytest.mark.shared
def test_the_descriptor_tells_real_lung_tissue_apart(shared: Path) -> None:
    from dataclasses import replace

    from napari_lookalike.core.bench.peers import MeanColour
    from napari_lookalike.core.encoders import DEFAULT_ENCODER, load_encoder

    folder = find_tiles(shared)
    if folder is None:
        pytest.skip("the labelled tiles are not in the shared data")
    labelled = load_tiles(folder, quick=True)
    lung = np.char.startswith(labelled.classes, "lung")
    labelled = replace(
        labelled,
        tiles=labelled.tiles[lung],
        classes=labelled.classes[lung],
        groups=labelled.groups[lung],
    )
    accuracy = {}
    for encoder in (load_encoder(DEFAULT_ENCODER), MeanColour()):
        features = encoder.encode(labelled.tiles)
        probe = bench.linear_probe(features, labelled.classes, labelled.groups)
        accuracy[encoder.spec.name] = probe.accuracy
    assert accuracy[DEFAULT_ENCODER] > 0.9
    assert accuracy[DEFAULT_ENCODER] > accuracy["mean-colour"] + 0.1
