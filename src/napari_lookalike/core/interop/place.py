"""Puts a peer's tiles on the slide: units, tile size, scale and grid, each with how it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError, ScaleError
from napari_lookalike.core.features import Features
from napari_lookalike.core.features_file import magnification
from napari_lookalike.core.interop.fit import Fit, fit_grid, usual_step
from napari_lookalike.core.interop.raw import PIXELS, ImportOptions, RawTiles
from napari_lookalike.core.interop.report import Fact, Known
from napari_lookalike.core.tiles import TileGrid

WHOLE_SLIDE_PX = 224
"""Edge to which the whole slide is taken as one tile, where a file has one vector for it."""


@dataclass(frozen=True)
class SlideFacts:
    """What this machine knows of the slide.

    Parameters
    ----------
    size
        (width, height) of level 0; ``None`` if the file is not here.
    mpp
        µm per level-0 pixel (x, y), with how it is known; ``None`` if nobody knows.
    """

    size: tuple[int, int] | None = None
    mpp: Known[tuple[float, float]] | None = None


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
    mpp = _slide_mpp(raw, slide)
    facts = [_fact("slide scale", mpp, _mpp_text)] if mpp else [_no_scale()]
    size = slide.size or (raw.slide_size.value if raw.slide_size else None)
    if raw.places is None:
        return _whole_slide(raw, size, mpp, facts)
    if not len(raw.places) or len(raw.places) != raw.count:
        raise FeatureError(
            f"It has {raw.count} vectors, but {len(raw.places)} coordinates.",
            "Import the file that belongs to these coordinates.",
        )
    unit = _unit(raw, options)
    scale = _per_unit(unit.value, mpp)
    places = raw.places * scale
    edge = _edge(raw, options, mpp, places)
    corners = places - np.asarray(edge.value) / 2 if raw.centres else places
    pixels = _tile_px(raw, options, edge)
    tile_mpp = _tile_mpp(raw, edge, pixels, mpp)
    stride, overlap = _stride(raw, edge.value, corners)
    fit = fit_grid(corners, stride)
    grid = _grid(fit, edge.value, pixels.value, tile_mpp, size or _extent(corners, edge.value))
    facts += [
        Fact("coordinates", _unit_text(unit.value, raw.centres), unit.how, unit.why),
        _fact("tile edge on the slide", edge, _edge_text),
        _fact("tile as the encoder saw it", pixels, lambda px: f"{px} px"),
        _fact("tile scale", tile_mpp, _mpp_one) if tile_mpp else _level0(),
        overlap,
        _fit_fact(fit),
    ]
    return Placed(grid, tuple(facts), mpp.value if mpp else None, _warnings(fit, edge.value))


def _fact(field: str, known: Known, show) -> Fact:  # type: ignore[no-untyped-def, type-arg]
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


def _slide_mpp(raw: RawTiles, slide: SlideFacts) -> Known[tuple[float, float]] | None:
    if slide.mpp is not None:
        return slide.mpp
    if raw.slide_mpp is not None:
        mpp = raw.slide_mpp.value
        return Known((mpp, mpp), raw.slide_mpp.how, raw.slide_mpp.why)
    return None


def _unit(raw: RawTiles, options: ImportOptions) -> Known:  # type: ignore[type-arg]
    if options.unit is not None:
        return Known(options.unit, "given", "You said so.")
    if raw.unit is not None:
        return raw.unit
    return Known(PIXELS, "guessed", "Most programs count in level-0 pixels; the file is silent.")


def _per_unit(unit: str, mpp: Known[tuple[float, float]] | None) -> NDArray[np.float64]:
    if unit == "px0":
        return np.ones(2)
    if mpp is None:
        raise ScaleError(
            "Its coordinates are in micrometres, but the slide's scale is not known.",
            "Give the slide's mpp in the table of Project, then import again.",
        )
    return 1.0 / np.asarray(mpp.value, np.float64)


def _edge(
    raw: RawTiles,
    options: ImportOptions,
    mpp: Known[tuple[float, float]] | None,
    places: NDArray[np.float64],
) -> Known[tuple[float, float]]:
    """Edge of a tile in level-0 pixels (x, y): from the surest source there is."""
    if options.tile_px0:
        return Known((options.tile_px0, options.tile_px0), "given", "You said so.")
    if options.tile_um and mpp:
        x, y = mpp.value
        why = f"You gave {options.tile_um:g} µm."
        return Known((options.tile_um / x, options.tile_um / y), "given", why)
    if raw.tile_px0:
        edge = raw.tile_px0.value
        return Known((edge, edge), raw.tile_px0.how, raw.tile_px0.why)
    if raw.tile_um and mpp:
        x, y = mpp.value
        why = f"{raw.tile_um.why} That is {raw.tile_um.value:g} µm at this slide's scale."
        how = raw.tile_um.how if raw.tile_um.how == "guessed" else "worked out"
        return Known((raw.tile_um.value / x, raw.tile_um.value / y), how, why)
    step = usual_step(places)
    if step is None:
        raise FeatureError(
            "Nothing says how large its tiles are.",
            "Give the edge of a tile (--tile-px0 in level-0 pixels, or --tile-um).",
        )
    why = "The usual distance between neighbours, supposing that tiles touch without overlap."
    return Known((step, step), "guessed", why)


def _tile_px(raw: RawTiles, options: ImportOptions, edge: Known[tuple[float, float]]) -> Known[int]:
    if options.tile_px:
        return Known(options.tile_px, "given", "You said so.")
    if raw.tile_px:
        return raw.tile_px
    if raw.mpp is None and round(edge.value[0]) % 224 == 0:
        return Known(224, "guessed", "The tile's edge is a multiple of 224, a usual input.")
    why = "As large as on the slide: the file does not say whether tiles were made smaller."
    return Known(max(1, round(edge.value[0])), "guessed", why)


def _tile_mpp(
    raw: RawTiles,
    edge: Known[tuple[float, float]],
    pixels: Known[int],
    mpp: Known[tuple[float, float]] | None,
) -> Known[float] | None:
    """µm per pixel of a tile, near a nominal objective taken to it, as TRIDENT does.

    Slides of one scanner differ in the third digit of their mpp; features of tiles that
    were cut by level-0 pixels could else never be trained on together.
    """
    if raw.mpp is not None:
        return raw.mpp
    if mpp is None:
        return None
    exact = sum(e * m for e, m in zip(edge.value, mpp.value, strict=True)) / 2 / pixels.value
    nominal = 10.0 / magnification(exact)
    why = f"{edge.value[0]:.6g} level-0 px become {pixels.value} px."
    if abs(nominal / exact - 1) > 1e-3:
        why += f" Exactly {exact:.4g} µm; taken to the nominal value, so that slides go together."
    sure = "guessed" not in (edge.how, pixels.how)
    return Known(nominal, "worked out" if sure else "guessed", why)


def _stride(
    raw: RawTiles, edge: tuple[float, float], corners: NDArray[np.float64]
) -> tuple[tuple[float, float], Fact]:
    """The (x, y) distance of neighbours, and what to say of the overlap."""
    if raw.overlap is not None:
        shown = f"{100 * raw.overlap:.3g} % of the edge" if raw.overlap else "none"
        fact = Fact("overlap of tiles", shown, "stated", "The file says so.")
        return (edge[0] * (1 - raw.overlap), edge[1] * (1 - raw.overlap)), fact
    step = usual_step(np.rint(corners))
    if step is None or step > edge[0] * 0.99 or step < edge[0] * 0.05:
        fact = Fact("overlap of tiles", "none", "worked out", "Neighbours lie an edge apart.")
        return edge, fact
    share = 1 - step / edge[0]
    fact = Fact(
        "overlap of tiles",
        f"{100 * share:.3g} % of the edge",
        "worked out",
        "From the usual distance between neighbours.",
    )
    return (step, step * edge[1] / edge[0]), fact


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


def _extent(corners: NDArray[np.float64], edge: tuple[float, float]) -> tuple[int, int]:
    right, bottom = (corners + np.asarray(edge)).max(axis=0)
    return int(np.ceil(right)), int(np.ceil(bottom))


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
