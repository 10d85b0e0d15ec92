"""``bench map``: how the map moves and how soon it is there, from times to figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.results import ModelResults, Projection, SlideResult

PARTS = ("pan", "first", "umap", "mark", "open")
SIZES = (1_000, 10_000, 100_000)
LARGE = SIZES[-1]
FAST, FAST_EVERY_DOT = 20.0, 4.0
"""Times as fast as the peer; with every dot drawn less is asked of a processor."""
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader")
PEER = "matplotlib"
N_FIRST, DIM = 1_000, 1_536
TARGETS_MS: dict[str, tuple[str, float | None]] = {
    "first": ("first map of 1,000 x 1,536 embeddings (PCA) on the screen", 300.0),
    "umap_new": ("UMAP of 1,000 x 1,536 embeddings, first after an installation", None),
    "umap_cold": ("UMAP of 1,000 x 1,536 embeddings, cold (a new process)", 15_000.0),
    "umap_warm": ("UMAP of 1,000 x 1,536 embeddings, warm", 3_000.0),
    "mark": ("mark to durable row", 20.0),
    "open": ("opening a project of 10,000 slides", 2_000.0),
}
"""What is timed -> its name and the most that it may take, ms; `None` = only reported."""


@dataclass(frozen=True)
class Pan:
    """Frame times of a pan, ms, one per step.

    Parameters
    ----------
    points
        How many there are.
    view
        "out" (all in view), "in" (a few hundred in view) or "dots" (all in view, each drawn).
    ours, peer
        By the map and by matplotlib.
    how
        What the map drew ("density", "dots").
    """

    points: int
    view: str
    ours: tuple[float, ...]
    peer: tuple[float, ...]
    how: str


@dataclass(frozen=True)
class MapTimes:
    """What one run of the measuring process found.

    Parameters
    ----------
    pans
        Frame times.
    times_ms
        Key of `TARGETS_MS` -> each time, ms.
    renderer
        What OpenGL drew with; empty = there was none.
    problems
        Part -> why it could not be measured.
    """

    pans: tuple[Pan, ...] = ()
    times_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    renderer: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "pans": [vars(p) for p in self.pans],
            "times_ms": {k: list(v) for k, v in self.times_ms.items()},
            "renderer": self.renderer,
            "problems": dict(self.problems),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> MapTimes:
        """From what `to_json` gave."""
        pans = tuple(
            Pan(p["points"], p["view"], tuple(p["ours"]), tuple(p["peer"]), p["how"])
            for p in said["pans"]
        )
        times = {k: tuple(v) for k, v in said["times_ms"].items()}
        return cls(pans, times, said["renderer"], dict(said["problems"]))


def rows_of(times: MapTimes) -> tuple[list[Row], list[NotMeasured]]:
    """Figures beside their targets."""
    rows = [_pan_row(pan, times.renderer) for pan in times.pans]
    for key, (name, most) in TARGETS_MS.items():
        found = times.times_ms.get(key, ())
        if found:
            row = Row.of(name, float(np.median(found)), "ms", most, "at most")
            rows.append(row.among(min(found), max(found), f"{len(found)} times"))
    missing = [NotMeasured(part, why) for part, why in times.problems.items()]
    return rows, missing


def _pan_row(pan: Pan, renderer: str) -> Row:
    """How many times as fast a frame is as the peer's."""
    name = f"pan of {pan.points:,} points, {_VIEWS[pan.view]}: times as fast as {PEER}"
    target = _target(pan, renderer)
    ours, peer = float(np.median(pan.ours)), float(np.median(pan.peer))
    low = min(pan.peer) / max(pan.ours)
    high = max(pan.peer) / min(pan.ours)
    beside = (
        f"{pan.how}, {ours:.3g} ms a frame (p95 {_p95(pan.ours):.3g});"
        f" {PEER} {peer:.3g} ms (p95 {_p95(pan.peer):.3g}); OpenGL by {renderer or 'nothing'}"
    )
    return Row.of(name, peer / ours, "", target).among(low, high, beside)


_VIEWS = {"out": "all in view", "in": "zoomed in", "dots": "every dot drawn"}


def _target(pan: Pan, renderer: str) -> float | None:
    if pan.points < LARGE:
        return None
    software = not renderer or any(name in renderer.lower() for name in SOFTWARE)
    return FAST_EVERY_DOT if pan.view == "dots" and software else FAST


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


def made_points(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Points of twelve clusters on a plane: float64 (n, 2), and int (n,) which cluster."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 12, n)
    return rng.normal(size=(12, 2))[of] * 6 + rng.normal(size=(n, 2)), of


def made_results(n: int, dim: int, version: str = "m001", seed: int = 0) -> ModelResults:
    """Results with slide embeddings of eight clusters; their attention is of one tile."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 8, n)
    z = rng.normal(size=(8, dim))[of] + 1.5 * rng.normal(size=(n, dim))
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    p = np.full((n, 8), 0.02, np.float32)
    p[np.arange(n), of] = 0.86
    tile = np.zeros((1, 1), np.float32)
    slides = {
        f"S{i:05d}": SlideResult(f"S{i:05d}", p[i], z[i], tile, True, i % 5) for i in range(n)
    }
    return ModelResults(version, tuple(f"class {c}" for c in range(8)), slides)


def umap_of(results: ModelResults, seed: int, *, job: Job = SILENT) -> Projection:
    """UMAP of results, for a child process."""
    from napari_lookalike.core.projection import project

    job.step(0, 1, "UMAP")
    return project(results, "umap", seed)
