"""The canvas of one slide: three concentrations per pixel, and what will be laid on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_lookalike.core.synth.banks import BINS, Banks
from napari_lookalike.core.synth.fields import (
    Field,
    Rng,
    fractal_noise,
    resize,
    smooth_noise,
    smoothstep,
)
from napari_lookalike.core.synth.stamps import Stamp

STEP = 8
"""Level-0 pixels per pixel of the scene's coarse maps."""

PX_PER_MM2 = 4.0e6
"""Level-0 pixels of 0.5 µm in a square millimetre."""


@dataclass(frozen=True)
class Cell:
    """Something to lay on the canvas.

    Parameters
    ----------
    kind
        Key of `cells.PAINTERS`.
    x, y
        Centre in level-0 pixels.
    angle
        Direction in radians, or ``None`` for any.
    size, spread
        As in `Banks.pick`.
    """

    kind: str
    x: float
    y: float
    angle: float | None = None
    size: float = 0.5
    spread: float = 0.2


@dataclass(frozen=True)
class Finding:
    """Where a structure lies: the ground truth.

    Parameters
    ----------
    kind
        "rhabdoid", "ganglion", "rosette", ...
    x, y
        Centre in level-0 pixels.
    radius
        In level-0 pixels.
    """

    kind: str
    x: float
    y: float
    radius: float


@dataclass(eq=False)
class Scene:
    """A slide while it is being made.

    Parameters
    ----------
    rng
        The slide's own source of randomness.
    banks
        Stamps and textures.
    shape
        (height, width) of level 0.
    depth
        float32, coarse: level-0 pixels below the tissue's edge; negative on glass.
    conc
        float32 (height, width, 3): hematoxylin, eosin, bright.
    room
        float32, coarse: what multiplies the density of ordinary cells.
    turn
        intp, coarse: direction of fibres, in eighths of pi.
    """

    rng: Rng
    banks: Banks
    shape: tuple[int, int]
    depth: Field
    conc: NDArray[np.float32] = field(init=False)
    room: Field = field(init=False)
    turn: NDArray[np.intp] = field(init=False)
    cells: list[Cell] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conc = np.zeros((*self.shape, 3), dtype=np.float32)
        self.room = smoothstep(self.depth, 4.0, 16.0)
        flow = smooth_noise(self.rng, self.depth.shape, 620.0, STEP)
        flow = flow * 1.7 + float(self.rng.integers(BINS))
        self.turn = np.rint(flow).astype(np.intp) % BINS

    @property
    def area_mm2(self) -> float:
        """Area of the tissue."""
        return float((self.depth > 0).sum()) * STEP * STEP / PX_PER_MM2

    def coarse(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of a level-0 place on the coarse maps, clipped to them."""
        rows, columns = self.depth.shape
        return min(max(int(y / STEP), 0), rows - 1), min(max(int(x / STEP), 0), columns - 1)

    def angle_at(self, x: float, y: float) -> float:
        """Direction of the fibres there, radians."""
        return float(self.turn[self.coarse(x, y)]) * np.pi / BINS

    def place(self, margin: float, clear: float = 0.5) -> tuple[float, float] | None:
        """A random (x, y) at least ``margin`` pixels inside the tissue with room left.

        ``None`` where there is no such place.
        """
        free = np.flatnonzero((self.depth > margin) & (self.room > clear))
        if len(free) == 0:
            return None
        row, column = divmod(int(free[self.rng.integers(len(free))]), self.depth.shape[1])
        return (column + self.rng.random()) * STEP, (row + self.rng.random()) * STEP

    def clear_disc(self, x: float, y: float, radius: float, room: float = 0.0) -> None:
        """Leave ordinary cells less room in a disc."""
        reach = int(radius / STEP) + 2
        row, column = self.coarse(x, y)
        rows = slice(max(row - reach, 0), row + reach + 1)
        columns = slice(max(column - reach, 0), column + reach + 1)
        yy, xx = np.ogrid[rows.start : rows.stop, columns.start : columns.stop]
        part = self.room[rows, columns]
        yy, xx = yy[: part.shape[0]], xx[:, : part.shape[1]]
        away = np.hypot((xx + 0.5) * STEP - x, (yy + 0.5) * STEP - y)
        part[away < radius] *= room

    def add(self, kind: str, x: float, y: float, angle: float | None = None, **how: float) -> None:
        """Remember a cell to be laid when the ground is painted."""
        self.cells.append(Cell(kind, float(x), float(y), angle, **how))

    def note(self, kind: str, x: float, y: float, radius: float) -> None:
        """Write a structure into the ground truth."""
        at = (round(float(x), 1), round(float(y), 1))
        self.findings.append(Finding(kind, *at, round(float(radius), 1)))

    def paste(self, stamp: Stamp, x: float, y: float) -> None:
        """Lay a stamp centred on a level-0 place; what sticks out is cut off."""
        height, width = stamp.keep.shape[:2]
        left, top = round(x) - width // 2, round(y) - height // 2
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, self.shape[1]), min(top + height, self.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        cut = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        part = self.conc[y0:y1, x0:x1]
        part *= stamp.keep[cut]
        part += stamp.paint[cut]

    def lay_cells(self) -> None:
        """Lay all remembered cells, in their order."""
        for cell in self.cells:
            stamp = self.banks.pick(self.rng, cell.kind, cell.angle, cell.size, cell.spread)
            self.paste(stamp, cell.x, cell.y)

    def full(self, coarse: Field) -> Field:
        """A coarse map at level-0 resolution."""
        return resize(coarse, self.shape)


def outline(rng: Rng, shape: tuple[int, int], pieces: int) -> Field:
    """The tissue's coarse depth map: one to three ragged pieces with glass around.

    Parameters
    ----------
    rng
        Source of randomness.
    shape
        (height, width) of level 0.
    pieces
        Number of pieces.
    """
    rows, columns = -(-shape[0] // STEP), -(-shape[1] // STEP)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x, y = x / columns * 2 - 1, y / rows * 2 - 1
    best = np.full((rows, columns), -9.0, dtype=np.float32)
    for k in range(pieces):
        wide = 0.86 if pieces == 1 else 0.92 / pieces
        cx = 0.0 if pieces == 1 else (2 * k + 1) / pieces - 1.0
        cx, cy = cx + rng.normal(0, 0.03), rng.normal(0, 0.05)
        rx, ry = wide * rng.uniform(0.84, 1.08), rng.uniform(0.72, 0.98)
        bulge = rng.uniform(1.8, 3.0)
        slant = 0.5 * rng.normal() * (x - cx) * (y - cy)
        u, v = np.abs(x - cx) / rx, np.abs(y - cy + slant) / ry
        away = (u**bulge + v**bulge) ** (1 / bulge)
        best = np.maximum(best, (1.0 - away) * min(rx, ry))
    ragged = fractal_noise(rng, (rows, columns), min(shape) / 3.2, STEP, octaves=4)
    # Glass all around: nothing touches the edge of the scan.
    border = 1.0 - np.maximum(np.abs(x), np.abs(y))
    inside = best + 0.10 * ragged - np.clip(0.14 - border, 0.0, None) * 5.0 > 0
    inside = ndimage.binary_opening(inside, iterations=2)
    signed = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    depth: Field = (ndimage.gaussian_filter(signed, 1.0) * STEP).astype(np.float32)
    return depth
