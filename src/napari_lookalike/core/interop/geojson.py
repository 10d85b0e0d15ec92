"""GeoJSON as QuPath has it: tiles with measurements and tissue outlines out, tiles back in.

Level-0 pixels, closed rings, ``objectType`` "tile" or "annotation", ``measurements`` as an
object; older files with a list of {name, value} are read too, and WSInfer's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.attention import attention_weights
from napari_lookalike.core.errors import FeatureError, LookalikeError
from napari_lookalike.core.features import Features
from napari_lookalike.core.interop.kinds import Exporter, Importer
from napari_lookalike.core.interop.outgoing import Exported, ExportPlan, branch_of, percentiles
from napari_lookalike.core.interop.polygons import mask_polygons
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
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.results import SlideResult
from napari_lookalike.core.tissue import find_tissue

WEIGHT, LOGIT, PERCENTILE = "attention weight", "attention logit", "attention percentile"
TISSUE = "tissue"


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """GeoJSON files with tiles that have measurements."""
    del options
    found = []
    for file in files_below(source, ".geojson"):
        columns = _columns(file)
        if columns:
            found.append(
                Found(
                    names=(name_of(file),),
                    read=partial(_read, file, columns),
                    load=partial(_load, file, columns),
                    columns=columns,
                    group="tiles",
                )
            )
    return tuple(found)


def _tiles(path: Path) -> list[Mapping[str, Any]]:
    """Features of a GeoJSON file that are rectangles with measurements."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        what = f"The GeoJSON file is damaged ({type(error).__name__})."
        raise FeatureError(what, "Export it again.") from None
    items = data.get("features", ()) if isinstance(data, dict) else data
    if not isinstance(items, (list, tuple)):
        return []
    return [item for item in items if isinstance(item, dict) and _is_tile(item)]


def _is_tile(item: Mapping[str, Any]) -> bool:
    properties, geometry = _part(item, "properties"), _part(item, "geometry")
    return (
        properties.get("objectType") in ("tile", "detection")
        and geometry.get("type") == "Polygon"
        and bool(_measurements(item))
    )


def _part(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = item.get(key)
    return found if isinstance(found, dict) else {}


def _measurements(item: Mapping[str, Any]) -> dict[str, float]:
    said: Any = _part(item, "properties").get("measurements")
    if isinstance(said, list):
        said = {m.get("name"): m.get("value") for m in said if isinstance(m, dict)}
    if not isinstance(said, dict):
        return {}
    return {str(k): float(v) for k, v in said.items() if isinstance(v, (int, float))}


def _columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(name for t in _tiles(path) for name in _measurements(t)))
    except FeatureError:
        return ()


def _boxes(tiles: list[Mapping[str, Any]]) -> NDArray[np.float64]:
    """(n_tiles, 4): left, top, right, bottom."""
    boxes = []
    for tile in tiles:
        ring = np.asarray(tile["geometry"]["coordinates"][0], np.float64)[:, :2]
        boxes.append([*ring.min(axis=0), *ring.max(axis=0)])
    return np.asarray(boxes, np.float64)


def _read(path: Path, columns: tuple[str, ...]) -> RawTiles:
    try:
        boxes = _boxes(_tiles(path))
    except (LookupError, ValueError, TypeError, OverflowError):
        raise FeatureError("Its tiles are no rectangles.", "Export it again.") from None
    sizes = boxes[:, 2:] - boxes[:, :2]
    edge = float(np.median(sizes))
    if np.abs(sizes - edge).max() > 1.5:
        raise FeatureError("Its objects are of different sizes: no tiles.", "Export tiles only.")
    return RawTiles(
        len(boxes),
        len(columns),
        places=boxes[:, :2],
        unit=Known(PIXELS, "stated", "QuPath counts in level-0 pixels."),
        tile_px0=Known(edge, "stated", "The rectangles are that large."),
        tile_px=Known(max(1, round(edge)), "worked out", "A map needs no other size."),
    )


def _load(path: Path, columns: tuple[str, ...]) -> NDArray[np.float32]:
    rows = [_measurements(tile) for tile in _tiles(path)]
    table = [[row.get(name, float("nan")) for name in columns] for row in rows]
    return np.asarray(table, np.float32)


def write(plan: ExportPlan, job: Job) -> Exported:
    """``<slide_id>.geojson`` for every slide with features."""
    done = []
    for slide_id, features in plan.features(job):
        try:
            result = plan.result(slide_id, features)
        except LookalikeError as error:
            plan.problems[slide_id] = f"{error.what} {error.remedy}".strip()
            continue
        items = [*_tissue(plan, slide_id, result), *_tile_objects(plan, features, result)]
        content = {"type": "FeatureCollection", "features": items}
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        write_atomic(plan.out / f"{slide_id}.geojson", partial(_write_text, text))
        done.append(slide_id)
    return plan.exported(done, len(done))


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _tile_objects(
    plan: ExportPlan, features: Features, result: SlideResult | None
) -> Iterator[dict[str, Any]]:
    grid = features.grid
    width, height = grid.size_px0
    said = _said(plan, result)
    for i, (x, y) in enumerate(np.round(grid.corners_px0, 3).tolist()):
        right, bottom = round(x + width, 3), round(y + height, 3)
        ring = [[x, y], [right, y], [right, bottom], [x, bottom], [x, y]]
        yield _object("tile", [ring], {name: float(v[i]) for name, v in said.items()})


def _said(plan: ExportPlan, result: SlideResult | None) -> dict[str, NDArray[Any]]:
    """Measurement -> a value per tile; the slide's probability is the same in all."""
    if result is None or plan.results is None:
        return {}
    branch = branch_of(result)
    weights = attention_weights(result.attention_logits)[branch].astype(np.float32)
    top = int(result.ranking[0])
    p = np.full(len(weights), result.probabilities[top])
    return {
        WEIGHT: weights,
        LOGIT: result.attention_logits[branch],
        PERCENTILE: percentiles(weights),
        f"slide probability {plan.results.classes[top]}": p,
    }


def _tissue(
    plan: ExportPlan, slide_id: str, result: SlideResult | None
) -> Iterator[dict[str, Any]]:
    """Outlines of the tissue, with what the model says of the slide; none if it is not here."""
    try:
        with plan.project.open_slide(slide_id) as slide:
            tissue = find_tissue(slide, plan.project.settings.tissue)
    except LookalikeError:
        return
    said = {}
    if result is not None and plan.results is not None:
        pairs = zip(plan.results.classes, result.probabilities.tolist(), strict=True)
        said = {f"slide probability {name}": p for name, p in pairs}
    for rings in mask_polygons(tissue.mask, tissue.downsample_xy):
        yield _object("annotation", rings, said, TISSUE)


def _object(
    kind: str, rings: list[Any], measurements: Mapping[str, float], name: str = ""
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "objectType": kind,
        "isLocked": True,
        "measurements": dict(measurements),
    }
    if name:
        properties |= {"name": name, "classification": {"name": name, "color": [90, 170, 90]}}
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": properties,
    }


IMPORTER = Importer(
    name="geojson",
    title="GeoJSON tiles (QuPath, WSInfer)",
    files="`<slide>.geojson` with tiles or detections that have measurements",
    places="stated, level-0 pixels",
    tile="stated by the rectangles",
    content="maps",
    find=find,
)
EXPORTER = Exporter(
    name="geojson",
    title="Tiles and tissue for QuPath (GeoJSON)",
    files="`<slide_id>.geojson`: a tile object each with attention, and outlines of the tissue",
    opens_in="QuPath, napari-lookalike (as a map), GIS libraries",
    identity="slide_ids; no file names, no patient ids",
    write=write,
)
