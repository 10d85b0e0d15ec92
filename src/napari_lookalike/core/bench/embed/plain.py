"""What pipelines do that embed slides with OpenSlide and a data loader, as a peer to beat.

One region a tile by ``OpenSlide.read_region``, made RGB, turned into a float tensor and
normalised in worker processes, batched by torch's data loader, encoded in single
precision. What is to be resized is resized by Pillow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.tiles import TileGrid

BATCH = 64


class PlainTiles:
    """A data set of torch: tile number in, normalised float tensor out.

    Parameters
    ----------
    path
        The slide.
    grid
        Where its tiles lie.
    spec
        Gives the normalisation.
    """

    def __init__(self, path: Path, grid: TileGrid, spec: EncoderSpec) -> None:
        self._path, self._spec = path, spec
        self._corners, self._tile_px = grid.coords, grid.tile_px
        self._size = tuple(round(edge) for edge in grid.size_px0)
        self._slide: Any = None

    def __len__(self) -> int:
        return len(self._corners)

    def __getitem__(self, i: int) -> Any:
        import openslide
        import torch

        if self._slide is None:  # each worker opens its own
            self._slide = openslide.OpenSlide(self._path)
        x, y = (int(v) for v in self._corners[i])
        region = self._slide.read_region((x, y), 0, self._size).convert("RGB")
        tensor = torch.from_numpy(np.array(self._resized(region))).permute(2, 0, 1)
        tensor = tensor.float().div_(255)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (self._spec.mean, self._spec.std))
        return tensor.sub_(mean).div_(std)

    def _resized(self, region: Any) -> Any:
        """The region at the tile's scale, then at the network's, and its centre."""
        from PIL import Image

        size, edge = self._spec.resized_px, self._spec.network_px
        for px in (self._tile_px, size):
            if region.size != (px, px):
                how = Image.Resampling[self._spec.interpolation.upper()]
                region = region.resize((px, px), how)
        first = round((size - edge) / 2)
        return region.crop((first, first, first + edge, first + edge))


@dataclass(frozen=True)
class PlainLoop:
    """The loop, ready to run.

    Parameters
    ----------
    network
        Takes images (n, 3, tile_px, tile_px) and gives features (n, dim).
    device
        Where it computes.
    workers
        Processes that read.
    """

    network: Any
    device: str
    workers: int

    def run(self, tiles: PlainTiles) -> NDArray[np.float32]:
        """Features of all tiles, float32 (n, dim)."""
        import torch

        pinned = self.device == "cuda"
        data: Any = tiles  # has all that a data set must have
        batches: Any = torch.utils.data.DataLoader(
            data, batch_size=BATCH, num_workers=self.workers, pin_memory=pinned
        )
        parts = []
        with torch.inference_mode():
            for batch in batches:
                images = batch.to(self.device, non_blocking=pinned)
                parts.append(self.network(images).float().cpu().numpy())
        return np.concatenate(parts)
