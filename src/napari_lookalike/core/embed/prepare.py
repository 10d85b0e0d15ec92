"""What must be known of a slide before its tiles are encoded: tissue, grid, stain, encoder."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.plan import Plan, read_plan
from napari_lookalike.core.encoders.base import Colours, Encoder
from napari_lookalike.core.errors import FeatureError, TissueError
from napari_lookalike.core.feature_folder import stained_identity
from napari_lookalike.core.normalise import StainFit, fit_stain, stain_from_json
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.tiles import TileGrid, check_scale, make_grid, read_tiles
from napari_lookalike.core.tissue import TissueSettings, find_tissue

SAMPLE: Final = 64
"""Tiles that a stain normalisation, or an encoder that is fitted to a slide, looks at."""

_OF_EACH: Final = 4
"""The order begins with two by two neighbours, of which the sample takes one."""


@dataclass(frozen=True)
class Prepared:
    """A slide ready to be encoded.

    Parameters
    ----------
    plan
        What its features will be features of.
    encoder
        The encoder, fitted to the slide if it can be.
    colours
        The stain normalisation, fitted to the slide; ``None`` for none.
    """

    plan: Plan
    encoder: Encoder
    colours: Colours | None = None


def prepare_slide(
    slide: Slide,
    slide_id: str,
    encoder: Encoder,
    *,
    tissue: TissueSettings | None = None,
    level0_tiles: bool = False,
    stain: str = "none",
    h_and_e: bool = False,
    store: Path | None = None,
    job: Job = SILENT,
) -> Prepared:
    """Find the tissue of a slide, lay its grid, and fit what is fitted to a slide.

    Parameters
    ----------
    slide, slide_id, encoder, tissue, level0_tiles, job
        As for `embed_slide`.
    stain
        Name of a stain normalisation (`core.normalise`).
    h_and_e
        Whether the slide is known to be stained with H&E; see `fit_stain`.
    store
        Folder of its parts, if it was begun before: the stain fit of then is taken, so that
        all tiles are normalised alike also if the fit's last digits depend on the machine.

    Returns
    -------
    Prepared

    Raises
    ------
    ScaleError, TissueError, RegionError, EncoderError
        As `embed_slide`.
    """
    tissue = tissue or TissueSettings()
    grid = tile_grid(slide, encoder, tissue, level0_tiles, job, slide_id)
    scale = slide.scale
    known = scale.mpp_x is not None and scale.mpp_y is not None
    plan = Plan(
        slide_id=slide_id,
        fingerprint=slide.fingerprint,
        encoder=stained_identity(encoder.identity, stain),
        dim=encoder.spec.dim,
        grid=grid,
        slide_mpp=(scale.mpp_x or 0.0, scale.mpp_y or 0.0) if known else None,
        tissue=json.dumps(asdict(tissue), sort_keys=True),
    )
    fits = type(encoder).for_slide is not Encoder.for_slide
    if stain == "none" and not fits:
        return Prepared(plan, encoder)
    job.step(0, 0, f"{slide_id}: looking at its stain")
    sample = read_tiles(slide, grid, spread_sample(grid).tolist())
    fit = _fitted_before(plan, stain, store) or fit_stain(sample, stain, h_and_e=h_and_e)
    plan = dataclasses.replace(plan, stain=fit.to_json())
    colours = None if fit.method == "none" else fit
    fitted = encoder.for_slide(sample if colours is None else np.asarray(fit(sample)))
    return Prepared(plan, fitted, colours)


def prepared_again(plan: Plan, slide: Slide, encoder: Encoder) -> Prepared:
    """From a plan that another process made: nothing is looked for or fitted anew.

    Parameters
    ----------
    plan
        As it stands in the folder of parts.
    slide
        The open slide.
    encoder
        The encoder, not yet fitted to the slide.
    """
    fit = stain_from_json(plan.stain)
    colours = None if fit.method == "none" else fit
    if type(encoder).for_slide is Encoder.for_slide:
        return Prepared(plan, encoder, colours)
    sample = read_tiles(slide, plan.grid, spread_sample(plan.grid).tolist())
    return Prepared(plan, encoder.for_slide(np.asarray(fit(sample))), colours)


def tile_grid(
    slide: Slide,
    encoder: Encoder,
    tissue: TissueSettings,
    level0_tiles: bool,
    job: Job,
    slide_id: str,
) -> TileGrid:
    """Tiles over the tissue of a slide; raises `TissueError` if there are none."""
    mpp = None if level0_tiles else encoder.spec.mpp
    check_scale(slide, mpp)  # before the work of finding tissue
    job.step(0, 0, f"{slide_id}: finding its tissue")
    grid = make_grid(
        slide,
        find_tissue(slide, tissue),
        tile_px=encoder.spec.tile_px,
        mpp=mpp,
        min_tissue=tissue.min_tissue,
        max_pen=tissue.max_pen,
    )
    if not len(grid):
        raise TissueError(
            f"No tile is at least {tissue.min_tissue:.0%} tissue.",
            "Lower the share of tissue that a tile needs, or exclude the slide.",
        )
    return grid


def spread_sample(grid: TileGrid) -> NDArray[np.int64]:
    """Up to 64 tiles spread over the tissue, always the same ones."""
    order = coarse_to_fine(grid)
    if len(order) <= SAMPLE * _OF_EACH:
        return order[:: max(1, -(-len(order) // SAMPLE))]
    return order[: SAMPLE * _OF_EACH : _OF_EACH]


def _fitted_before(plan: Plan, stain: str, store: Path | None) -> StainFit | None:
    """The fit of a run that was broken off, if all else is as it was."""
    before = None if store is None else read_plan(store)
    if before is None or dataclasses.replace(before, stain="").digest != plan.digest:
        return None
    try:
        fit = stain_from_json(before.stain)
    except FeatureError:
        return None
    return fit if fit.asked == stain else None
