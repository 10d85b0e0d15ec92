"""CLAM: ``h5_files`` (coordinates without a tile size), ``pt_files`` (vectors alone), ``patches``.

A tile's edge at level 0 is ``patch_size * downsample(patch_level)``, which only the patch
files say. CLAM lays a grid of its own for each contour of tissue.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import Features
from napari_lookalike.core.features_file import atomic_file
from napari_lookalike.core.interop import arrays
from napari_lookalike.core.interop.kinds import Exporter, Importer
from napari_lookalike.core.interop.outgoing import Exported, ExportPlan
from napari_lookalike.core.interop.raw import (
    PIXELS,
    Found,
    ImportOptions,
    RawTiles,
    files_below,
    name_of,
)
from napari_lookalike.core.interop.report import Known
from napari_lookalike.core.progress import Job

Patches = tuple[NDArray[np.float64], Known[float]]


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Feature files of CLAM; where a slide has h5 and pt, the h5."""
    patches = _patch_files(source, options)
    found = [_found(f, patches) for f in files_below(source, ".h5") if arrays.peek_h5(f, _is_clam)]
    have = {item.names[0] for item in found}
    for file in files_below(source, ".pt"):
        beside = file.parent.name == "pt_files" or options.kind == "clam"
        if beside and file.stem not in have:
            found.append(_found(file, patches))
    return tuple(found)


def _is_clam(file: Any) -> bool:
    return "features" in file and "coords" in file and not len(file["coords"].attrs)


def _is_patches(file: Any) -> bool:
    return "coords" in file and "features" not in file and "patch_size" in file["coords"].attrs


def _patch_files(source: Path, options: ImportOptions) -> dict[str, Path]:
    """Slide name -> patch file, from the folder given or from ``patches`` near the source."""
    if options.patches is not None:
        folders = [options.patches]
    else:
        start = source if source.is_dir() else source.parent
        folders = [p / "patches" for p in (start, *list(start.parents)[:2])]
    for folder in folders:
        files = files_below(folder, ".h5") if folder.is_dir() else []
        found = {name_of(f, "_patches"): f for f in files if arrays.peek_h5(f, _is_patches)}
        if found:
            return found
    return {}


def _found(path: Path, patches: dict[str, Path]) -> Found:
    patch_file = patches.get(name_of(path))
    h5 = path.suffix == ".h5"
    return Found(
        names=(name_of(path),),
        read=partial(_read_h5 if h5 else _read_pt, path, patch_file),
        load=partial(_load_h5 if h5 else _load_pt, path),
        group="CLAM",
    )


def _load_h5(path: Path) -> NDArray[np.float32]:
    return arrays.read_h5(path, lambda f: arrays.vectors(f["features"]))


def _load_pt(path: Path) -> NDArray[np.float32]:
    data = arrays.load_torch(path)
    if isinstance(data, dict):
        data = data.get("features", data.get("feats"))
    return arrays.vectors(data)


def _patches_of(file: Any) -> Patches:
    attrs = file["coords"].attrs
    size, level = arrays.number(attrs, "patch_size") or 0.0, arrays.number(attrs, "patch_level")
    down = arrays.number(attrs, "downsample") if level else 1.0
    if not size or not down:
        raise FeatureError(
            "The patch file does not say how large its patches are.", "Give --tile-px0."
        )
    why = f"The patch file: {size:g} px at level {level or 0:g}, which is {down:g} times smaller."
    return arrays.places(file["coords"]), Known(size * down, "worked out", why)


def _read_h5(path: Path, patch_file: Path | None) -> RawTiles:
    count, dim, places = arrays.read_h5(
        path, lambda f: (*arrays.shape_of(f["features"]), arrays.places(f["coords"]))
    )
    edge = arrays.read_h5(patch_file, _patches_of)[1] if patch_file else None
    return _raw(count, dim, places, edge)


def _read_pt(path: Path, patch_file: Path | None) -> RawTiles:
    count, dim = _load_pt(path).shape
    if patch_file is None:
        return RawTiles(count, dim)
    places, edge = arrays.read_h5(patch_file, _patches_of)
    if len(places) != count:
        raise FeatureError(
            f"It has {count} vectors, but its patch file has {len(places)} patches.",
            "Name the folder of the patches that these features were made from.",
        )
    return _raw(count, dim, places, edge)


def _raw(count: int, dim: int, places: NDArray[np.float64], edge: Known[float] | None) -> RawTiles:
    unit = Known(PIXELS, "stated", "CLAM counts in level-0 pixels.")
    return RawTiles(count, dim, places, unit, tile_px0=edge)


def write(plan: ExportPlan, job: Job) -> Exported:
    """``h5_files``, ``pt_files`` and ``patches``, named by slide_id."""
    done, files = [], 0
    for slide_id, features in plan.features(job):
        _write_h5(plan.out / "h5_files" / f"{slide_id}.h5", slide_id, features)
        _write_pt(plan.out / "pt_files" / f"{slide_id}.pt", slide_id, features)
        _write_patches(plan.out / "patches" / f"{slide_id}.h5", slide_id, features)
        done.append(slide_id)
        files += 3
    return plan.exported(done, files)


def _write_h5(path: Path, slide_id: str, features: Features) -> None:
    with atomic_file(path, slide_id) as temporary, h5py.File(temporary, "w") as file:
        file["features"] = features.instances.astype(np.float32)
        file["coords"] = features.grid.coords.reshape(-1, 2)


def _write_pt(path: Path, slide_id: str, features: Features) -> None:
    import torch

    with atomic_file(path, slide_id) as temporary:
        torch.save(torch.from_numpy(features.instances.astype(np.float32)), temporary)


def _write_patches(path: Path, slide_id: str, features: Features) -> None:
    grid = features.grid
    width, height = grid.slide_size
    with atomic_file(path, slide_id) as temporary, h5py.File(temporary, "w") as file:
        coords = file.create_dataset("coords", data=grid.coords.reshape(-1, 2))
        coords.attrs.update(
            patch_size=int(grid.size_px0[0] + 1e-6),
            patch_level=0,
            downsample=np.array([1.0, 1.0]),
            downsampled_level_dim=np.array([width, height]),
            level_dim=np.array([width, height]),
            name=slide_id,
            save_path="",
        )


IMPORTER = Importer(
    name="clam",
    title="CLAM",
    files="a folder with `h5_files`, `pt_files` and `patches`, or one of the first two",
    places="stated, level-0 pixels; for `pt_files` from `patches`",
    tile="from `patches`; else guessed from the distance of neighbours",
    content="features",
    find=find,
)
EXPORTER = Exporter(
    name="clam",
    title="Features as CLAM has them (h5_files, pt_files)",
    files="`h5_files/<slide_id>.h5`, `pt_files/<slide_id>.pt`, `patches/<slide_id>.h5`",
    opens_in="CLAM and what trains on its files",
    identity="slide_ids; no file names, no patient ids",
    write=write,
)
