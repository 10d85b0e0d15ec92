"""Slides and encoders that the figures of embedding are measured with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.encoders import encoder_spec
from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.tile_cache import tile_cache
from napari_lookalike.core.tiles import TileGrid, make_grid
from napari_lookalike.core.tissue import find_tissue

SMALL, LARGE = "timm:vit_small_patch16_224", "uni2-h"
"""A ViT-S, and a ViT-H/14-class one (681 million parameters)."""

TILE_PX, MPP = 224, 0.5
_TISSUE = 0.56
"""Share of a procedural slide's tiles that are tissue, nearly."""


def slide_with_tiles(path: Path, tiles: int, tile_px: int = TILE_PX) -> Path:
    """A procedural slide at 0.5 µm per pixel with about (at least) so many tissue tiles.

    Parameters
    ----------
    path
        File to write.
    tiles, tile_px
        How many, and their edge in pixels.
    """
    edge = int(np.ceil(np.sqrt(tiles / _TISSUE)) + 1) * tile_px
    return write_slide(path, edge, edge, mpp=MPP)


def first_tiles(slide: Slide, number: int, tile_px: int = TILE_PX) -> TileGrid:
    """The tissue grid of a slide, cut down to ``number`` tiles, whole rows from the middle."""
    grid = make_grid(slide, find_tissue(slide), tile_px=tile_px, mpp=MPP)
    start = max(0, (len(grid) - number) // 2)
    return replace(grid, cells=grid.cells[start : start + number])


def random_network(name: str, device: str, seed: int = 0) -> Any:
    """A row of the catalogue with random weights: as fast as with those that are published.

    Parameters
    ----------
    name
        Of the row.
    device
        "cpu", "cuda" or "mps".
    seed
        Of the weights; the caller's random state is left alone.
    """
    import torch

    from napari_lookalike.core.encoders.build import build_network
    from napari_lookalike.core.encoders.network import NetworkEncoder

    spec = encoder_spec(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(spec)
    return NetworkEncoder(spec, network, f"random{seed}", device)


class Thumbs(Encoder):
    """An encoder that costs next to nothing: a tile's 8 x 8 thumbnail, mixed to ``dim`` numbers.

    Parameters
    ----------
    tile_px
        Edge of its tiles in pixels, a multiple of 8.
    dim
        Length of a vector.
    """

    def __init__(self, tile_px: int = TILE_PX, dim: int = 192) -> None:
        self.spec = EncoderSpec(
            "thumbs", "thumbnails", "builtin", tile_px=tile_px, mpp=MPP, pooling="none", dim=dim
        )
        self.identity = f"thumbs-{tile_px}-{dim}-v1"
        mix = np.random.default_rng(0).normal(size=(192, dim)) / 8
        self._mix = mix.astype(np.float32)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to vectors; see `Encoder.encode`."""
        check_tiles(tiles, self.spec)
        step = self.spec.tile_px // 8
        small = tiles[:, step // 2 :: step, step // 2 :: step].reshape(len(tiles), -1)
        return np.asarray(small.astype(np.float32) / 255 @ self._mix, np.float32)


@contextmanager
def opened(path: Path) -> Iterator[Slide]:
    """The slide, opened anew, with nothing of it decoded yet."""
    tile_cache().clear()
    with open_slide(path) as slide:
        yield slide
