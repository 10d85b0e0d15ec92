"""Everything that is drawn once per process: stamps of every kind and fibre textures."""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass

import numpy as np

from napari_lookalike.core.synth.cells import NUCLEI, PAINTERS
from napari_lookalike.core.synth.fields import Field, Rng, fibres, grain
from napari_lookalike.core.synth.stamps import Grain, Stamp, trim

BINS = 8
"""Directions from 0 to pi that stamps and fibres come in."""

_SHAPES = 12
_SHEET = 448


@dataclass(frozen=True, eq=False)
class Banks:
    """Stamps and textures, the same in every process for the same seed.

    Parameters
    ----------
    stamps
        kind -> one tuple per direction of stamps, from small to large.
    neuropil
        Sheets of fine matted fibres.
    piloid
        One sheet of parallel coarse fibres per direction.
    granular
        A sheet of granular debris.
    """

    stamps: dict[str, tuple[tuple[Stamp, ...], ...]]
    neuropil: list[Field]
    piloid: list[Field]
    granular: list[Field]

    def pick(self, rng: Rng, kind: str, angle: float | None, size: float, spread: float) -> Stamp:
        """A stamp of that kind and direction.

        Parameters
        ----------
        rng
            Source of randomness.
        kind
            Key of `cells.PAINTERS`.
        angle
            Direction of the long axis in radians; ``None`` for any.
        size
            Mean rank of its size among the stamps, 0 (smallest) to 1.
        spread
            Standard deviation of that rank: how much sizes differ.
        """
        turn = int(rng.integers(BINS)) if angle is None else round(angle / np.pi * BINS) % BINS
        shelf = self.stamps[kind][turn]
        rank = round((size + spread * rng.normal()) * (len(shelf) - 1))
        # Around the rank, so that a narrow spread does not repeat one single stamp.
        rank += int(rng.integers(-1, 2))
        return shelf[min(max(rank, 0), len(shelf) - 1)]


def _shelves(seed: int, kind: str, texture: Grain) -> tuple[tuple[Stamp, ...], ...]:
    paint = PAINTERS[kind]
    reach = 0.27 if kind in NUCLEI else 0.32
    shelves = []
    for turn in range(BINS):
        rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), turn])
        sizes = 1.0 + reach * np.linspace(-1.0, 1.0, _SHAPES)
        angle = turn * np.pi / BINS
        # Eccentric bodies look both ways along their axis.
        flips = rng.integers(0, 2, _SHAPES) * np.pi
        shelves.append(
            tuple(
                trim(paint(rng, texture, angle + flip, float(size)))
                for size, flip in zip(sizes, flips, strict=True)
            )
        )
    return tuple(shelves)


def _turns(base: dict[int, Field]) -> list[Field]:
    """Sheets for all eight directions from those for 0, 1 and 2 eighths, by symmetry."""
    sheets = {**base}
    sheets[3] = np.ascontiguousarray(base[1].T)
    for turn in (1, 2, 3):
        sheets[BINS - turn] = np.ascontiguousarray(sheets[turn][:, ::-1])
    sheets[4] = np.ascontiguousarray(base[0].T)
    return [sheets[turn] for turn in range(BINS)]


@functools.lru_cache(maxsize=2)
def build_banks(seed: int) -> Banks:
    """Draw everything; about two seconds."""
    rng = np.random.default_rng([seed, 77])
    texture = Grain(rng)
    step = np.pi / BINS
    neuropil = []
    for turn in range(3):
        layers = [
            fibres(rng, _SHEET, turn * 1.0 + k * 1.05, spread=0.7, length=11, sparse=0.10)
            for k in range(3)
        ]
        sheet = np.sum(layers, axis=0) + 0.5 * grain(rng, _SHEET, 1.0)
        neuropil.append((sheet / sheet.std()).astype(np.float32))
    piloid = {
        turn: fibres(rng, _SHEET, turn * step, spread=0.22, length=26, sparse=0.035)
        + 0.35 * fibres(rng, _SHEET, turn * step, spread=0.5, length=12, sparse=0.1)
        for turn in range(3)
    }
    granular = [grain(rng, _SHEET, 1.3) + 0.8 * grain(rng, _SHEET, 3.5) for _ in range(2)]
    return Banks(
        stamps={kind: _shelves(seed, kind, texture) for kind in PAINTERS},
        neuropil=neuropil,
        piloid=_turns({k: (v / v.std()).astype(np.float32) for k, v in piloid.items()}),
        granular=[(g / g.std()).astype(np.float32) for g in granular],
    )
