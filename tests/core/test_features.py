"""Feature files: complete or absent, exact, and readable as TRIDENT's."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_lookalike.core import features_file, features_writing
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import (
    Features,
    damage,
    features_complete,
    load_features,
    read_header,
    save_features,
)
from napari_lookalike.core.features_file import magnification
from napari_lookalike.core.tiles import TileGrid


def some(n: int = 7, *, mpp: float | None = 0.5, encoder: str = "enc-1") -> Features:
    rng = np.random.default_rng(n)
    size = 224 * 0.5 / 0.2527
    grid = TileGrid(
        cells=np.stack([np.arange(n) % 4, np.arange(n) // 4], 1).astype(np.int32),
        shape=(3, 4),
        origin_px0=(0.0, 0.0),
        stride_px0=(size, size),
        size_px0=(size, size),
        tile_px=224,
        mpp=mpp,
        slide_size=(1800, 1300),
    )
    instances = rng.normal(size=(n, 5)).astype(np.float32)
    return Features("S01", "abcd", instances, grid, encoder, (0.2527, 0.2527), '{"auto": true}')


def test_everything_comes_back_exactly(tmp_path: Path) -> None:
    path, wrote = tmp_path / "deep" / "S01.h5", some()
    save_features(path, wrote)
    read = load_features(path, "S01", "enc-1")
    np.testing.assert_array_equal(read.instances, wrote.instances)
    np.testing.assert_array_equal(read.grid.cells, wrote.grid.cells)
    np.testing.assert_array_equal(read.grid.corners_px0, wrote.grid.corners_px0)
    for name in ("slide_id", "fingerprint", "encoder", "slide_mpp", "tissue", "inferred"):
        assert getattr(read, name) == getattr(wrote, name)
    for name in ("shape", "stride_px0", "size_px0", "tile_px", "mpp", "slide_size"):
        assert getattr(read.grid, name) == getattr(wrote.grid, name)
    assert len(read) == 7 and not list(path.parent.glob("*.part"))


def test_tiles_in_level0_pixels_stay_so(tmp_path: Path) -> None:
    save_features(tmp_path / "a.h5", replace(some(mpp=None), slide_mpp=None))
    read = load_features(tmp_path / "a.h5")
    assert read.grid.mpp is None and read.grid.tile_mode == "level0" and read.slide_mpp is None


def test_the_file_has_trident_s_names_and_no_path(tmp_path: Path) -> None:
    save_features(tmp_path / "S01.h5", some())
    with h5py.File(tmp_path / "S01.h5") as file:
        coords, features = file["coords"], file["features"]
        assert coords.dtype == np.int64 and coords.shape == (7, 2)
        np.testing.assert_array_equal(coords[5], [443, 443])  # 443.2, rounded down
        assert dict(coords.attrs) == {
            "patch_size": 224,
            "patch_size_level0": 443,
            "level0_magnification": 40,
            "target_magnification": 20,
            "overlap": 0,
            "name": "S01",
            "savetodir": "",
            "level0_width": 1800,
            "level0_height": 1300,
        }
        assert dict(features.attrs) == {"name": "S01", "savetodir": "", "encoder": "enc-1"}
        assert features.dtype == np.float32
    assert str(tmp_path).encode() not in (tmp_path / "S01.h5").read_bytes()


@pytest.mark.parametrize(
    ("mpp", "expected"),
    [
        (0.5, 20),
        (0.499, 20),
        (0.46, 20),
        (0.25, 40),
        (0.2201, 40),
        (1.0, 10),
        (3.71, 2.5),
        (0.685, 14.599),
        (None, 0),
    ],
)
def test_magnifications(mpp: float | None, expected: float) -> None:
    assert magnification(mpp) == pytest.approx(expected, abs=1e-3)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some(5))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(features_file.os, "replace", refuse)
    with pytest.raises(FeatureError, match="No space left"):
        save_features(path, some(7))
    assert len(load_features(path)) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["S01.h5"]


def test_what_a_killed_run_left_is_ignored_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    old, fresh = tmp_path / ".S01.h5.0a1b.part", tmp_path / ".S01.h5.2c3d.part"
    for part in (old, fresh):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    assert not features_complete(path, "S01", "enc-1")
    save_features(path, some())
    assert features_complete(path, "S01", "enc-1")
    assert not old.exists() and fresh.exists()  # a fresh one may be another process's


def test_completeness_asks_for_slide_and_encoder(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    assert features_complete(path, "S01", "enc-1")
    assert not features_complete(path, "S02", "enc-1")
    assert not features_complete(path, "S01", "enc-2")
    with pytest.raises(FeatureError, match="another slide"):
        load_features(path, "S02")
    with pytest.raises(FeatureError, match="not by enc-2"):
        load_features(path, "S01", "enc-2")


@pytest.mark.parametrize("how", ["truncated", "text", "fewer rows", "other coords", "no count"])
def test_damage_is_seen(tmp_path: Path, how: str) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:900])
    elif how == "text":
        path.write_text("this is no HDF5 file")
    else:
        with h5py.File(path, "r+") as file:
            if how == "fewer rows":
                data = file["features"][:5]
                del file["features"]
                file["features"] = data
            elif how == "other coords":
                file["coords"][3] += 1
            else:
                del file.attrs["count"]
    with pytest.raises(FeatureError) as error:
        load_features(path, "S01")
    assert error.value.slide == "S01" and "again" in error.value.remedy
    if how != "other coords":  # this one only a full reading sees
        assert read_header(path) is None and not features_complete(path, "S01", "enc-1")


def flipped(path: Path, place: int, bit: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= bit
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("numbers", "its numbers have changed"),
        ("sign of infinity", "its numbers have changed"),
        ("coords", "its slide and tiles has changed"),
        ("cells", "its slide and tiles has changed"),
        ("name", "its slide and tiles has changed"),
        ("encoder", "its slide and tiles has changed"),
        ("sum", "its slide and tiles has changed"),
    ],
)
@pytest.mark.parametrize("mapped", [False, True])
def test_a_single_bit_is_seen_and_told_as_what_it_is(
    tmp_path: Path, where: str, told: str, mapped: bool
) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    with h5py.File(path, "r+") as file:
        place = {k: file[k].id.get_offset() for k in ("features", "coords", "cells")}
        if where == "name":  # as a flipped bit leaves it where HDF5 does not notice
            file.attrs["slide_id"] = "S03"
        elif where == "encoder":
            file.attrs["encoder_identity"] = "enc-0"
        elif where == "sum":
            file.attrs["checksum"] = "0" + file.attrs["checksum"][1:]
    if where == "numbers":
        flipped(path, place["features"] + 41)
    elif where == "sign of infinity":
        data = bytearray(path.read_bytes())
        data[place["features"] + 4 : place["features"] + 8] = np.float32(np.inf).tobytes()
        path.write_bytes(data)
    elif where in place:
        flipped(path, place[where])
    assert told in damage(path) and "the disk, or of a copy" in damage(path)
    with pytest.raises(FeatureError, match=told) as error:
        load_features(path, "S01", "enc-1", mapped=mapped)
    assert error.value.remedy == "Embed the slide again."


def test_every_bit_of_the_structure_is_seen_or_does_no_harm(tmp_path: Path) -> None:
    """HDF5's older form has no sums over its structure: the library crashed on such files."""
    path = tmp_path / "S01.h5"
    save_features(path, some())
    good, whole = path.read_bytes(), load_features(path)
    rng = np.random.default_rng(0)
    for place in rng.choice(len(good), 60, replace=False):
        path.write_bytes(good)
        flipped(path, int(place), 1 << int(rng.integers(8)))
        try:
            found = load_features(path, "S01", "enc-1")
        except FeatureError as error:
            assert "is damaged" in error.what
            continue
        np.testing.assert_array_equal(found.instances, whole.instances)
        np.testing.assert_array_equal(found.grid.coords, whole.grid.coords)


@pytest.mark.parametrize(
    ("left", "told"),
    [(0, "it is empty"), (900, "its end is missing"), (-1, "its end is missing")],
)
def test_what_is_left_of_a_file_is_told(tmp_path: Path, left: int, told: str) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    path.write_bytes(path.read_bytes()[:left])
    assert told in damage(path)
    path.write_text("this is no HDF5 file")
    assert "of another kind" in damage(path)


def test_a_file_of_before_the_seal_is_read_and_its_grid_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    with h5py.File(path, "r+") as file:
        del file.attrs["seal"]
    assert damage(path) == "" and len(load_features(path)) == len(some())
    with h5py.File(path, "r+") as file:
        file["coords"][3] += 1
    assert "its slide and tiles has changed" in damage(path)


def test_features_that_were_imported_are_imported_again(tmp_path: Path) -> None:
    path = tmp_path / "features_imported-uni" / "S01.h5"
    save_features(path, some())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FeatureError) as error:
        load_features(path, "S01")
    assert error.value.remedy == "Import its features again."


def test_a_full_disk_is_told_without_the_file_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, f"write failed: filename = '{tmp_path}', errno = 28")  # h5py's

    def fail(*_: object, **__: object) -> None:
        raise full

    monkeypatch.setattr(features_writing, "write_grid", fail)
    with pytest.raises(FeatureError) as error:
        save_features(tmp_path / "S01.h5", some())
    reason = os.strerror(errno.ENOSPC)
    assert error.value.what == f"The feature file cannot be written ({reason})."
    assert not list(tmp_path.iterdir())


def test_an_absent_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="Embed the slide first"):
        load_features(tmp_path / "S01.h5", "S01")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    bad = some()
    bad.instances[2, 1] = np.nan
    with pytest.raises(FeatureError, match="not finite"):
        save_features(tmp_path / "S01.h5", bad)
    with pytest.raises(FeatureError, match="tile grid"):
        save_features(tmp_path / "S01.h5", replace(some(), instances=np.zeros((3, 5), np.float32)))
    assert not list(tmp_path.iterdir())


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    with h5py.File(path, "r+") as file:
        file.attrs["lookalike_schema"] = 99
    with pytest.raises(FeatureError, match="newer version"):
        load_features(path)


def trident(path: Path, coords: np.ndarray, **attrs: object) -> None:
    with h5py.File(path, "w") as file:
        features = file.create_dataset("features", data=np.ones((len(coords), 4), np.float32))
        features.attrs.update(name="T1", savetodir="/somewhere", encoder="uni_v1")
        file.create_dataset("coords", data=coords).attrs.update(attrs)


def test_a_trident_file_is_read_and_says_what_was_inferred(tmp_path: Path) -> None:
    cells = np.array([[0, 0], [1, 0], [3, 2], [40, 31]])
    stride = 256 * 40 / 20 * (1 - 32 / 256)
    coords = np.floor(np.array([100, 60]) + cells * stride).astype(np.int64)
    trident(
        tmp_path / "T1.h5", coords, patch_size=256, patch_size_level0=512, overlap=32,
        target_magnification=20, level0_magnification=40, level0_width=30000, level0_height=20000,
        name="T1",
    )  # fmt: skip
    read = load_features(tmp_path / "T1.h5", "T1", "uni_v1")
    np.testing.assert_array_equal(read.grid.cells, cells)
    np.testing.assert_array_equal(read.grid.coords, coords)
    assert read.grid.mpp == 0.5 and read.grid.size_px0 == (512.0, 512.0)
    assert read.grid.slide_size == (30000, 20000)
    assert {"grid", "mpp", "fingerprint"} <= set(read.inferred)
    assert features_complete(tmp_path / "T1.h5", "T1", "uni_v1")


def test_a_stride_that_trident_rounded_is_found_again(tmp_path: Path) -> None:
    stride = 256 * 0.5 / 0.2527  # 506.53; the attribute says 506
    cells = np.array([[i, i // 2] for i in range(80)])
    coords = np.floor(cells * stride).astype(np.int64)
    trident(tmp_path / "T1.h5", coords, patch_size=256, patch_size_level0=506, overlap=0)
    read = load_features(tmp_path / "T1.h5")
    np.testing.assert_array_equal(read.grid.cells, cells)
    assert np.abs(read.grid.corners_px0 - cells * stride).max() < 1.5
    assert read.grid.mpp is None


def test_coordinates_off_any_grid_and_without_tile_size_are_refused(tmp_path: Path) -> None:
    coords = np.array([[0, 0], [512, 0], [700, 300], [1024, 512]])
    trident(tmp_path / "T1.h5", coords, patch_size=256, patch_size_level0=512, overlap=0)
    with pytest.raises(FeatureError, match="one grid"):
        load_features(tmp_path / "T1.h5")
    trident(tmp_path / "T2.h5", coords)
    with pytest.raises(FeatureError, match="how large"):
        load_features(tmp_path / "T2.h5")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_mapped_features_are_the_same_numbers_left_on_the_disk(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    if dtype is np.float16:
        with h5py.File(path, "r+") as file:
            numbers = np.asarray(file["features"], dtype)
            del file["features"]
            file["features"] = numbers
    read, mapped = load_features(path), load_features(path, mapped=True)
    assert isinstance(mapped.instances, np.memmap)
    assert mapped.instances.dtype == dtype
    np.testing.assert_array_equal(mapped.instances.astype(np.float32), read.instances)
    mapped.instances[0] = 9.0  # torch may write; the file must not change
    np.testing.assert_array_equal(load_features(path).instances, read.instances)


def test_compressed_features_are_read_where_they_cannot_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    save_features(path, some())
    with h5py.File(path, "r+") as file:
        numbers = np.asarray(file["features"])
        del file["features"]
        file.create_dataset("features", data=numbers, chunks=(3, 5), compression="gzip")
    mapped = load_features(path, mapped=True)
    assert not isinstance(mapped.instances, np.memmap)
    np.testing.assert_array_equal(mapped.instances, numbers)
