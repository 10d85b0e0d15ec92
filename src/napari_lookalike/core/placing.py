"""Puts new slides on a map that is there, without moving the slides that are on it.

A map that is computed anew whenever a slide comes moves every slide, and nobody finds
anything again. UMAP's own way to place new points (its transform) is used; its fitted state is
not kept on disk (it is a pickle, which runs code when it is opened), but made again from the
embeddings and the points that are kept.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from napari_lookalike.core.projection import (
    LEAST_FOR_UMAP,
    MIN_DIST,
    NEIGHBOURS,
    Points,
    components,
    keep_compiled,
    silence_umap,
    umap_axes,
    unit_embeddings,
)
from napari_lookalike.core.results import ModelResults, Projection

PLACED = "placed"
"""Key in `Projection.parameters`: slide_ids that were placed, and had no part in the map."""
MOST_PLACED = 0.5
"""Share of the slides that made the map; with more new ones it is computed anew."""


def fitted_ids(shown: Projection) -> tuple[str, ...]:
    """The slides that made a map, in its order; those placed later are left out."""
    placed = set(shown.parameters.get(PLACED, ()))
    return tuple(s for s in shown.slide_ids if s not in placed)


def can_place(results: ModelResults, shown: Projection) -> bool:
    """Whether the slides that the map lacks can be placed on it.

    They can if every slide that made the map is still there, and they are not too many.
    Whether their embeddings are still the same is the caller's to know.
    """
    fitted = fitted_ids(shown)
    if len(fitted) < LEAST_FOR_UMAP or not all(s in results.slides for s in fitted):
        return False
    return len(results.slides) - len(fitted) <= MOST_PLACED * len(fitted)


def place(results: ModelResults, shown: Projection, seed: int = 0) -> Projection:
    """A map with the slides that it lacks.

    Parameters
    ----------
    results
        What the model of the map says now, of more slides.
    shown
        The map.
    seed
        Of UMAP.

    Returns
    -------
    Projection
        Every slide of ``results``, in their order. Slides that were on the map are where
        they were; the others are named in the parameters.
    """
    at = dict(zip(shown.slide_ids, np.asarray(shown.points, np.float64), strict=True))
    ids, fitted = tuple(results.slides), fitted_ids(shown)
    new = [s for s in ids if s not in at]
    row = {slide_id: i for i, slide_id in enumerate(ids)}
    vectors = unit_embeddings(results)
    if new:
        known, unknown = vectors[[row[s] for s in fitted]], vectors[[row[s] for s in new]]
        places = np.array([at[s] for s in fitted])
        with threadpool_limits(1):
            if shown.parameters.get("method", shown.method) == "umap":
                found = _by_umap(known, places, unknown, seed)
            else:
                found = _by_components(known, places, unknown)
        at |= dict(zip(new, found, strict=True))
    points = np.array([at[s] for s in ids]).reshape(-1, 2).astype(np.float32)
    made = set(fitted)
    parameters = {**shown.parameters, PLACED: [s for s in ids if s not in made]}
    return Projection(results.version, shown.method, ids, points, parameters)


def _by_umap(known: Points, places: Points, unknown: Points, seed: int) -> Points:
    axes = umap_axes(known).T
    k = max(2, min(NEIGHBOURS, len(known) - 1))
    with warnings.catch_warnings():
        silence_umap()
        import umap

        keep_compiled()
        # No epochs: the graph of the known slides is made, and their points are not moved.
        reducer: Any = umap.UMAP(
            n_neighbors=k,
            min_dist=MIN_DIST,
            metric="cosine",
            init=np.asarray(places, np.float32),
            n_epochs=0,
            random_state=seed,
            transform_seed=seed,
            n_jobs=1,
        )
        reducer.fit(np.asarray(known @ axes, np.float32))
        reducer.n_epochs = None
        # It scales a given start to ten by ten: give it back what is on the screen.
        reducer.embedding_ = np.ascontiguousarray(places, np.float32)
        moved = reducer.transform(np.asarray(unknown @ axes, np.float32))
    return np.asarray(moved, np.float64)


def _by_components(known: Points, places: Points, unknown: Points) -> Points:
    """On a PCA map: the same linear map, which the known slides tell."""
    mean = known.mean(axis=0)
    axes = components(known - mean, 2).T
    scores = np.column_stack([(known - mean) @ axes, np.ones(len(known))])
    linear = np.linalg.lstsq(scores, places, rcond=None)[0]
    return np.asarray(np.column_stack([(unknown - mean) @ axes, np.ones(len(unknown))]) @ linear)
