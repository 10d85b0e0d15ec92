"""``bench encoder``: every figure is a row or has a reason, with data and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_lookalike.core.bench import BENCHES, feature_cache, rates
from napari_lookalike.core.bench import encoder as bench
from napari_lookalike.core.bench.probe import Probe, linear_probe
from napari_lookalike.core.bench.scores import Scores
from napari_lookalike.core.bench.tiles import LabelledTiles, find_tiles, load_tiles
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
    assert names == bench.all_figures() and len(set(names)) == len(names)
    assert all("LOOKALIKE_SHARED" in missing.reason for missing in report.not_measured)


def test_a_part_has_its_own_figures_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOKALIKE_SHARED", raising=False)
    report = bench.bench_encoder(only=("stain",))
    names = {missing.name for missing in report.not_measured}
    first, *_ = bench.STAINED
    assert bench.gain("P@1", bench.SPOTS, first, bench.OURS) in names
    assert not any(name.startswith((bench.FLOOR, bench.NETWORK)) for name in names)
    assert names < set(bench.all_figures())


def test_with_tiles_but_no_peer_all_other_figures_are_measured(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "TIMED_TILES", 2)
    monkeypatch.setattr(feature_cache, "cache_folder", lambda: tmp_path / "cache")
    report = BENCHES.get("encoder")(data=tiles, quick=False, job=SILENT)
    measured = {row.name: row for row in report.rows}
    missing = {m.name: m.reason for m in report.not_measured}
    assert set(measured) | set(missing) == set(bench.all_figures())
    assert not set(measured) & set(missing)
    gone = (bench.PEER, bench.INSECT_PEER)
    assert all(any(n in name for n in gone) or bench.SPOTS in name for name in missing)
    floor = bench.figure(bench.FLOOR, "linear probe", bench.LUNG)
    assert measured[floor].value == 1.0
    speed = measured[bench.speed_names(bench.OURS)[1]]
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


def test_ours_is_compared_in_every_column_that_is_measured() -> None:
    probe = Probe(np.ones(6))
    labelled = LabelledTiles(
        np.zeros((6, 1, 1, 3), dtype=np.uint8), np.array(["lung_a"] * 6), np.arange(6)
    )
    found = {
        (name, subset): Scores(dict.fromkeys(bench.columns(subset), value), probe)
        for name, value in ((bench.PEER, 0.9), (bench.OURS, 0.91))
        for subset in (bench.FIVE, bench.LUNG)
    }
    rows = bench._gains(found, labelled)
    assert [row.name for row in rows] == [
        bench.gain(c, s) for s in (bench.FIVE, bench.LUNG) for c in bench.columns(s)
    ]
    plain, *others = rows[: len(bench.columns(bench.FIVE))]
    assert plain.target == 0.015 and not plain.met and (plain.low, plain.high) == (0, 0)
    assert all(row.target == 0 and row.met for row in others)


def test_what_a_stain_fit_gains_has_an_interval_over_slides() -> None:
    """Half of the slides gain, half do not: the interval is wide, and the tiles are many."""
    slides = np.repeat(np.arange(6), 40)  # as they are drawn: three of either parity
    groups = np.repeat(np.arange(48), 5)
    labelled = LabelledTiles(
        np.zeros((240, 1, 1, 3), dtype=np.uint8), np.array(["lung_a"] * 240), groups
    )
    subset, column = "3 lung classes by slide", "linear probe under stain shift"
    better, _ = bench.STAINED

    def scores(right: np.ndarray) -> Scores:
        values = dict.fromkeys(bench.columns(subset), float(right.mean()))
        return Scores(values, Probe(right), {column: Probe(right)}, slides)

    found = {
        (bench.OURS, subset): scores(np.full(240, 0.5)),
        (better, subset): scores(np.where(slides % 2, 1.0, 0.5)),
    }
    rows = {row.name: row for row in bench._gains(found, labelled)}
    row = rows[bench.gain(column, subset, better, bench.OURS)]
    assert (row.value, row.target) == (0.25, None)
    assert row.low is not None and row.high is not None
    assert row.low < 0.15 and row.high > 0.35
    few = rows[bench.gain("5-shot", subset, better, bench.OURS)]
    assert few.low is None


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
        probe = linear_probe(features, labelled.classes, labelled.groups)
        accuracy[encoder.spec.name] = probe.accuracy
    assert accuracy[DEFAULT_ENCODER] > 0.9
    assert accuracy[DEFAULT_ENCODER] > accuracy["mean-colour"] + 0.1
