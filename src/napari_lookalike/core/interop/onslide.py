"""Whether imported tiles lie where tissue is: what catches a wrong scale or the wrong slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import TissueError
from napari_lookalike.core.interop.report import Fact
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.tiles import TileGrid
from napari_lookalike.core.tissue import TissueMask, TissueSettings, find_tissue

ENOUGH = 0.25
"""Share of a tile that must be tissue for the tile to count as lying on tissue."""

FEW_TILES = 0.7
LITTLE_TISSUE = 0.25


@dataclass(frozen=True)
class OnSlide:
    """How imported tiles lie on their slide.

    Parameters
    ----------
    facts
        Lines for the report.
    warnings
        Sentences about what looks wrong.
    problem
        Why they cannot be of this slide; empty if they can.
    """

    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""


def check_size(grid: TileGrid, size: tuple[int, int], stated: tuple[int, int] | None) -> OnSlide:
    """Whether the tiles lie within a slide of that size.

    Parameters
    ----------
    grid
        Where the tiles lie.
    size
        (width, height) of the slide here, level-0 pixels.
    stated
        The size that the imported file gives, if it does.
    """
    if stated is not None and stated != size:
        return OnSlide(
            problem=(
                f"The file is of a slide of {stated[0]} x {stated[1]} pixels; "
                f"this one has {size[0]} x {size[1]}. Check which slide it belongs to."
            )
        )
    centres = grid.corners_px0 + np.asarray(grid.size_px0) / 2
    inside = ((centres >= 0) & (centres < np.asarray(size))).all(axis=1)
    share = float(inside.mean())
    fact = Fact("tiles on the slide", f"{100 * share:.0f} %", "measured", "By the slide's size.")
    if share < 1:
        return OnSlide(
            (fact,),
            problem=(
                f"{int((~inside).sum())} of {len(grid)} tiles lie beyond the slide's edge: the "
                "scale, the unit of the coordinates, or the slide is wrong."
            ),
        )
    return OnSlide((fact,))


def check_tissue(slide: Slide, grid: TileGrid, settings: TissueSettings) -> OnSlide:
    """How many tiles lie on tissue, and how much of the tissue lies under tiles.

    Tiles at half their true scale all lie in one quarter of the slide; many of them may
    still lie on tissue, but then little of the tissue lies under them. Hence both.

    Parameters
    ----------
    slide
        The open slide.
    grid
        Where the tiles lie.
    settings
        Thresholds of the tissue mask.
    """
    try:
        tissue = find_tissue(slide, settings)
    except TissueError:
        return OnSlide(warnings=("No tissue was found on the slide, so nothing could be checked.",))
    on, covered = tissue_shares(tissue, grid)
    why = f"A tile counts if {100 * ENOUGH:.0f} % of it is tissue by this project's thresholds."
    facts = (
        Fact("tiles on tissue", f"{100 * on:.0f} %", "measured", why),
        Fact("tissue under tiles", f"{100 * covered:.0f} %", "measured", "Of the tissue's area."),
    )
    warnings = []
    if on < FEW_TILES:
        warnings.append(
            f"Only {100 * on:.0f} % of the tiles lie on tissue: check the scale, the unit of the "
            "coordinates, and that this is the right slide."
        )
    elif covered < LITTLE_TISSUE:
        warnings.append(
            f"The tiles cover only {100 * covered:.0f} % of the tissue: check the scale, or "
            "whether the features are of a part of the slide."
        )
    return OnSlide(facts, tuple(warnings))


def tissue_shares(tissue: TissueMask, grid: TileGrid) -> tuple[float, float]:
    """(share of tiles on tissue, share of tissue under tiles), each 0 to 1."""
    mask = tissue.mask
    left, top, right, bottom = _boxes(grid, tissue.downsample_xy, mask.shape)
    table = np.pad(np.cumsum(np.cumsum(mask, axis=0), axis=1), ((1, 0), (1, 0)))
    inside = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    area = np.maximum((right - left) * (bottom - top), 1)
    corners = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    for row, column, sign in (
        (top, left, 1),
        (bottom, right, 1),
        (top, right, -1),
        (bottom, left, -1),
    ):
        np.add.at(corners, (row, column), sign)
    under = np.cumsum(np.cumsum(corners, axis=0), axis=1)[:-1, :-1]
    covered = float((mask & (under > 0)).sum() / max(int(mask.sum()), 1))
    return float((inside / area >= ENOUGH).mean()), covered


def _boxes(
    grid: TileGrid, down: tuple[float, float], shape: tuple[int, int]
) -> tuple[NDArray[np.intp], ...]:
    """Left, top, right and bottom of every tile in pixels of the mask."""
    first = grid.corners_px0 / np.asarray(down)
    last = (grid.corners_px0 + np.asarray(grid.size_px0)) / np.asarray(down)
    most = np.asarray([shape[1], shape[0]])
    first = np.clip(np.rint(first), 0, most).astype(np.intp)
    last = np.clip(np.maximum(np.rint(last), first + 1), 0, most).astype(np.intp)
    return first[:, 0], first[:, 1], last[:, 0], last[:, 1]
