"""Where the cells of a field lie: the architecture as maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.pretrain.recipe import ARCHITECTURES, Recipe
from napari_lookalike.core.synth.fields import Field, Rng, smooth_noise, smoothstep

GRAIN = 4
"""Pixels of the field per pixel of these maps."""


@dataclass(frozen=True, eq=False)
class Compartments:
    """Shares of each place, float32 (h, w), at 1/`GRAIN` resolution.

    Parameters
    ----------
    cells
        The compartment of the recipe's own cells.
    empty
        Lumen, air or fat: nothing is stained.
    mucin
        Pale basophilic pools.
    depth
        Pixels inwards from the edge of the cells' compartment; its slope says which way
        cells of a palisade stand.
    """

    cells: Field
    empty: Field
    mucin: Field
    depth: Field


def draw_compartments(rng: Rng, recipe: Recipe, shape: tuple[int, int]) -> Compartments:
    """The maps of a field of ``shape`` (height, width) pixels."""
    small = (shape[0] // GRAIN, shape[1] // GRAIN)
    none = np.zeros(small, dtype=np.float32)
    full = np.ones(small, dtype=np.float32)
    name = ARCHITECTURES[recipe.architecture]
    if name == "sheet":
        return Compartments(full, none, none, none)
    if name == "fibrous":
        return Compartments(0.25 * full, none, none, none)
    if name == "glands":
        return _glands(rng, recipe, small)
    if name == "spaces":
        return _spaces(rng, recipe, small)
    noise = smooth_noise(rng, small, 1.6 * recipe.unit_px, GRAIN)
    noise = noise + 0.25 * smooth_noise(rng, small, 0.5 * recipe.unit_px, GRAIN)
    if name == "cords":
        noise = -np.abs(noise)
    depth = (noise - np.quantile(noise, 1.0 - recipe.fill)) * 0.5 * recipe.unit_px
    depth = depth.astype(np.float32)
    inside = smoothstep(depth, -2.0, 2.0)
    if name == "papillae":
        band = smoothstep(-np.abs(depth - 10.0), -16.0, -9.0)
        return Compartments(band * inside, 1.0 - inside, none, depth)
    if name == "pools":
        return Compartments(inside, none, 1.0 - inside, depth)
    return Compartments(inside, none, none, depth)


def _sites(rng: Rng, shape: tuple[int, int], pitch: float) -> Field:
    """(n, 2) rows and columns of a shaken hexagonal grid, reaching beyond the field."""
    rows = np.arange(-pitch, shape[0] + pitch, pitch * 0.87)
    sites = [
        (r, c + (i % 2) * pitch / 2)
        for i, r in enumerate(rows)
        for c in np.arange(-pitch, shape[1] + pitch, pitch)
    ]
    shaken = np.array(sites) + rng.normal(0, 0.18 * pitch, (len(sites), 2))
    moved: Field = (shaken + rng.uniform(0, pitch, 2)).astype(np.float32)
    return moved


def _offsets(sites: Field, shape: tuple[int, int]) -> tuple[Field, Field]:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return y[None] - sites[:, 0, None, None], x[None] - sites[:, 1, None, None]


def _glands(rng: Rng, recipe: Recipe, shape: tuple[int, int]) -> Compartments:
    radius = recipe.unit_px / GRAIN
    sites = _sites(rng, shape, 2.1 * radius / np.sqrt(recipe.fill))
    dy, dx = _offsets(sites, shape)
    theta = np.arctan2(dy, dx)
    edge: NDArray[Any] = np.ones((len(sites), 1, 1), dtype=np.float32)
    for k in (2, 3, 5):
        size = rng.normal(0, 0.28 / k, (len(sites), 1, 1))
        edge = edge + size * np.cos(k * theta + rng.uniform(0, 2 * np.pi, size.shape))
    edge = edge * rng.uniform(0.7, 1.15, (len(sites), 1, 1))
    depth = ((edge * radius - np.hypot(dy, dx)).max(axis=0) * GRAIN).astype(np.float32)
    wall = min(2.6 * recipe.nucleus.long_px * rng.uniform(0.9, 2.0), 0.8 * recipe.unit_px)
    inside, lumen = smoothstep(depth, -2.0, 2.0), smoothstep(depth, wall - 2.0, wall + 2.0)
    mucin = lumen * (rng.random() < 0.4)
    return Compartments(inside * (1 - lumen), lumen - mucin, mucin.astype(np.float32), depth)


def _spaces(rng: Rng, recipe: Recipe, shape: tuple[int, int]) -> Compartments:
    pitch = 1.8 * recipe.unit_px / GRAIN
    dy, dx = _offsets(_sites(rng, shape, pitch), shape)
    nearest = np.partition(np.hypot(dy, dx), 1, axis=0)[:2]
    septum = (1.0 - recipe.fill) * 0.25 * recipe.unit_px + 3.0
    depth = (septum - (nearest[1] - nearest[0]) * GRAIN).astype(np.float32)
    tissue = smoothstep(depth, -2.0, 2.0)
    return Compartments(tissue * rng.uniform(0.3, 1.0), 1.0 - tissue, np.zeros_like(tissue), depth)
