"""Whatever a damaged file holds, an import ends with a sentence.

HDF5 files are cut short or hold the wrong things, but no bits of them are flipped: the HDF5
library itself may then read for ever.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import EDGE, truth

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.project import Project

TRIES = 25


def _written(folder: Path, kind: str) -> Path:
    what = truth(1)
    if kind == "trident":
        return peers.write_trident(folder, "S1", what)
    if kind == "clam":
        peers.write_clam(folder, "S1", what)
        return folder / "h5_files" / "S1.h5"
    if kind == "stamp":
        return peers.write_stamp(folder, "S1", what, "oldest")
    if kind == "slideflow":
        peers.write_slideflow(folder, "S1", what)
        return folder / "S1.index.npz"
    if kind == "wsinfer":
        return peers.write_wsinfer(folder, "S1", what)
    folder.mkdir()
    if kind == "geojson":
        ring = "[[[0,0],[9,0],[9,9],[0,9],[0,0]]]"
        tile = (
            f'{{"type":"Feature","geometry":{{"type":"Polygon","coordinates":{ring}}},'
            '"properties":{"objectType":"tile","measurements":{"p":0.5}}}'
        )
        (folder / "S1.geojson").write_text(f"[{tile}]")
        return folder / "S1.geojson"
    np.savez(folder / "S1.npz", features=what.vectors, coords=what.corners)
    return folder / "S1.npz"


def _damage(data: bytes, rng: random.Random, hdf5: bool) -> bytes:
    spoiled = bytearray(data)
    at = rng.randrange(len(spoiled))
    if hdf5 or rng.random() < 0.2:
        return bytes(spoiled[:at])
    for _ in range(rng.choice((1, 5, 50))):
        spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
    return bytes(spoiled)


@pytest.mark.parametrize(
    "kind", ["trident", "clam", "stamp", "slideflow", "wsinfer", "geojson", "npz"]
)
def test_damaged_files_end_in_sentences(project: Project, tmp_path: Path, kind: str) -> None:
    file = _written(tmp_path / kind, kind)
    whole, rng = file.read_bytes(), random.Random(kind)
    told = 0
    for i in range(TRIES):
        file.write_bytes(_damage(whole, rng, file.suffix == ".h5"))
        try:
            report = import_source(
                project.root, tmp_path / kind, ImportOptions(replace=True, name=f"x{i}")
            )
        except LookalikeError:
            told += 1
        else:
            told += bool(report.problems)
    file.write_bytes(whole)
    assert not import_source(project.root, tmp_path / kind, ImportOptions(name="whole")).problems
    assert told


def _group(file: Any, name: str) -> None:
    del file[name]
    file.create_group(name)


def _three_columns_of_text(file: Any, name: str) -> None:
    del file[name]
    file[name] = np.full((3, 3), b"x")


def _not_numbers(file: Any, name: str) -> None:
    shape = file[name].shape
    del file[name]
    file[name] = np.full(shape, np.nan)


def _nothing(file: Any, name: str) -> None:
    del file[name]
    file[name] = np.zeros((0, 2))


@pytest.mark.parametrize("spoil", [_group, _three_columns_of_text, _not_numbers, _nothing])
@pytest.mark.parametrize("name", ["features", "coords"])
@pytest.mark.parametrize("kind", ["trident", "clam", "stamp"])
def test_wrong_things_in_hdf5(
    project: Project, tmp_path: Path, kind: str, name: str, spoil: Callable[[Any, str], None]
) -> None:
    file = _written(tmp_path / kind, kind)
    with h5py.File(file, "a") as opened:
        attributes = dict(opened["coords"].attrs)
        spoil(opened, "feats" if kind == "stamp" and name == "features" else name)
        opened["coords"].attrs.update(attributes)
    try:
        report = import_source(project.root, tmp_path / kind)
    except LookalikeError:
        return
    assert report.problems


@pytest.mark.parametrize("value", ["many", -1, 0, np.nan, 1e30, np.array([])])
@pytest.mark.parametrize(
    "attribute", ["patch_size_level0", "patch_size", "target_magnification", "overlap"]
)
def test_wrong_attributes(project: Project, tmp_path: Path, attribute: str, value: object) -> None:
    file = _written(tmp_path / "trident", "trident")
    with h5py.File(file, "a") as opened:
        opened["coords"].attrs[attribute] = value
    report = import_source(project.root, tmp_path / "trident")
    if not report.problems:  # it was told otherwise, or worked out
        found = Project.open(project.root).load_features("S1")
        assert np.abs(found.grid.corners_px0 - truth(1).corners).max() < EDGE / 18 + 1
        assert found.grid.mpp is None or 0 < found.grid.mpp < 100


def test_coordinates_of_no_slide_are_refused(project: Project, tmp_path: Path) -> None:
    what = truth(1)
    far = what.corners.astype(np.float64)
    far[3] = 1e12
    np.savez(tmp_path / "S1.npz", features=what.vectors, coords=far)
    report = import_source(project.root, tmp_path / "S1.npz", ImportOptions(tile_px0=512))
    assert "no slide" in report.problems["S1"]


def test_tiles_far_apart_make_no_huge_grid(project: Project, tmp_path: Path) -> None:
    places = np.array([[0, 0], [1, 0], [3_000_000, 2_900_001]])
    np.savez(tmp_path / "S1.npz", features=np.ones((3, 4), np.float32), coords=places)
    report = import_source(project.root, tmp_path / "S1.npz")
    assert "far apart" in report.problems["S1"]
