"""The kinds of cells and bodies, and how each is drawn."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from napari_lookalike.core.synth.fields import Field, Rng, smoothstep
from napari_lookalike.core.synth.stamps import (
    Grain,
    Nucleus,
    Stamp,
    blob,
    draw_nucleus,
    layer,
    mesh,
    over,
)

Painter = Callable[[Rng, Grain, float, float], Stamp]
"""(random, grain, direction in radians, relative size) -> stamp."""

NUCLEI = MappingProxyType(
    {
        # Small round blue cell: hyperchromatic, angular, stippled, hardly a nucleolus.
        "blue": Nucleus(7.6, 1.28, irregular=0.085, stain=1.02, chromatin=0.24, nucleoli=0.25),
        # The same with open chromatin and a nucleolus.
        "open": Nucleus(
            8.2, 1.2, irregular=0.07, stain=0.66, chromatin=0.26, rim=0.55, nucleoli=1.1
        ),
        "glial": Nucleus(6.9, 1.38, irregular=0.05, stain=0.80, chromatin=0.17, nucleoli=0.2),
        "piloid": Nucleus(8.8, 2.3, irregular=0.04, stain=0.82, chromatin=0.14, nucleoli=0.1),
        "ependymal": Nucleus(
            6.9, 1.18, irregular=0.035, stain=0.80, chromatin=0.30, rim=0.35, nucleoli=0.6
        ),
        "epithelial": Nucleus(6.9, 1.3, irregular=0.04, stain=0.84, chromatin=0.2, rim=0.3),
        "lymphocyte": Nucleus(5.0, 1.06, irregular=0.03, stain=1.35, chromatin=0.2, rim=0.1),
        "endothelial": Nucleus(9.0, 3.2, irregular=0.05, stain=1.05, chromatin=0.1, nucleoli=0.0),
        "ghost": Nucleus(5.0, 1.2, irregular=0.2, stain=0.30, chromatin=0.35, rim=0.1),
    }
)
"""Plain nuclei; sizes in level-0 pixels of 0.5 µm."""

_VESICULAR = Nucleus(
    9.6, 1.15, irregular=0.045, stain=0.42, chromatin=0.30, sigma=2.0, rim=0.75, nucleoli=0.0
)


def _plain(style: Nucleus) -> Painter:
    def paint(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
        grid = mesh(int(style.long_px * size * 1.7) + 4)
        return draw_nucleus(rng, style, texture, grid, angle, size)

    return paint


def _disc(x: Field, y: Field, radius: float, soft: float = 0.8) -> Field:
    return smoothstep(-np.hypot(x, y), -radius - soft, -radius + soft)


def _ganglion(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """A large polygonal body with Nissl substance, vesicular nucleus, huge nucleolus."""
    grid = mesh(int(36 * size) + 8)
    radii = (20.0 * size, 20.0 * size / rng.uniform(1.1, 1.6))
    depth = blob(rng, grid, radii, angle, 0.16)
    halo = layer(smoothstep(depth, -4.5, -1.0), (0.02, 0.10, 0.0), rng.uniform(0.1, 0.7))
    nissl = np.clip(0.30 + 0.11 * texture.cut(rng, 2.0, depth.shape), 0.05, 1.0)
    eosin = np.clip(0.50 + 0.05 * texture.cut(rng, 1.2, depth.shape), 0.1, 1.2)
    body = layer(smoothstep(depth, -1.0, 1.0), (nissl, eosin, 0.03), 0.97)
    centre = (radii[1] * rng.uniform(-0.35, 0.35), radii[1] * rng.uniform(-0.35, 0.35))
    centres = [centre]
    if rng.random() < 0.18:  # binucleate cells are a clue to the diagnosis
        shift = 9.0 * size
        x, y = centre
        centres = [(x - shift * np.cos(angle), y - shift * np.sin(angle))]
        centres.append((x + shift * np.cos(angle), y + shift * np.sin(angle)))
    stamp = over(halo, body)
    for at in centres:
        small = 0.8 if len(centres) > 1 else 1.0
        stamp = over(stamp, draw_nucleus(rng, _VESICULAR, texture, grid, angle, size * small, at))
        dot = _disc(grid[0] - at[0], grid[1] - at[1], 2.7 * size)
        stamp = over(stamp, layer(dot, (1.05, 0.85, 0.0), 0.9))
    return stamp


def _rhabdoid(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """An eccentric vesicular nucleus pushed aside by a glassy eosinophilic inclusion."""
    grid = mesh(int(26 * size) + 6)
    depth = blob(rng, grid, (15.5 * size, 12.5 * size), angle, 0.06)
    eosin = np.clip(0.56 + 0.05 * texture.cut(rng, 1.2, depth.shape), 0.1, 1.5)
    eosin += 0.22 * np.exp(-(((depth - 1.2) / 1.3) ** 2))  # a distinct cell border
    body = layer(smoothstep(depth, -1.0, 1.0), (0.10, eosin, 0.0), 0.95)
    along = np.array([np.cos(angle), np.sin(angle)]) * size
    inclusion = _disc(grid[0] + 5.5 * along[0], grid[1] + 5.5 * along[1], 6.6 * size, 1.5)
    stamp = over(body, layer(inclusion, (0.06, 0.72, 0.08), 0.85))
    at = (7.6 * along[0], 7.6 * along[1])
    stamp = over(
        stamp, draw_nucleus(rng, _VESICULAR, texture, grid, angle + np.pi / 2, 0.86 * size, at)
    )
    dot = _disc(grid[0] - at[0], grid[1] - at[1], 2.2 * size)
    return over(stamp, layer(dot, (1.15, 0.75, 0.0), 0.9))


def _mitosis(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """Metaphase, side on: a dark ragged plate in a cleared cell."""
    grid = mesh(16)
    clear = layer(_disc(*grid, 10.0 * size, 1.5), (0.08, 0.30, 0.0), 0.85)
    depth = blob(rng, grid, (7.5 * size, 2.6 * size), angle, 0.22)
    depth += 0.5 * texture.cut(rng, 0.7, depth.shape)
    return over(clear, layer(smoothstep(depth, -0.8, 0.8), (2.0, 0.1, 0.0), 0.95))


def _apoptosis(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """A shrunken eosinophilic cell with dark round fragments."""
    del texture, angle
    grid = mesh(13)
    stamp = layer(_disc(*grid, 7.0 * size), (0.05, 0.70, 0.12), 0.85)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(-3.0, 3.0, 2)
        dot = _disc(grid[0] - x, grid[1] - y, float(rng.uniform(1.4, 3.4)) * size)
        stamp = over(stamp, layer(dot, (1.9, 0.2, 0.0), 0.95))
    return stamp


def _erythrocyte(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """A red disc, 7 µm, with a paler middle."""
    del texture
    grid = mesh(10)
    depth = blob(rng, grid, (6.6 * size, 6.6 * size / rng.uniform(1.0, 1.35)), angle, 0.03)
    bright = 0.80 - 0.18 * smoothstep(depth, 2.0, 5.5)
    return layer(smoothstep(depth, -0.8, 0.8), (0.0, 0.12, bright), 0.85)


def _granular_body(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """An eosinophilic granular body: a mulberry of bright droplets."""
    del texture, angle
    radius = 9.0 * size
    grid = mesh(int(radius * 1.5) + 5)
    stamp = layer(_disc(*grid, radius, 2.0), (0.03, 0.40, 0.06), 0.8)
    for _ in range(int(26 * size * size)):
        x, y = rng.normal(0, radius * 0.42, 2)
        drop = _disc(grid[0] - x, grid[1] - y, float(rng.uniform(1.2, 3.0)), 0.9)
        stamp = over(stamp, layer(drop, (0.05, 0.72, 0.30), 0.9))
    return stamp


def _rosenthal(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """A Rosenthal fibre: a beaded, corkscrew, glassy bright red strand."""
    half = float(rng.uniform(16, 36)) * size
    grid = mesh(int(half) + 12)
    u = np.cos(angle) * grid[0] + np.sin(angle) * grid[1]
    v = -np.sin(angle) * grid[0] + np.cos(angle) * grid[1]
    bend, phase = rng.uniform(0.5, 1.0), rng.uniform(0, 2 * np.pi)
    axis = 4.5 * bend * np.sin(u / 10.0 + phase) + rng.normal() * 0.003 * u**2
    width = (
        (4.8 + 1.6 * np.sin(u / 5.0 + 2 * phase))
        * size
        * np.sqrt(np.clip(1.0 - (u / half) ** 2, 0, 1))
    )
    depth = (width - np.abs(v - axis)).astype(np.float32)
    glassy = 0.34 + 0.04 * texture.cut(rng, 2.0, depth.shape)
    return layer(smoothstep(depth, -0.9, 1.3), (0.02, 0.74, glassy), 0.92)


def _calcification(rng: Rng, texture: Grain, angle: float, size: float) -> Stamp:
    """A laminated blue-purple concretion."""
    radius = 15.0 * size
    grid = mesh(int(radius * 1.5) + 5)
    depth = blob(rng, grid, (radius, radius * 0.85), angle, 0.06)
    rings = 0.95 + 0.4 * np.sin(depth * 1.1) + 0.15 * texture.cut(rng, 1.2, depth.shape)
    return layer(smoothstep(depth, -1.0, 1.0), (rings, 0.45, 0.0), 0.97)


PAINTERS: MappingProxyType[str, Painter] = MappingProxyType(
    {
        **{kind: _plain(style) for kind, style in NUCLEI.items()},
        "ganglion": _ganglion,
        "rhabdoid": _rhabdoid,
        "mitosis": _mitosis,
        "apoptosis": _apoptosis,
        "erythrocyte": _erythrocyte,
        "granular body": _granular_body,
        "Rosenthal fibre": _rosenthal,
        "calcification": _calcification,
    }
)
"""How each kind is drawn."""
