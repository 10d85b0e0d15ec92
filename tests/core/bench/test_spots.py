"""The second cohort: tiles about spots, the same clusters in both sections."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_lookalike.core.bench.spots import find_spots, load_spots


@pytest.fixture
def her2st(tmp_path: Path) -> Path:
    folder = tmp_path / "wsi" / "her2st"
    (folder / "spots").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for picture, name in (("5714_HE_BT_C2.jpg", "C2"), ("5714_HE_BT_E1.jpg", "C5")):
        Image.fromarray(rng.integers(0, 256, (600, 700, 3), dtype=np.uint8)).save(folder / picture)
        lines = ["\tlabel\tpixel_x\tpixel_y"]
        for i in range(30):
            cluster = i % 2 if i < 28 or name == "C2" else 7
            lines.append(f"s{i}\t{cluster}\t{130 + 10 * i:.2f}\t{200 + 5 * i:.2f}")
        lines.append("edge\t0\t5.0\t300.0")
        with gzip.open(folder / "spots" / f"{name}-cluster-annotation.tsv.gz", "wt") as file:
            file.write("\n".join(lines))
    return tmp_path


def test_spots_are_found_and_cut(her2st: Path) -> None:
    folder = find_spots(her2st)
    assert folder == her2st / "wsi" / "her2st"
    labelled = load_spots(folder)
    assert labelled.tiles.shape[1:] == (224, 224, 3)
    assert set(labelled.classes) == {"cluster 0", "cluster 1"}
    # All but the one at the edge, and those of a cluster that only one section has.
    assert np.bincount(labelled.groups).tolist() == [30, 28]
    with Image.open(folder / "5714_HE_BT_C2.jpg") as image:
        expected = np.asarray(image)[200 - 112 : 200 + 112, 130 - 112 : 130 + 112]
    np.testing.assert_array_equal(labelled.tiles[0], expected)


def test_they_are_found_beside_the_labelled_tiles(her2st: Path) -> None:
    tiles = her2st / "tiles" / "lc25000"
    tiles.mkdir(parents=True)
    found = find_spots(tiles)
    assert found is not None and found.samefile(her2st / "wsi" / "her2st")
    assert find_spots(her2st / "tiles") is not None
    assert find_spots(tiles / "none") is None


@pytest.mark.shared
def test_the_real_sections_share_six_clusters(shared: Path) -> None:
    folder = find_spots(shared)
    if folder is None:
        pytest.skip("the sections with spots are not in the shared data")
    labelled = load_spots(folder)
    assert len(np.unique(labelled.classes)) == 6 and len(labelled.tiles) > 300
