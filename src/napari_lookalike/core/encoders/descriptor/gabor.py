"""A Gabor pyramid: how much of each grain size lies in each direction, and what goes with what.

Everything that depends on direction is averaged over rotations of the filter bank, because
tissue on a glass has no up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lookalike.core.encoders.descriptor.colour import Floats

ORIENTATIONS = 4
FREQUENCIES = (0.32, 0.2, 0.125, 0.0781, 0.0488)
"""Centre frequencies, cycles per half-resolution pixel."""
_OCTAVES = 0.9
_EPS = np.float32(1e-4)
_TINY = np.float32(1e-8)
_RINGS = ((0.5, 2.5), (2.5, 5.0), (5.0, 10.0), (10.0, 20.0))  # cycles per tile


@dataclass(frozen=True, eq=False)
class Band:
    """One scale of the pyramid, computed on the smallest grid that holds its spectrum."""

    size: int
    transfer: NDArray[np.float32]


def _frequencies(size: int, full: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    f = np.fft.fftfreq(size) * size / full
    return f[:, None], f[None, :]


def _band(frequency: float, padded: int) -> Band:
    """Log-Gabor filters of one scale, in every orientation."""
    size = padded
    while size > 32 and frequency * 1.9 < 0.5 * (size // 2) / padded:
        size //= 2
    fy, fx = _frequencies(size, padded)
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1.0
    radial = np.exp(-(np.log2(radius / frequency) ** 2) / (2 * (_OCTAVES / 2) ** 2))
    radial[0, 0] = 0.0
    angle = np.arctan2(fy, fx)
    filters = []
    for k in range(ORIENTATIONS):
        turn = np.angle(np.exp(1j * (angle - np.pi * k / ORIENTATIONS)))
        angular = np.exp(-(turn**2) / (2 * (np.pi / ORIENTATIONS / 1.6) ** 2))
        filters.append(radial * angular)
    # The inverse transform of a cropped spectrum is scaled by (size / padded)^2.
    return Band(size, (np.stack(filters) * (size / padded) ** 2 * 2).astype(np.float32))


class GaborPyramid:
    """Filters for images of one size; made once, used for every tile.

    Parameters
    ----------
    size
        Edge of the (half-resolution) image, in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.padded = 16 * -(-(size + 16) // 16)
        self.margin = (self.padded - size) // 2
        self.bands = [_band(f, self.padded) for f in FREQUENCIES]

    def moduli(self, images: Floats) -> list[Floats]:
        """Magnitudes of the responses: per scale float32 (channels, ORIENTATIONS, s, s)."""
        m = self.margin
        rest = self.padded - self.size - m
        padded = np.pad(images, ((0, 0), (m, rest), (m, rest)), mode="reflect")
        spectrum = scipy.fft.fft2(padded, workers=1)
        out = []
        for band in self.bands:
            s = band.size
            cropped = spectrum if s == self.padded else _crop(spectrum, s)
            response = scipy.fft.ifft2(cropped[:, None] * band.transfer, workers=1)
            k = m * s // self.padded
            modulus = np.abs(response)
            out.append(modulus[..., k : s - k, k : s - k] if k else modulus)
        return out


def _crop(spectrum: NDArray[np.complex64], size: int) -> NDArray[np.complex64]:
    h = size // 2
    top = np.concatenate([spectrum[:, :h, :h], spectrum[:, :h, -h:]], axis=2)
    low = np.concatenate([spectrum[:, -h:, :h], spectrum[:, -h:, -h:]], axis=2)
    return np.concatenate([top, low], axis=1)


def band_statistics(moduli: list[Floats]) -> Floats:
    """Per scale and channel: level, spread, peakedness and directedness of the response.

    Parameters
    ----------
    moduli
        From `GaborPyramid.moduli`.

    Returns
    -------
    ndarray of float32 (scales * 6 * channels,)
    """
    parts = []
    for m in moduli:
        mean, sd = m.mean(axis=(2, 3)), m.std(axis=(2, 3))
        squares = m * m
        peaked = (squares * squares).mean(axis=(2, 3)) / (squares.mean(axis=(2, 3)) ** 2 + _TINY)
        level = mean.mean(axis=1) + _EPS
        parts += [
            np.log(level),
            np.log(sd.mean(axis=1) + _EPS),
            np.log((sd / (mean + _EPS)).mean(axis=1)),
            np.log1p(peaked.mean(axis=1)),
            mean.std(axis=1) / level,
            mean.max(axis=1) / level,
        ]
    return np.concatenate(parts).astype(np.float32)


def modulation_energies(moduli: list[Floats]) -> Floats:
    """Second-order energies: how coarse is the pattern in which a fine grain comes and goes.

    The power of each magnitude map in rings of its spectrum, relative to its total power
    (by Parseval's theorem no filtered map is needed). The coarsest scale has none.

    Parameters
    ----------
    moduli
        From `GaborPyramid.moduli`.

    Returns
    -------
    ndarray of float32 ((scales - 1) * channels * 4,)

    References
    ----------
    Second-order scattering: Bruna and Mallat 2013, IEEE TPAMI 35:1872-1886.
    """
    parts = []
    for m in moduli[:-1]:
        size = m.shape[-1]
        centred = m - m.mean(axis=(2, 3), keepdims=True)
        spectrum = scipy.fft.rfft2(centred, workers=1)
        power = (spectrum.real**2 + spectrum.imag**2) / np.float32(size**4)
        fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None] * size
        radius = np.hypot(fy, fx)
        rings = [power[..., (radius >= lo) & (radius < hi)].sum(axis=-1) for lo, hi in _RINGS]
        total = (m * m).mean(axis=(2, 3))[..., None] + _TINY
        parts.append(np.log((np.stack(rings, axis=-1) / total).mean(axis=1) + _EPS).ravel())
    return np.concatenate(parts).astype(np.float32)
