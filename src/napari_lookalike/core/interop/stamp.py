"""STAMP: ``feats`` with coordinates in micrometres, in three generations; and MoPaDi's files.

The newest state ``tile_size_um`` and ``unit``; older ones ``tile_size`` and ``unit``; the
oldest state nothing and count in steps of 224 for tiles of 256 µm. Slide and patient
features have ``feat_type`` and one vector.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.interop import arrays
from napari_lookalike.core.interop.fit import usual_step
from napari_lookalike.core.interop.kinds import Importer
from napari_lookalike.core.interop.raw import (
    MICROMETRES,
    Found,
    ImportOptions,
    RawTiles,
    files_below,
    name_of,
)
from napari_lookalike.core.interop.report import Known

OLDEST_STEP, OLDEST_UM = 224, 256.0
_SAYS = "The file says so."


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Files that STAMP wrote."""
    return _all(source, "stamp" if options.kind == "stamp" else "", _is_stamp)


def find_mopadi(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Files with ``feats`` and ``coords`` that state nothing, and do not count as STAMP did."""
    del options
    return _all(source, "", _is_silent)


def _all(source: Path, forced: str, is_one: Any) -> tuple[Found, ...]:
    wanted = _has_feats if forced else is_one
    return tuple(_found(f) for f in files_below(source, ".h5") if arrays.peek_h5(f, wanted))


def _has_feats(file: Any) -> bool:
    return "feats" in file


def _is_stamp(file: Any) -> bool:
    if "feats" not in file:
        return False
    marks = {"stamp_version", "tile_size_um", "tile_size", "feat_type", "extractor", "unit"}
    return bool(marks & set(file.attrs)) or _is_oldest(file)


def _is_oldest(file: Any) -> bool:
    if "coords" not in file or file["feats"].ndim != 2:
        return False
    step = usual_step(arrays.places(file["coords"]))
    return step is not None and round(step) == OLDEST_STEP


def _is_silent(file: Any) -> bool:
    return _has_feats(file) and "coords" in file and not _is_stamp(file)


def _found(path: Path) -> Found:
    encoder, kind = arrays.read_h5(path, _header)
    # MoPaDi calls every file features.h5, in a folder named by the slide
    name = path.parent.name if path.stem in ("features", "feats") else name_of(path)
    return Found(
        names=(name,),
        read=partial(arrays.read_h5, path, _read),
        load=partial(arrays.read_h5, path, lambda f: arrays.vectors(f["feats"])),
        encoder=Known(encoder, "stated", _SAYS) if encoder else None,
        group=kind,
        of_patient=kind == "patient",
    )


def _header(file: Any) -> tuple[str, str]:
    encoder = file.attrs.get("extractor", file.attrs.get("encoder", ""))
    kind = arrays.text(file.attrs.get("feat_type", ""))
    return arrays.text(encoder), kind or ("slide" if file["feats"].ndim == 1 else "tile")


def _read(file: Any) -> RawTiles:
    count, dim = arrays.shape_of(file["feats"])
    kind = _header(file)[1]
    if kind in ("slide", "patient") or "coords" not in file:
        if count != 1 and kind == "tile":
            raise FeatureError("It has no coordinates.", "Extract the features again.")
        return RawTiles(count, dim)
    places, attrs = arrays.places(file["coords"]), file.attrs
    pixels = arrays.number(attrs, "tile_size_px")
    tile_px = Known(int(pixels), "stated", _SAYS) if pixels else None
    edge = arrays.number(attrs, "tile_size_um")
    if not edge and arrays.text(attrs.get("unit", "")) == "um":
        edge = arrays.number(attrs, "tile_size")
    unit = Known(MICROMETRES, "stated", _SAYS)
    if edge:
        return RawTiles(
            count, dim, places, unit, tile_um=Known(edge, "stated", _SAYS), tile_px=tile_px,
            mpp=_tile_mpp(edge, pixels),
        )  # fmt: skip
    step = arrays.number(attrs, "tile_size") or usual_step(places) or 0
    if round(step) == OLDEST_STEP:
        why = "Tiles lie 224 apart, which in STAMP's oldest files stands for 256 µm."
        return RawTiles(
            count,
            dim,
            places * OLDEST_UM / OLDEST_STEP,
            Known(MICROMETRES, "guessed", why),
            tile_um=Known(OLDEST_UM, "guessed", why),
            tile_px=Known(OLDEST_STEP, "guessed", why),
            mpp=Known(OLDEST_UM / OLDEST_STEP, "guessed", why),
        )
    return RawTiles(count, dim, places, tile_px=tile_px)


def _tile_mpp(edge: float, pixels: float | None) -> Known[float] | None:
    if not pixels:
        return None
    return Known(edge / pixels, "stated", f"{edge:g} µm in {pixels:g} px.")


IMPORTER = Importer(
    name="stamp",
    title="STAMP",
    files="h5 files with `feats`; tile, slide or patient features",
    places="micrometres, divided by the slide's mpp",
    tile="stated; in the oldest files guessed from the step",
    content="features",
    find=find,
)
MOPADI = Importer(
    name="mopadi",
    title="`feats` and `coords` (MoPaDi and others)",
    files="h5 files with `feats` and `coords` and no attributes; the folder may name the slide",
    places="taken for level-0 pixels",
    tile="guessed from the distance of neighbours",
    content="features",
    find=find_mopadi,
)
