"""TRIDENT: a job folder, one of its feature folders, or single files; and the same written.

Layout: ``<mag>x_<px>px_<ov>px_overlap/features_<encoder>/<slide>.h5`` with ``features``
(n, dim) and ``coords`` (n, 2) of level-0 corners; ``slide_features_<encoder>`` holds one
vector a slide. ``patch_size_level0`` is rounded down; ``target_magnification`` 20 means
0.5 µm per pixel.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import h5py

from napari_lookalike.core.feature_folder import tiling_name
from napari_lookalike.core.features import Features, save_features
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
    folder_group,
    name_of,
)
from napari_lookalike.core.interop.report import Known
from napari_lookalike.core.progress import Job

_TILING = re.compile(r"^([\d.]+)x_(\d+)px_(\d+)px_overlap$")
_ENCODER = re.compile(r"^(slide_)?features_(.+)$")
_SAYS = "The file says so."
_FOLDER = "The folder's name says so."


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Feature files in TRIDENT's layout: tiles with attributes, or one vector a slide."""
    del options
    found = []
    for file in files_below(source, ".h5"):
        tiling, encoder = _folders(file)
        # Older files state nothing, but lie in folders whose names do.
        silent = tiling is not None and bool(encoder)
        if arrays.peek_h5(file, _is_silent if silent else _is_trident):
            found.append(_found(file))
    return tuple(found)


def _is_silent(file: Any) -> bool:
    return "features" in file and "lookalike_schema" not in file.attrs


def _is_trident(file: Any) -> bool:
    if "features" not in file or "lookalike_schema" in file.attrs:
        return False
    if "coords" not in file:  # a slide encoder's
        return file["features"].ndim == 1 or "encoder" in file["features"].attrs
    attrs = file["coords"].attrs
    return "patch_size_level0" in attrs or "target_magnification" in attrs


def _found(path: Path) -> Found:
    said, encoder, tiles = arrays.read_h5(path, _header)
    tiling, folder = _folders(path)
    if not encoder and folder:
        known = Known(folder, "worked out", _FOLDER)
    else:
        known = Known(encoder, "stated", _SAYS)
    return Found(
        names=(said, name_of(path)) if said else (name_of(path),),
        read=partial(arrays.read_h5, path, partial(_read, tiling)),
        load=partial(arrays.read_h5, path, lambda f: arrays.vectors(f["features"])),
        encoder=known if known.value else None,
        group=folder_group(path) or tiles,
    )


def _header(file: Any) -> tuple[str, str, str]:
    attrs = file["features"].attrs
    name = attrs.get("name", "")
    if not name and "coords" in file:
        name = file["coords"].attrs.get("name", "")
    tiles = "tiles" if "coords" in file else "slides"
    return arrays.text(name), arrays.text(attrs.get("encoder", "")), tiles


def _folders(path: Path) -> tuple[tuple[float, int, int] | None, str]:
    """(magnification, tile px, overlap px) and encoder, as the folders' names have them."""
    encoder = _ENCODER.match(path.parent.name)
    tiling = _TILING.match(path.parent.parent.name)
    numbers = (float(tiling[1]), int(tiling[2]), int(tiling[3])) if tiling else None
    return numbers, encoder[2] if encoder else ""


def _read(tiling: tuple[float, int, int] | None, file: Any) -> RawTiles:
    count, dim = arrays.shape_of(file["features"])
    if "coords" not in file:
        return RawTiles(count, dim)
    attrs = file["coords"].attrs
    target = _either(attrs, "target_magnification", tiling and tiling[0])
    pixels = _either(attrs, "patch_size", tiling and tiling[1])
    overlap = _either(attrs, "overlap", tiling and tiling[2])
    source = arrays.number(attrs, "level0_magnification")
    return RawTiles(
        count,
        dim,
        places=arrays.places(file["coords"]),
        unit=Known(PIXELS, "stated", "TRIDENT counts in level-0 pixels."),
        tile_px0=_edge(attrs, source, target, pixels),
        tile_px=Known(int(pixels.value), pixels.how, pixels.why) if pixels else None,
        mpp=_nominal(target),
        overlap=overlap.value / pixels.value if overlap and pixels else None,
        slide_mpp=_slide_mpp(source),
        slide_size=_size(attrs),
    )


def _either(attrs: Any, key: str, folder: float | None) -> Known[float] | None:
    value = arrays.number(attrs, key)
    if value is not None:
        return Known(value, "stated", _SAYS)
    return Known(float(folder), "worked out", _FOLDER) if folder is not None else None


def _nominal(target: Known[float] | None) -> Known[float] | None:
    if target is None or target.value <= 0:
        return None
    why = f"{target.why} {target.value:g}x is nominally {10 / target.value:g} µm per pixel."
    return Known(10.0 / target.value, "worked out", why)


def _slide_mpp(source: float | None) -> Known[float] | None:
    if not source:
        return None
    why = f"The file says {source:g}x; that is nominal, and true to about a tenth."
    return Known(10.0 / source, "guessed", why)


def _edge(
    attrs: Any, source: float | None, target: Known[float] | None, pixels: Known[float] | None
) -> Known[float] | None:
    stated = arrays.number(attrs, "patch_size_level0")
    if stated:
        return Known(stated, "stated", "The file says so (TRIDENT rounds it down).")
    if source and target and target.value and pixels:
        edge = float(int(pixels.value * source / target.value))
        return Known(edge, "worked out", f"{pixels.value:g} px at {target.value:g} of {source:g}x.")
    return None


def _size(attrs: Any) -> Known[tuple[int, int]] | None:
    width, height = arrays.number(attrs, "level0_width"), arrays.number(attrs, "level0_height")
    if not width or not height:
        return None
    return Known((int(width), int(height)), "stated", _SAYS)


def write(plan: ExportPlan, job: Job) -> Exported:
    """A job folder as TRIDENT lays it out, with patches and features."""
    done, files = [], 0
    for slide_id, features in plan.features(job):
        folder = plan.out / _tiling(features)
        save_features(folder / f"features_{_encoder(features)}" / f"{slide_id}.h5", features)
        _write_patches(folder / "patches" / f"{slide_id}_patches.h5", slide_id, features)
        done.append(slide_id)
        files += 2
    return plan.exported(done, files)


def _tiling(features: Features) -> str:
    grid = features.grid
    overlap = round(grid.tile_px * (1 - grid.stride_px0[0] / grid.size_px0[0]))
    return tiling_name(grid.tile_px, grid.mpp, max(overlap, 0))


def _encoder(features: Features) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in features.encoder) or "unnamed"


def _write_patches(path: Path, slide_id: str, features: Features) -> None:
    """Coordinates alone, as TRIDENT's own tools want them."""
    from napari_lookalike.core.features_file import write_grid

    with atomic_file(path, slide_id) as temporary, h5py.File(temporary, "w") as file:
        write_grid(file, features.grid, slide_id, features.slide_mpp)
        del file["cells"]


IMPORTER = Importer(
    name="trident",
    title="TRIDENT",
    files="a job folder, `features_<encoder>`, `slide_features_<encoder>`, or single h5 files",
    places="stated, level-0 pixels",
    tile="stated (`patch_size_level0`), else from the magnifications",
    content="features",
    find=find,
)
EXPORTER = Exporter(
    name="trident",
    title="Features as TRIDENT has them (h5)",
    files="`<mag>x_<px>px_<ov>px_overlap/features_<encoder>/<slide_id>.h5` and `patches/`",
    opens_in="TRIDENT's tools, LazySlide, and what reads TRIDENT's files; napari-lookalike exactly",
    identity="slide_ids and the slides' fingerprints; no file names, no patient ids",
    write=write,
)
