"""Two slides of a project: their top tiles, and which tiles of the two look alike.

Features are compared as the project's encoder made them, standardised over the cohort (the
two slides, and a spread of others), so that 0 means "no more alike than any two tiles".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.attention import attention_weights, top_tiles
from napari_lookalike.core.errors import FeatureError, LookalikeError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.core.tiles import TileGrid
from napari_lookalike.core.twin.matching import (
    ROWS,
    Match,
    best_matches,
    candidates,
    moments,
)
from napari_lookalike.core.twin.reading import FeatureRows

OTHERS, SAMPLE = 14, 256
"""Further slides whose tiles count for the mean and the scale, and tiles of each slide."""

TOP = 5
"""Most attended places that are kept per slide: where it opens, and where to go next."""


@dataclass(frozen=True, eq=False)
class SideTiles:
    """One of the two slides.

    Parameters
    ----------
    slide_id
        The slide.
    grid
        Its tiles; ``None`` if it has no features.
    top
        Indices of its most attended tiles, spread over the slide; empty without attention.
    missing
        What it lacks and how to get it, as a sentence; empty if nothing.
    """

    slide_id: str
    grid: TileGrid | None = None
    top: tuple[int, ...] = ()
    missing: str = ""

    def region(self, tile: int) -> Region:
        """Where a tile lies, level-0 pixels."""
        if self.grid is None:
            raise FeatureError("It has no features yet.", "Embed the slide first.", self.slide_id)
        return self.grid.region(tile)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is known of two slides beside each other.

    Parameters
    ----------
    a, b
        The slides.
    rows
        Tiles that look alike, best first: `Match.a` and `Match.b` index the slides' grids.
    by_attention
        Whether only highly attended tiles were compared; else tiles from all over.
    """

    a: SideTiles
    b: SideTiles
    rows: tuple[Match, ...] = ()
    by_attention: bool = False


@dataclass(frozen=True, eq=False)
class _Side:
    tiles: SideTiles
    picked: NDArray[np.intp]
    features: NDArray[np.float32]
    sample: NDArray[np.float32]
    weights: NDArray[np.float64] | None


def compare_slides(
    project: Project, results: ModelResults | None, a: str, b: str, *, rows: int = ROWS
) -> Comparison:
    """Which areas of two slides look alike. Reads some rows of the feature files only.

    Parameters
    ----------
    project
        The project.
    results
        What the model in use says, for its attention; ``None`` = there is no model.
    a, b
        slide_ids.
    rows
        Rows wanted at most.

    Returns
    -------
    Comparison
        Without rows where a slide has no features; `SideTiles.missing` says what to do.
    """
    first, second = (_read(project, results, s) for s in (a, b))
    if not isinstance(first, _Side) or not isinstance(second, _Side):
        tiles = [s.tiles if isinstance(s, _Side) else s for s in (first, second)]
        return Comparison(tiles[0], tiles[1])
    attended = first.weights is not None and second.weights is not None
    if first.features.shape[1] != second.features.shape[1]:
        other = "Its features are by another encoder than the other slide's: embed both again."
        return Comparison(first.tiles, replace(second.tiles, missing=other), (), attended)
    dim = first.features.shape[1]
    mean, scale = moments((first.sample, second.sample, *_others(project, (a, b), dim)))
    found = best_matches(
        first.features,
        second.features,
        _places(first),
        _places(second),
        mean=mean,
        scale=scale,
        rows=rows,
    )
    matches = tuple(replace(m, a=int(first.picked[m.a]), b=int(second.picked[m.b])) for m in found)
    return Comparison(first.tiles, second.tiles, matches, attended)


def _read(project: Project, results: ModelResults | None, slide_id: str) -> _Side | SideTiles:
    """A slide's candidates and their features, or what it lacks."""
    try:
        with FeatureRows(project.features_path(slide_id), slide_id) as file:
            grid = file.grid
            weights, missing = _attention(results, slide_id, len(grid))
            picked = candidates(len(grid), weights)
            top = () if weights is None else tuple(top_tiles(weights, TOP, grid).tolist())
            tiles = SideTiles(slide_id, grid, top, missing)
            sample = file.rows(candidates(len(grid), None, SAMPLE))
            if not len(grid):
                return replace(tiles, missing="No tissue was found on it.")
            return _Side(tiles, picked, file.rows(picked), sample, weights)
    except LookalikeError as error:  # it is shown all the same, and says what it lacks
        return SideTiles(slide_id, missing=f"{error.what} {error.remedy}".strip())


def _attention(
    results: ModelResults | None, slide_id: str, n: int
) -> tuple[NDArray[np.float64] | None, str]:
    result = results.slides.get(slide_id) if results is not None else None
    if result is None:
        return None, "No model has spoken of it yet: there are no top tiles."
    if result.attention_logits.shape[1] != n:
        return None, (
            "It was embedded again after the model spoke, so its attention no longer fits: "
            "train again to see top tiles."
        )
    return attention_weights(_branch(result)), ""


def _branch(result: SlideResult) -> NDArray[np.float32]:
    """The attention for the predicted subtype, where a head has one a subtype."""
    several = len(result.attention_logits) > 1
    return np.asarray(result.attention_logits[int(result.ranking[0]) if several else 0])


def _places(side: _Side) -> NDArray[np.float64]:
    """(n, 2) corners of the compared tiles, in tile edges."""
    grid = side.tiles.grid
    assert grid is not None  # a `_Side` has one
    return np.asarray(grid.corners_px0[side.picked] / np.asarray(grid.size_px0))


def _others(project: Project, but: Iterable[str], dim: int) -> list[NDArray[np.float32]]:
    """Tiles of other slides, spread over the cohort: what tiles of this encoder look like."""
    ids = [s.slide_id for s in project.cohort if s.slide_id not in tuple(but) and not s.excluded]
    found = []
    for at in candidates(len(ids), None, OTHERS):
        try:
            with FeatureRows(project.features_path(ids[at]), ids[at]) as file:
                rows = file.rows(candidates(len(file.grid), None, SAMPLE))
        except LookalikeError:  # not embedded, or damaged: the others do
            continue
        if len(rows) and rows.shape[1] == dim:
            found.append(rows)
    return found
