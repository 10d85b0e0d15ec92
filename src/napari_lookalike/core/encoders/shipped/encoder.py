"""The encoder that ships: descriptor and network side by side, each feature on its own scale."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.encoders.descriptor.encoder import COARSE_DIM as DESCRIPTOR_DIM
from napari_lookalike.core.encoders.descriptor.encoder import HistologyDescriptor
from napari_lookalike.core.encoders.shipped.facts import NETWORK_DIM, VERSION, WEIGHTS
from napari_lookalike.core.encoders.shipped.network import network_input, pooled, ready
from napari_lookalike.core.encoders.shipped.weights import read_weights

_BLOCK = 16
"""Tiles that go through the network together. Always as many (a last block is filled up): a
tile's vector must not depend on how many come with it."""


class ShippedEncoder(Encoder):
    """A fixed descriptor and a small network, trained by us on drawn tissue.

    Every feature is standardised by its mean and standard deviation over drawn tiles, so that
    neither half outweighs the other in a distance.

    Parameters
    ----------
    spec
        Its row in the catalogue.
    threads
        Cores used; ``None`` for all, and for one in a worker process of a pool, where
        others use the rest. An attribute, too.

    Raises
    ------
    EncoderError
        If the weight file is missing or damaged: install the plugin again.
    """

    def __init__(self, spec: EncoderSpec, threads: int | None = None) -> None:
        self.spec = spec
        self.identity = f"{spec.name}-v{VERSION}"
        self.device = "cpu"
        self.threads = threads or _cores()
        weights = read_weights(WEIGHTS)
        self._network = ready(weights.network)
        self._mean, self._scale = weights.mean, 1.0 / weights.std
        own = replace(spec, dim=DESCRIPTOR_DIM)
        self._descriptor = HistologyDescriptor(own, threads=1, finest=False)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`.

        Raises
        ------
        EncoderError
            If the tiles are not (n, tile_px, tile_px, 3) uint8.
        """
        check_tiles(tiles, self.spec)
        features = np.empty((len(tiles), self.spec.dim), dtype=np.float32)
        starts = range(0, len(tiles), _BLOCK)
        workers = min(self.threads, len(starts))

        def work(start: int) -> None:
            block = tiles[start : start + _BLOCK]
            features[start : start + _BLOCK] = self._block(block)

        with _single_threaded():
            if workers <= 1:
                for start in starts:
                    work(start)
            else:
                with ThreadPoolExecutor(workers, initializer=_one_thread) as pool:
                    list(pool.map(work, starts))
        return features

    def parts(self) -> tuple[Encoder, Encoder]:
        """The descriptor and the network as encoders of their own, to be measured."""
        both = slice(0, DESCRIPTOR_DIM), slice(DESCRIPTOR_DIM, None)
        names = "descriptor", "network"
        first, second = (_Part(self, n, p) for n, p in zip(names, both, strict=True))
        return first, second

    def _block(self, tiles: NDArray[np.uint8], halves: str = "both") -> NDArray[np.float32]:
        raw = np.zeros((len(tiles), DESCRIPTOR_DIM + NETWORK_DIM), dtype=np.float32)
        if halves != "network":
            raw[:, :DESCRIPTOR_DIM] = self._descriptor.encode(tiles)
        if halves != "descriptor":
            raw[:, DESCRIPTOR_DIM:] = self._responses(tiles)
        scaled: NDArray[np.float32] = (raw - self._mean) * self._scale
        return scaled

    def _responses(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        whole = np.zeros((_BLOCK, *tiles.shape[1:]), dtype=np.uint8)
        whole[: len(tiles)] = tiles
        with torch.inference_mode():
            rgb = torch.from_numpy(whole).permute(0, 3, 1, 2).contiguous().float()
            vectors: NDArray[np.float32] = pooled(self._network, network_input(rgb)).numpy()
        return vectors[: len(tiles)]


class _Part(Encoder):
    """One half of the shipped encoder."""

    def __init__(self, whole: ShippedEncoder, name: str, columns: slice) -> None:
        dim = len(range(*columns.indices(whole.spec.dim)))
        title = f"{whole.spec.title}: {name}"
        self.spec = replace(whole.spec, name=f"{whole.spec.name}-{name}", title=title, dim=dim)
        self.identity = f"{whole.identity}-{name}"
        self.threads = whole.threads
        self._whole, self._name, self._columns = whole, name, columns

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`."""
        check_tiles(tiles, self.spec)
        starts = range(0, len(tiles), _BLOCK)
        blocks = [tiles[start : start + _BLOCK] for start in starts]
        with (
            _single_threaded(),
            ThreadPoolExecutor(max(1, self.threads), initializer=_one_thread) as pool,
        ):
            found = list(pool.map(lambda b: self._whole._block(b, self._name), blocks))
        none = np.zeros((0, self._whole.spec.dim), dtype=np.float32)
        return np.ascontiguousarray(np.concatenate([none, *found])[:, self._columns])


def _cores() -> int:
    """All cores; one in a worker process, whose siblings use the others."""
    return 1 if multiprocessing.parent_process() is not None else os.cpu_count() or 1


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Torch on one thread within.

    Blocks are dealt to threads of ours, which scales better; and no sum depends on how many.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
