"""Single cells and bodies, drawn once into small stamps that slides are composed from.

A stamp says how much of what lies beneath it is kept, and what it paints: the three
concentrations hematoxylin, eosin, and "bright" (erythrocytes, Rosenthal fibres and
other refractile eosinophilic matter, which is redder than eosin).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_lookalike.core.synth.fields import Field, Rng, grain, smoothstep


@dataclass(frozen=True, eq=False)
class Stamp:
    """A small picture to be laid over the scene.

    Parameters
    ----------
    keep
        float32 (h, w, 1): share of what lies beneath that stays.
    paint
        float32 (h, w, 3): concentrations added.
    """

    keep: Field
    paint: Field


def over(bottom: Stamp, top: Stamp) -> Stamp:
    """Both stamps as one, ``top`` laid over ``bottom``; equal sizes."""
    return Stamp(bottom.keep * top.keep, bottom.paint * top.keep + top.paint)


def layer(alpha: Field, concentrations: Sequence[Field | float], cover: float) -> Stamp:
    """A stamp of a covering and of what it is made of."""
    paint = np.stack([alpha * np.asarray(c, dtype=np.float32) for c in concentrations], axis=-1)
    return Stamp((1.0 - cover * alpha)[..., None].astype(np.float32), paint.astype(np.float32))


def mesh(half: int) -> tuple[Field, Field]:
    """(x, y) coordinates of a square stamp about its centre, pixels."""
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    return x, y


def blob(
    rng: Rng,
    grid: tuple[Field, Field],
    radii: tuple[float, float],
    angle: float,
    irregular: float,
    centre: tuple[float, float] = (0.0, 0.0),
) -> Field:
    """Signed depth in pixels below the edge of an irregular ellipse; negative outside.

    Parameters
    ----------
    rng
        Source of randomness.
    grid
        From `mesh`.
    radii
        Long and short half axes, pixels.
    angle
        Direction of the long axis, radians.
    irregular
        Relative size of the bumps of the outline.
    centre
        (x, y) in pixels.
    """
    x, y = grid[0] - centre[0], grid[1] - centre[1]
    u = (np.cos(angle) * x + np.sin(angle) * y) / radii[0]
    v = (-np.sin(angle) * x + np.cos(angle) * y) / radii[1]
    theta = np.arctan2(v, u)
    edge = np.ones_like(u)
    for k in (2, 3, 4, 5, 7):
        edge += irregular / k**0.7 * rng.normal() * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    depth: Field = ((edge - np.hypot(u, v)) * min(radii)).astype(np.float32)
    return depth


class Grain:
    """Standardised noise at three coarsenesses, cut out where a stamp needs texture."""

    SIGMAS = (0.7, 1.2, 2.0)

    def __init__(self, rng: Rng) -> None:
        self._sheets = {s: grain(rng, 256, s) for s in self.SIGMAS}

    def cut(self, rng: Rng, sigma: float, shape: tuple[int, ...]) -> Field:
        """A random cut-out of that shape."""
        sheet = self._sheets[sigma]
        y, x = rng.integers(0, 256 - shape[0]), rng.integers(0, 256 - shape[1])
        return sheet[y : y + shape[0], x : x + shape[1]]


@dataclass(frozen=True)
class Nucleus:
    """How nuclei of one kind look.

    Parameters
    ----------
    long_px
        Half of the long axis, level-0 pixels of 0.5 µm.
    aspect
        Long over short axis.
    spread
        Relative standard deviation of the size.
    irregular
        Bumps of the outline.
    stain
        Hematoxylin concentration of the chromatin.
    chromatin
        Relative amplitude of the chromatin's grain.
    sigma
        Coarseness of the grain (one of `Grain.SIGMAS`).
    rim
        Darker nuclear membrane.
    nucleoli
        Mean number of nucleoli.
    nucleolus_px
        Radius of a nucleolus.
    """

    long_px: float
    aspect: float = 1.2
    spread: float = 0.12
    irregular: float = 0.05
    stain: float = 1.0
    chromatin: float = 0.2
    sigma: float = 1.2
    rim: float = 0.25
    nucleoli: float = 0.5
    nucleolus_px: float = 1.3


def draw_nucleus(
    rng: Rng,
    style: Nucleus,
    texture: Grain,
    grid: tuple[Field, Field],
    angle: float,
    size: float = 1.0,
    centre: tuple[float, float] = (0.0, 0.0),
) -> Stamp:
    """One nucleus; ``size`` multiplies its radii."""
    aspect = max(1.0, style.aspect * float(np.exp(0.12 * rng.normal())))
    long = style.long_px * size * np.sqrt(aspect / style.aspect)
    depth = blob(rng, grid, (long, long / aspect), angle, style.irregular, centre)
    soft = 0.9 + 0.5 * rng.random()
    alpha = smoothstep(depth, -soft, soft)
    body = 1.0 + style.chromatin * texture.cut(rng, style.sigma, depth.shape)
    body += style.rim * np.exp(-(((depth - 0.8) / 1.1) ** 2))
    body *= style.stain * np.exp(0.13 * rng.normal())
    eosin = np.full_like(body, 0.10)
    for _ in range(rng.poisson(style.nucleoli)):
        spot = _spot(rng, grid, centre, 0.45 * long / aspect, style.nucleolus_px)
        body += 0.75 * spot
        eosin += 0.35 * spot
    stamp = layer(alpha, (np.clip(body, 0.12, 2.4), eosin, 0.0), 0.80)
    return _defocus(stamp, 1.0, 0.82) if rng.random() < 0.22 else stamp


def _spot(
    rng: Rng,
    grid: tuple[Field, Field],
    centre: tuple[float, float],
    reach: float,
    radius: float,
) -> Field:
    dx, dy = rng.uniform(-reach, reach, 2)
    away = np.hypot(grid[0] - centre[0] - dx, grid[1] - centre[1] - dy)
    radius *= rng.uniform(0.8, 1.2)
    return smoothstep(-away, -radius - 0.8, -radius + 0.8)


def _defocus(stamp: Stamp, sigma: float, strength: float) -> Stamp:
    """A nucleus that lies at another depth of the section."""
    blurred = ndimage.gaussian_filter(stamp.paint, (sigma, sigma, 0)) * strength
    keep = 1.0 - strength * (1.0 - ndimage.gaussian_filter(stamp.keep, (sigma, sigma, 0)))
    return Stamp(keep.astype(np.float32), blurred.astype(np.float32))


def trim(stamp: Stamp) -> Stamp:
    """The stamp cut to what it covers, kept square and odd-sized about its centre."""
    used: NDArray[np.bool_] = (stamp.keep[..., 0] < 0.995) | (stamp.paint.max(axis=-1) > 0.005)
    half = used.shape[0] // 2
    rows, columns = np.nonzero(used)
    if len(rows) == 0:
        return stamp
    reach = int(max(np.abs(rows - half).max(), np.abs(columns - half).max()))
    part = slice(half - reach, half + reach + 1)
    return Stamp(
        np.ascontiguousarray(stamp.keep[part, part]), np.ascontiguousarray(stamp.paint[part, part])
    )
