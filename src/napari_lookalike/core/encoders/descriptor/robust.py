"""The descriptor on channels that do not know the hue: the first half of the shipped encoder."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.encoders.descriptor.colour import Floats, halve, moments_of
from napari_lookalike.core.encoders.descriptor.cooccurrence import (
    common_grid,
    directed_covariance,
    mixed_covariance,
    modulation_energies,
)
from napari_lookalike.core.encoders.descriptor.gabor import GaborPyramid, band_statistics
from napari_lookalike.core.encoders.descriptor.lbp import pattern_frequencies
from napari_lookalike.core.encoders.descriptor.order import ordered_channels

DIM = 491
_LBP_OCTAVES = 2
"""Without the finest: what differs most between scanners, and under blur, is told there."""


class HueFreeDescriptor(Encoder):
    """As `HistologyDescriptor`, but on the strongest and the weakest absorption of each pixel.

    Hematoxylin absorbs in all colours, eosin hardly outside green, whatever their exact hue:
    the least absorbed colour shows nuclei, the most absorbed one all of the tissue. Which
    colour that is, is not looked at.

    Parameters
    ----------
    spec
        Its row; ``dim`` is `DIM`.
    threads
        As in `HistologyDescriptor`.
    """

    def __init__(self, spec: EncoderSpec, identity: str, threads: int | None = None) -> None:
        self.spec = spec
        self.identity = identity
        self.device = "cpu"
        self.threads = threads or os.cpu_count() or 1
        self._pyramid = GaborPyramid(spec.tile_px // 2)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`.

        Raises
        ------
        EncoderError
            If the tiles are not (n, tile_px, tile_px, 3) uint8.
        """
        check_tiles(tiles, self.spec)
        features = np.empty((len(tiles), DIM), dtype=np.float32)
        workers = min(self.threads, len(tiles))
        if workers <= 1:
            for i, tile in enumerate(tiles):
                features[i] = self.describe(tile)
            return features
        with ThreadPoolExecutor(workers) as pool:
            for i, vector in enumerate(pool.map(self.describe, tiles)):
                features[i] = vector
        return features

    def describe(self, tile: NDArray[np.uint8]) -> Floats:
        """The vector of one tile, float32 (DIM,)."""
        channels = ordered_channels(tile)
        stains = channels[2:]
        moduli = self._pyramid.moduli(stains)
        maps = common_grid(moduli)
        parts = [
            moments_of(channels, [(0, 1), (2, 3)]),
            band_statistics(moduli),
            modulation_energies(maps),
            directed_covariance(maps),
            mixed_covariance(maps, stains),
        ]
        for stain in stains:
            octave = stain[None]
            for _ in range(_LBP_OCTAVES):
                octave = halve(octave)
                parts.append(pattern_frequencies(octave[0]))
        return np.concatenate(parts)
