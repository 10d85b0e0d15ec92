"""Where slides go on the map while a model is being fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.projection import unit_embeddings
from napari_lookalike.core.results import ModelResults, Projection

DAMPING = 0.01
"""Ridge of the linear reading of the map, as a share of the largest variance."""


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """Slide embeddings in the middle of a training.

    Parameters
    ----------
    slide_ids
        (n,) the slides.
    embeddings
        float32 (n, embed_dim) now, in the space of the final network.
    start
        float32 (n, embed_dim) the same slides by the network that the training began with,
        looked at in the same way. ``None``: these are held-out answers, and what the former
        model said of these slides is their start.
    held_out
        Whether the network that says this never saw these patients.
    """

    slide_ids: tuple[str, ...]
    embeddings: NDArray[np.float32]
    start: NDArray[np.float32] | None
    held_out: bool


class LiveMap:
    """The map of the former model, on which slides move as a training moves them.

    UMAP has no formula for a new point that is quick enough, and a new map in every pass
    would jump. So the map is read as a linear function of the embedding (ridge regression of
    the points on the unit embeddings), and a slide is shown where it was, plus that function
    of how its embedding moved. Nothing moves before something was learnt. It is a picture of
    the direction; figures come from held-out slides at the end.

    Parameters
    ----------
    results
        What the former model says.
    projection
        Its map.
    """

    def __init__(self, results: ModelResults, projection: Projection) -> None:
        self.base = projection
        place = {s: i for i, s in enumerate(results.slides)}
        self._row = {s: i for i, s in enumerate(projection.slide_ids) if s in place}
        self._before = unit_embeddings(results)
        self._place = place
        self._points = np.asarray(projection.points, np.float64).copy()
        known = list(self._row)
        self._linear = _linear(
            self._before[[place[s] for s in known]], self._points[[self._row[s] for s in known]]
        )

    def move(self, frame: LiveFrame) -> Projection:
        """The map with the slides of a frame where they are now; the others stay.

        Slides that the former map lacks are passed over, as is a frame of another length
        (another network).
        """
        at = [(i, s) for i, s in enumerate(frame.slide_ids) if s in self._row]
        if at and frame.embeddings.shape[1] == len(self._linear):
            take = [i for i, _ in at]
            now = _unit(frame.embeddings[take])
            if frame.start is None:
                start = self._before[[self._place[s] for _, s in at]]
            else:
                start = _unit(frame.start[take])
            rows = [self._row[s] for _, s in at]
            were = np.asarray(self.base.points, np.float64)[rows]
            self._points[rows] = were + (now - start) @ self._linear
        base = self.base
        return Projection(
            base.version,
            base.method,
            base.slide_ids,
            self._points.astype(np.float32),
            {**base.parameters, "live": True},
        )


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = np.asarray(vectors, np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1.0))


def _linear(vectors: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(dim, 2) by which centred embeddings (n, dim) give the centred points (n, 2) best."""
    if not len(vectors):
        return np.zeros((vectors.shape[1], 2))
    x, y = vectors - vectors.mean(axis=0), points - points.mean(axis=0)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    if not s.max(initial=0.0):
        return np.zeros((vectors.shape[1], 2))
    shrunk = s / (s**2 + DAMPING * s.max() ** 2)
    return np.asarray((vt.T * shrunk) @ (u.T @ y))
