"""The descriptor as an encoder: colour, Gabor pyramid and local binary patterns in one vector."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.encoders.descriptor.colour import (
    Floats,
    colour_statistics,
    halve,
    stain_channels,
)
from napari_lookalike.core.encoders.descriptor.cooccurrence import (
    common_grid,
    directed_covariance,
    mixed_covariance,
    modulation_energies,
)
from napari_lookalike.core.encoders.descriptor.gabor import GaborPyramid, band_statistics
from napari_lookalike.core.encoders.descriptor.lbp import pattern_frequencies

VERSION = 2
"""Raised whenever a vector changes: a part of the identity, so old features are not mixed in."""

DIM = 586
"""Length of a vector."""

COARSE_DIM = 526
"""The same without the finest octave of the binary patterns."""

_CHANNELS = 2  # hematoxylin and eosin
_LBP_OCTAVES = 3


@functools.cache
def _libraries() -> Any:
    """The libraries with threads of their own; looking for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class HistologyDescriptor(Encoder):
    """Fixed, weight-free, deterministic descriptor of H&E tiles.

    Each tile is described alone, so its vector does not depend on the batch, on the
    number of threads or on the process.

    Parameters
    ----------
    spec
        Its row in the catalogue.
    threads
        Tiles described at the same time; ``None`` for as many as there are cores. An
        attribute, too: set it to 1 where processes share the cores already.
    finest
        Whether the binary patterns of the finest octave are in the vector (`DIM` numbers) or
        not (`COARSE_DIM`): they tell most of the scanner's sharpness.
    """

    def __init__(
        self, spec: EncoderSpec, threads: int | None = None, *, finest: bool = True
    ) -> None:
        self.spec = spec
        self.identity = f"{spec.name}-v{VERSION}"
        self.device = "cpu"
        self.threads = threads or os.cpu_count() or 1
        self._finest = finest
        self._pyramid = GaborPyramid(spec.tile_px // 2)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`.

        Raises
        ------
        EncoderError
            If the tiles are not (n, tile_px, tile_px, 3) uint8.
        """
        check_tiles(tiles, self.spec)
        features = np.empty((len(tiles), self.spec.dim), dtype=np.float32)
        workers = min(self.threads, len(tiles))
        # The matrices have some dozen rows: threads of BLAS wait for each other longer than
        # they compute, and on a busy machine many times longer.
        with _libraries().limit(limits=1, user_api="blas"):
            if workers <= 1:
                for i, tile in enumerate(tiles):
                    features[i] = self._describe(tile)
                return features
            with ThreadPoolExecutor(workers) as pool:
                for i, vector in enumerate(pool.map(self._describe, tiles)):
                    features[i] = vector
        return features

    def _describe(self, tile: NDArray[np.uint8]) -> Floats:
        density, stains = stain_channels(tile)
        moduli = self._pyramid.moduli(stains[:_CHANNELS])
        maps = common_grid(moduli)
        parts = [
            colour_statistics(density, stains),
            band_statistics(moduli),
            modulation_energies(maps),
            directed_covariance(maps),
            mixed_covariance(maps, stains),
        ]
        for channel in range(_CHANNELS):
            octave = stains[channel : channel + 1]
            for number in range(_LBP_OCTAVES):
                if number or self._finest:
                    parts.append(pattern_frequencies(octave[0]))
                octave = halve(octave)
        return np.concatenate(parts)
