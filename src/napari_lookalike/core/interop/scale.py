"""How large a peer's tiles are and at which scale: from the surest source that there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError, ScaleError
from napari_lookalike.core.features_file import magnification
from napari_lookalike.core.interop.fit import usual_step
from napari_lookalike.core.interop.raw import PIXELS, ImportOptions, RawTiles, Unit
from napari_lookalike.core.interop.report import Fact, Known


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


def find_slide_mpp(raw: RawTiles, slide: SlideFacts) -> Known[tuple[float, float]] | None:
    """µm per level-0 pixel (x, y): what this machine knows goes before what the file says."""
    if slide.mpp is not None:
        return slide.mpp
    if raw.slide_mpp is not None:
        mpp = raw.slide_mpp.value
        return Known((mpp, mpp), raw.slide_mpp.how, raw.slide_mpp.why)
    return None


def find_unit(raw: RawTiles, options: ImportOptions) -> Known[Unit]:
    """Unit of the coordinates."""
    if options.unit is not None:
        return Known(options.unit, "given", "You said so.")
    if raw.unit is not None:
        return raw.unit
    return Known(PIXELS, "guessed", "Most programs count in level-0 pixels; the file is silent.")


def pixels_per_unit(unit: str, mpp: Known[tuple[float, float]] | None) -> NDArray[np.float64]:
    """Level-0 pixels (x, y) per unit of the coordinates."""
    if unit == "px0":
        return np.ones(2)
    if mpp is None:
        raise ScaleError(
            "Its coordinates are in micrometres, but the slide's scale is not known.",
            "Give the slide's mpp in the table of Project, then import again.",
        )
    return 1.0 / np.asarray(mpp.value, np.float64)


def find_edge(
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


def find_tile_px(
    raw: RawTiles, options: ImportOptions, edge: Known[tuple[float, float]]
) -> Known[int]:
    """Edge of a tile in pixels as the encoder saw it."""
    if options.tile_px:
        return Known(options.tile_px, "given", "You said so.")
    if raw.tile_px:
        return raw.tile_px
    if raw.mpp is None and round(edge.value[0]) % 224 == 0:
        return Known(224, "guessed", "The tile's edge is a multiple of 224, a usual input.")
    why = "As large as on the slide: the file does not say whether tiles were made smaller."
    return Known(max(1, round(edge.value[0])), "guessed", why)


def find_tile_mpp(
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


def find_stride(
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


def extent_of(corners: NDArray[np.float64], edge: tuple[float, float]) -> tuple[int, int]:
    """(width, height) that holds all tiles, level-0 pixels."""
    right, bottom = (corners + np.asarray(edge)).max(axis=0)
    return int(np.ceil(right)), int(np.ceil(bottom))
