"""Slide embeddings in two dimensions, and how to lay one map over another.

Distances on a UMAP are not distances between slides: figures are computed in the
embedding space, never on the map.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from napari_lookalike.core.results import ModelResults, Projection

Method = Literal["pca", "umap"]
Points = NDArray[np.float64]

NEIGHBOURS = 15
MIN_DIST = 0.3
"""umap-learn's 0.1 piles a few dozen slides on one another, where nobody can click them."""
PCA_ABOVE = 50
"""UMAP first reduces longer embeddings to so many principal components."""
DENSE = 64
"""Smaller side of the embeddings up to which all components are computed."""
LEAST_FOR_UMAP = 5
"""With fewer slides a neighbour graph means nothing: PCA is shown instead."""
LEAST_FOR_ALIGN = 2
FROM_FORMER = {"learning_rate": 0.1, "n_epochs": 200}
"""UMAP from a former map: with its usual steps (1.0) it shuffles clusters as much as from
scratch, by about 0.3 of the map's width even where no embedding changed. With these, that
is about 0.1, and as many neighbours are kept."""


def project(
    results: ModelResults,
    method: Method = "umap",
    seed: int = 0,
    *,
    neighbours: int = NEIGHBOURS,
    align_to: Projection | None = None,
) -> Projection:
    """A map of every slide's embedding.

    Embeddings are brought to length 1 first, so that nearness is cosine. The same
    results, method and seed give the same map.

    Parameters
    ----------
    results
        What a model says of the slides.
    method
        "pca" (at once) or "umap" (its first run compiles for about ten seconds). With
        four slides or fewer "umap" shows PCA, and says so in the parameters.
    seed
        Of UMAP; it makes UMAP run in one thread.
    neighbours
        UMAP's neighbourhood; fewer where there are fewer slides.
    align_to
        A former map. UMAP starts from it, and the new map is turned, mirrored, scaled
        and shifted onto it by the slides that are in both, so that a slide that moved
        on the screen moved among its neighbours.

    Returns
    -------
    Projection
        Points of every slide in ``results``, in their order.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in ("pca", "umap"):
        raise ValueError(f"no projection is called {method!r}")
    # BLAS waits for its own threads where other processes have the cores: 20 times longer.
    with threadpool_limits(1):
        return _project(results, method, seed, neighbours, align_to)


def _project(
    results: ModelResults,
    method: Method,
    seed: int,
    neighbours: int,
    align_to: Projection | None,
) -> Projection:
    ids = tuple(results.slides)
    vectors = unit_embeddings(results)
    parameters: dict[str, Any] = {"seed": seed, "metric": "cosine", "normalised": True}
    used: str = method
    if method == "umap" and len(ids) < LEAST_FOR_UMAP:
        used = "pca"
        parameters["note"] = f"{len(ids)} slides are too few for UMAP: this is PCA."
    if used == "umap":
        points, more = _umap(vectors, seed, neighbours, _start(ids, vectors, align_to))
    else:
        points, more = _pca_map(vectors)
    parameters |= {"method": used, **more}
    if align_to is not None:
        points, alignment = _aligned(ids, points, align_to)
        parameters |= alignment
    return Projection(results.version, method, ids, points.astype(np.float32), parameters)


def unit_embeddings(results: ModelResults) -> Points:
    """(n_slides, embed_dim) embeddings brought to length 1, in the order of the results."""
    if not results.slides:
        return np.zeros((0, 2))
    vectors = np.array([s.embedding for s in results.slides.values()]).astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def pca(vectors: Points, k: int) -> tuple[Points, Points]:
    """Principal components, their signs fixed.

    Parameters
    ----------
    vectors
        (n, dim).
    k
        How many components; the rest is filled with zeros where there are fewer.

    Returns
    -------
    scores
        (n, k).
    explained
        (k,) share of the variance.
    """
    n = len(vectors)
    scores, explained = np.zeros((n, k)), np.zeros(k)
    if n < 2:
        return scores, explained
    centred = vectors - vectors.mean(axis=0)
    loadings = components(centred, k)
    m = len(loadings)
    # A component's sign is arbitrary: make its largest loading positive.
    largest = np.abs(loadings).argmax(axis=1)
    sign = np.where(loadings[np.arange(m), largest] < 0, -1.0, 1.0)
    scores[:, :m] = centred @ (loadings * sign[:, None]).T
    total = float((centred**2).sum())
    explained[:m] = (scores[:, :m] ** 2).sum(axis=0) / total if total else 0.0
    return scores, explained


def components(vectors: Points, k: int) -> Points:
    """The first right singular vectors, largest first.

    Parameters
    ----------
    vectors
        (n, dim); centre them first for principal components.
    k
        How many; fewer where there are fewer.

    Returns
    -------
    ndarray (k, dim)
        Of length 1; of arbitrary sign.
    """
    n, dim = vectors.shape
    side = min(n, dim)
    if side <= DENSE:
        return np.asarray(np.linalg.svd(vectors, full_matrices=False)[2][:k])
    # A few of many: from the smaller Gram matrix, 20 times faster than all of them.
    gram = vectors @ vectors.T if n <= dim else vectors.T @ vectors
    values, found = eigh(gram, subset_by_index=[max(0, side - k), side - 1])
    found = found[:, ::-1]
    if n > dim:
        return np.asarray(found.T)
    back = vectors.T @ found
    length = np.sqrt(np.maximum(values[::-1], 0.0))
    return np.asarray((back / np.where(length > 0, length, 1.0)).T)


def _pca_map(vectors: Points) -> tuple[Points, dict[str, Any]]:
    points, explained = pca(vectors, 2)
    return points, {"explained_variance": [round(float(e), 4) for e in explained]}


def _umap(
    vectors: Points, seed: int, neighbours: int, start: Points | None
) -> tuple[Points, dict[str, Any]]:
    n, dim = vectors.shape
    k = max(2, min(neighbours, n - 1))
    vectors = vectors @ umap_axes(vectors).T
    with warnings.catch_warnings():
        silence_umap()
        import umap

        keep_compiled()
        reducer = umap.UMAP(
            n_neighbors=k,
            min_dist=MIN_DIST,
            metric="cosine",
            init="spectral" if start is None else _spread(start, seed).astype(np.float32),
            **({} if start is None else FROM_FORMER),
            random_state=seed,
            n_jobs=1,
        )
        points = np.asarray(reducer.fit_transform(vectors.astype(np.float32)), np.float64)
    return points, {
        "neighbours": k,
        "min_dist": MIN_DIST,
        "pca_first": PCA_ABOVE if dim > PCA_ABOVE else 0,
        "init": "spectral" if start is None else "former map",
        **({} if start is None else FROM_FORMER),
        "umap_version": str(umap.__version__),
    }


def umap_axes(vectors: Points) -> Points:
    """(n_axes, dim) what UMAP's embeddings are reduced to first; all axes where they are few.

    Not centred: the cosines, which UMAP reads, stay what they are.
    """
    dim = vectors.shape[1]
    return components(vectors, PCA_ABOVE) if dim > PCA_ABOVE else np.eye(dim)


def keep_compiled() -> None:
    """Have numba keep what it compiles of umap-learn on the disk; call before the first map.

    umap-learn marks only one of its functions so. Compiling the others takes about ten
    seconds in every new process, which then finds them where numba keeps those of others.
    """
    import umap.layouts
    import umap.umap_
    from numba.core.registry import CPUDispatcher

    for module in (umap.layouts, umap.umap_):
        for found in tuple(vars(module).values()):
            if isinstance(found, CPUDispatcher):
                with suppress(RuntimeError):  # numba found no folder that it may write
                    found.enable_caching()


def silence_umap() -> None:
    """What umap-learn warns of and we know; call inside ``warnings.catch_warnings``."""
    ignore = warnings.filterwarnings
    # On import: its parametric variant, which we do not use, would need TensorFlow.
    ignore("ignore", "Tensorflow not installed", ImportWarning)
    # Cohorts of separate clusters: its fallback start is what we want.
    ignore("ignore", "(Graph is not fully connected|Spectral initialisation failed)", UserWarning)
    ignore("ignore", "Embedding a total of .* separate connected components", UserWarning)
    # umap-learn before 0.5.8 with scikit-learn 1.6 or newer.
    ignore("ignore", "'force_all_finite' was renamed", FutureWarning)


def _spread(start: Points, seed: int) -> Points:
    """The start with a hair of jitter: UMAP divides by its extent and dislikes equal points."""
    extent = float(np.ptp(start, axis=0).max()) or 1.0
    return start + np.random.default_rng(seed).normal(0.0, 1e-3 * extent, start.shape)


def _start(ids: tuple[str, ...], vectors: Points, former: Projection | None) -> Points | None:
    """Where each slide starts: where it was, a new slide where its nearest known one was."""
    mine, theirs = _common(ids, former)
    if former is None or len(mine) < LEAST_FOR_ALIGN:
        return None
    there = np.asarray(former.points, np.float64)[theirs]
    start = np.asarray(there[(vectors @ vectors[mine].T).argmax(axis=1)])
    start[mine] = there
    return start


def _common(ids: tuple[str, ...], former: Projection | None) -> tuple[list[int], list[int]]:
    """Indices of the slides in both, in this map and in the former one."""
    place = {s: i for i, s in enumerate(former.slide_ids)} if former is not None else {}
    mine = [i for i, s in enumerate(ids) if s in place]
    return mine, [place[ids[i]] for i in mine]


def _aligned(
    ids: tuple[str, ...], points: Points, former: Projection
) -> tuple[Points, dict[str, Any]]:
    mine, theirs = _common(ids, former)
    if len(mine) < LEAST_FOR_ALIGN:
        return points, {"aligned_to": "", "aligned_slides": len(mine)}
    target = np.asarray(former.points, np.float64)[theirs]
    moved = procrustes(points, points[mine], target)
    residual = float(np.sqrt(((moved[mine] - target) ** 2).sum(axis=1).mean()))
    return moved, {
        "aligned_to": former.version,
        "aligned_slides": len(mine),
        "rms_movement": round(residual, 4),
    }


def procrustes(points: Points, source: Points, target: Points) -> Points:
    """Turn, mirror, scale and shift points as best brings ``source`` onto ``target``.

    Rotation and reflection are the orthogonal Procrustes solution (Schönemann 1966).
    The scale makes both spreads equal. It is not the least-squares scale, which shrinks
    the map the more slides moved, and would make them all seem to gather.

    Parameters
    ----------
    points
        (m, 2) points to move.
    source, target
        (n, 2) the same slides in the map of ``points`` and in the other one.
    """
    from_mean, to_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - from_mean, target - to_mean
    u, _, vt = np.linalg.svd(a.T @ b)
    spread = float(np.linalg.norm(a))
    scale = float(np.linalg.norm(b)) / spread if spread > 0 else 1.0
    return np.asarray((points - from_mean) @ (u @ vt) * (scale or 1.0) + to_mean)


def neighbour_change(before: ModelResults, after: ModelResults, k: int = 5) -> dict[str, float]:
    """How much of each slide's neighbourhood another model changed.

    Measured in the embedding space (cosine) and not on the map, among the slides that
    are in both.

    Parameters
    ----------
    before, after
        What the two models say.
    k
        Neighbours to look at; fewer where there are fewer slides.

    Returns
    -------
    dict
        slide_id -> share of its k nearest neighbours before that are no longer among
        its k nearest after, 0 to 1. Empty with fewer than three slides in common.
    """
    ids = [s for s in after.slides if s in before.slides]
    k = min(k, len(ids) - 1)
    if len(ids) < 3 or k < 1:
        return {}
    was, now = _neighbours(before, ids, k), _neighbours(after, ids, k)
    return {slide_id: 1.0 - len(was[i] & now[i]) / k for i, slide_id in enumerate(ids)}


def _neighbours(results: ModelResults, ids: list[str], k: int) -> list[set[int]]:
    place = {s: i for i, s in enumerate(results.slides)}
    vectors = unit_embeddings(results)[[place[s] for s in ids]]
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return [set(row[:k].tolist()) for row in np.argsort(-similarity, axis=1, kind="stable")]
