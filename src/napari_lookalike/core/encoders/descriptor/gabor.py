"""A Gabor pyramid: how much of each grain size lies in each direction.

What depends on direction is later averaged over rotations of the filter bank, because
tissue on a glass has no up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lookalike.core.encoders.descriptor.colour import Floats

ORIENTATIONS = 4
FREQUENCIES = (0.32, 0.2, 0.125, 0.078, 0.049)
"""Centre frequencies in cycles per half-resolution pixel: grains of 6 to 41 tile pixels."""
_PAD = 16  # reflected pixels, so that a response does not wrap round the tile
_SIGMA_OCTAVES = 0.45
_SIGMA_ANGLE = np.pi / ORIENTATIONS / 1.6
_CUT = 1.9  # times the centre frequency: beyond it a filter is below 1 % of its peak
_SMALLEST = 32
_EPS = np.float32(1e-4)
_TINY = np.float32(1e-8)


class GaborPyramid:
    """Log-Gabor filters for images of one size: made once, used for every tile.

    A filter acts in the frequency domain. A coarse scale is transformed back on the
    smallest grid that holds its band, so the pyramid costs little more than its finest scale.

    Parameters
    ----------
    size
        Edge of the (half-resolution) image in pixels; a multiple of 16.

    References
    ----------
    Field 1987, J Opt Soc Am A 4:2379-2394 (log-Gabor functions).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._padded = size + _PAD
        self._transfers = [self._transfer(f) for f in FREQUENCIES]

    def _transfer(self, frequency: float) -> NDArray[np.float32] | NDArray[np.complex64]:
        """(ORIENTATIONS, s, s) transfer functions of one scale."""
        grid = self._padded
        while grid // 2 >= _SMALLEST and frequency * _CUT * self._padded < grid // 4:
            grid //= 2
        index = np.fft.fftfreq(grid) * grid / self._padded
        fy, fx = index[:, None], index[None, :]
        radius = np.hypot(fy, fx)
        radius[0, 0] = 1.0
        radial = np.exp(-(np.log2(radius / frequency) ** 2) / (2 * _SIGMA_OCTAVES**2))
        radial[0, 0] = 0.0
        angle = np.arctan2(fy, fx)
        turns = [
            np.angle(np.exp(1j * (angle - np.pi * k / ORIENTATIONS))) for k in range(ORIENTATIONS)
        ]
        angular = np.exp(-(np.stack(turns) ** 2) / (2 * _SIGMA_ANGLE**2))
        # One half of the plane only, so the response is analytic: twice its half. The inverse
        # transform on fewer points divides by fewer: the square undoes that.
        scale = 2.0 * (grid / self._padded) ** 2
        real: Floats = (radial * angular * scale).astype(np.float32)
        step = self._padded // grid
        if step == 1:
            return real
        # Sample in the middle of each block of step x step pixels and not in its corner, so
        # that all scales lie on each other and a turned tile is sampled at the same places.
        shift = np.exp(2j * np.pi * (fy + fx) * (step - 1) / 2)
        shifted: NDArray[np.complex64] = (real * shift).astype(np.complex64)
        return shifted

    def moduli(self, images: Floats) -> list[Floats]:
        """Magnitudes of the responses.

        Parameters
        ----------
        images
            float32 (channels, size, size).

        Returns
        -------
        list of ndarray
            Per scale, fine to coarse, float32 (channels, ORIENTATIONS, s, s); s is ``size``
            divided by 1, 2 or 4.
        """
        before = _PAD // 2
        edges = (before, _PAD - before)
        padded = np.pad(images, ((0, 0), edges, edges), mode="reflect")
        spectrum = scipy.fft.fft2(padded, workers=1)
        return [self._modulus(spectrum, transfer, before) for transfer in self._transfers]

    def _modulus(
        self, spectrum: NDArray[np.complex64], transfer: NDArray[Any], before: int
    ) -> Floats:
        grid = transfer.shape[-1]
        band = _crop(spectrum, grid)[:, None] * transfer
        response = scipy.fft.ifft2(band, workers=1, overwrite_x=True)
        edge = before * grid // self._padded
        response = response[..., edge : grid - edge, edge : grid - edge]
        # Four times faster than np.abs, which guards against overflow.
        modulus: Floats = np.sqrt(response.real**2 + response.imag**2)
        return modulus


def _crop(spectrum: NDArray[np.complex64], size: int) -> NDArray[np.complex64]:
    """The low frequencies of a spectrum, as the spectrum of a (size, size) image."""
    if size == spectrum.shape[-1]:
        return spectrum
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
        flat = m.reshape(*m.shape[:2], -1)
        squares = flat * flat
        mean, power = flat.mean(axis=2), squares.mean(axis=2)
        sd = np.sqrt(np.maximum(power - mean * mean, 0)) + _EPS
        peaked = (squares * squares).mean(axis=2) / (power * power + _TINY)
        level = mean.mean(axis=1) + _EPS
        parts += [
            np.log(level),
            np.log(sd.mean(axis=1)),
            np.log((sd / (mean + _EPS)).mean(axis=1)),
            np.log1p(peaked.mean(axis=1)),
            mean.std(axis=1) / level,
            mean.max(axis=1) / level,
        ]
    return np.concatenate(parts).astype(np.float32)
