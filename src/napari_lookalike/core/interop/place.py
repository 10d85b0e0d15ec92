"""Puts a peer's tiles on the slide: units, tile size, scale and grid, each with how it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import Features
from napari_lookalike.core.interop.fit import Fit, fit_grid
from napari_lookalike.core.interop.raw import ImportOptions, RawTiles
from napari_lookalike.core.interop.report import Fact, Known
from napari_lookalike.core.interop.scale import (
    SlideFacts,
    extent_of,
    find_edge,
    find_slide_mpp,
    find_stride,
    find_tile_mpp,
    find_tile_px,
    find_unit,
    pixels_per_unit,
)
from napari_lookalike.core.tiles import TileGrid

T = TypeVar("T")

Places = NDArray[np.float64]

LARGEST_PX0 = 4_000_000.0
"""Level-0 pixels that the edge of a slide may have; the largest scanners reach a tenth."""

SMALLEST_MPP, LARGEST_MPP = 0.01, 100.0
LARGEST_TILE = 20_000
MOST_CELLS = 60_000_000

WHOLE_SLIDE_PX = 224
"""Edge to which the whole slide is taken as one tile, where a file has one vector for it."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Tiles on a slide.

    Parameters
    ----------
    grid
        The tile grid.
    facts
        How each of its properties is known.
    slide_mpp
        µm per level-0 pixel (x, y), or ``None``.
    warnings
        What looks wrong, in sentences.
    """

    grid: TileGrid
    facts: tuple[Fact, ...]
    slide_mpp: tuple[float, float] | None
    warnings: tuple[str, ...] = ()


def place(raw: RawTiles, slide: SlideFacts, options: ImportOptions) -> Placed:
    """Lay a peer's tiles on a grid over the slide.

    Parameters
    ----------
    raw
        As the file has it.
    slide
        As this machine knows it.
    options
        As the user says; goes before both.

    Raises
    ------
    FeatureError
        If the coordinates are missing, or no grid can be laid.
    ScaleError
        If coordinates are in micrometres and nobody knows the slide's scale.
    """
    mpp = find_slide_mpp(raw, slide)
    facts = [_fact("slide scale", mpp, _mpp_text)] if mpp else [_no_scale()]
    size = slide.size or (raw.slide_size.value if raw.slide_size else None)
    if raw.places is None:
        return _whole_slide(raw, size, mpp, facts)
    if not len(raw.places) or len(raw.places) != raw.count:
        raise FeatureError(
            f"It has {raw.count} vectors, but {len(raw.places)} coordinates.",
            "Import the file that belongs to these coordinates.",
        )
    unit = find_unit(raw, options)
    scale = pixels_per_unit(unit.value, mpp)
    places = raw.places * scale
    edge = find_edge(raw, options, mpp, places)
    corners = places - np.asarray(edge.value) / 2 if raw.centres else places
    pixels = find_tile_px(raw, options, edge)
    tile_mpp = find_tile_mpp(raw, edge, pixels, mpp)
    stride, overlap = find_stride(raw, edge.value, corners)
    scales = (*(mpp.value if mpp else ()), *((tile_mpp.value,) if tile_mpp else ()))
    _check_numbers(corners, (*edge.value, *stride), pixels.value, scales)
    fit = fit_grid(corners, stride)
    _check_shape(fit)
    grid = _grid(fit, edge.value, pixels.value, tile_mpp, size or extent_of(corners, edge.value))
    facts += [
        Fact("coordinates", _unit_text(unit.value, raw.centres), unit.how, unit.why),
        _fact("tile edge on the slide", edge, _edge_text),
        _fact("tile as the encoder saw it", pixels, lambda px: f"{px} px"),
        _fact("tile scale", tile_mpp, _mpp_one) if tile_mpp else _level0(),
        overlap,
        _fit_fact(fit),
    ]
    return Placed(grid, tuple(facts), mpp.value if mpp else None, _warnings(fit, edge.value))


def _check_numbers(
    corners: Places, lengths: tuple[float, ...], pixels: int, scales: tuple[float, ...]
) -> None:
    """Refuse what no slide has, before anything is computed with it: damaged files have it."""
    fine = all(1 <= length <= LARGEST_PX0 for length in lengths) and 1 <= pixels <= LARGEST_TILE
    fine = fine and all(SMALLEST_MPP <= mpp <= LARGEST_MPP for mpp in scales)
    if not fine or not np.abs(corners).max() <= LARGEST_PX0:
        raise FeatureError(
            "Its coordinates or the size of its tiles are those of no slide.",
            "Check their unit and the scale; or the file is damaged.",
        )


def _check_shape(fit: Fit) -> None:
    if fit.shape[0] * fit.shape[1] > MOST_CELLS:
        raise FeatureError(
            "Its tiles lie so far apart that no grid can be laid over them.",
            "Check the size of its tiles; or the file is damaged.",
        )


def _fact(field: str, known: Known[T], show: Callable[[T], str]) -> Fact:
    return Fact(field, show(known.value), known.how, known.why)


def _no_scale() -> Fact:
    why = "Neither the slide, nor the project, nor the file says how large a pixel is."
    return Fact("slide scale", "not known", "stated", why)


def _level0() -> Fact:
    why = (
        "The slide's scale is not known, so these are tiles in level-0 pixels; they are never "
        "mixed with tiles in micrometres."
    )
    return Fact("tile scale", "not known", "worked out", why)


def _mpp_one(mpp: float) -> str:
    return f"{mpp:.4g} µm per pixel"


def _mpp_text(mpp: tuple[float, float]) -> str:
    if abs(mpp[0] - mpp[1]) < 1e-6:
        return _mpp_one(mpp[0])
    return f"{mpp[0]:.4g} x {mpp[1]:.4g} µm per pixel"


def _edge_text(edge: tuple[float, float]) -> str:
    if abs(edge[0] - edge[1]) < 0.01:
        return f"{edge[0]:.6g} level-0 px"
    return f"{edge[0]:.6g} x {edge[1]:.6g} level-0 px"


def _unit_text(unit: str, centres: bool) -> str:
    what = "micrometres" if unit == "um" else "level-0 pixels"
    return f"{what}, {'centres' if centres else 'top-left corners'} of tiles"


def _grid(
    fit: Fit,
    edge: tuple[float, float],
    pixels: int,
    tile_mpp: Known[float] | None,
    size: tuple[int, int],
) -> TileGrid:
    return TileGrid(
        cells=fit.cells,
        shape=fit.shape,
        origin_px0=fit.origin_px0,
        stride_px0=fit.stride_px0,
        size_px0=edge,
        tile_px=pixels,
        mpp=tile_mpp.value if tile_mpp else None,
        slide_size=size,
    )


def _fit_fact(fit: Fit) -> Fact:
    off = f"no tile moved by more than {max(fit.off_px0, 0.0):.2g} level-0 px"
    if fit.divided == 1:
        return Fact("grid", f"one grid, {off}", "worked out", "From the coordinates.")
    why = "The tiles do not lie on one grid (CLAM lays one for each contour): a finer one was laid."
    return Fact("grid", f"a grid {fit.divided} times finer, {off}", "worked out", why)


def _warnings(fit: Fit, edge: tuple[float, float]) -> tuple[str, ...]:
    found = []
    if fit.off_px0 > edge[0] / 12:
        found.append(
            f"Tiles had to be moved by up to {fit.off_px0:.0f} level-0 pixels to lie on a grid."
        )
    if len(np.unique(fit.cells, axis=0)) != len(fit.cells):
        found.append("Several tiles lie at the same place.")
    return tuple(found)


def _whole_slide(
    raw: RawTiles,
    size: tuple[int, int] | None,
    mpp: Known[tuple[float, float]] | None,
    facts: list[Fact],
) -> Placed:
    """One vector for the slide: one tile that covers all of it."""
    if raw.count != 1:
        raise FeatureError(
            f"It has {raw.count} vectors, and nothing says where they lie on the slide.",
            "Import it with its coordinates (for CLAM, name the folder of its patches).",
        )
    width, height = size or (WHOLE_SLIDE_PX, WHOLE_SLIDE_PX)
    edge = (float(width), float(height))
    grid = TileGrid(
        np.zeros((1, 2), np.int32), (1, 1), (0.0, 0.0), edge, edge, WHOLE_SLIDE_PX, None,
        (width, height),
    )  # fmt: skip
    why = "One vector for the whole slide (of a slide encoder): there is no attention to show."
    facts.append(Fact("tiles", "the whole slide is one tile", "stated", why))
    return Placed(grid, tuple(facts), mpp.value if mpp else None)


def place_exactly(features: Features) -> Placed:
    """The grid of a file of our own, as it is."""
    grid = features.grid
    why = "The file holds the exact grid."
    mpp = features.slide_mpp
    facts = (
        Fact("slide scale", _mpp_text(mpp) if mpp else "not known", "stated", why),
        Fact("tile edge on the slide", _edge_text(grid.size_px0), "stated", why),
        Fact("tile as the encoder saw it", f"{grid.tile_px} px", "stated", why),
        Fact("tile scale", _mpp_one(grid.mpp) if grid.mpp else "level-0 pixels", "stated", why),
        Fact("grid", "exact", "stated", why),
    )
    return Placed(grid, facts, mpp)
