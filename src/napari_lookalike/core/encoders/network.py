"""An encoder that is a network: whoever built it, this runs it on tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Colours, Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.encoders.batching import is_out_of_memory, probe_batch
from napari_lookalike.core.encoders.identity import network_identity
from napari_lookalike.core.encoders.precision import autocast, choose_precision
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
"""Also "cuda:<number>", for one of several graphics cards."""

_CPU_BATCH = 16
_FIRST_GUESS = 128
_CONVOLUTIONS = 4
"""A network with so many is quicker with channels last; a transformer has one, its first."""


def choose_device(device: str) -> str:
    """The device to use: "auto" takes cuda, else mps, else cpu.

    Raises
    ------
    EncoderError
        If the device is unknown or not here: choose "auto" or "cpu".
    """
    import torch

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    here = {"cuda": cards > 0, "mps": torch.backends.mps.is_available(), "cpu": True}
    here |= {f"cuda:{i}": True for i in range(cards)}
    if device == "auto":
        return next(name for name, present in here.items() if present)
    if not here.get(device, False):
        raise EncoderError(
            f"The device {device!r} is not available here.",
            f"Choose auto or one of: {', '.join(name for name in here if here[name])}.",
        )
    return device


class NetworkEncoder(Encoder):
    """A network in evaluation mode with its resizing, normalisation and pooling.

    Parameters
    ----------
    spec
        Its row.
    network
        The network, with its weights.
    digest
        SHA-256 of the weights.
    device
        "cuda", "cuda:<number>", "mps" or "cpu".

    Attributes
    ----------
    precision
        What it computes in: "bfloat16", "float16" or "float32"; tried out with the first
        tiles (see `precision.choose_precision`).
    """

    def __init__(self, spec: EncoderSpec, network: Any, digest: str, device: str) -> None:
        import torch

        self.spec = spec
        self.device = device
        self.identity = network_identity(spec, digest)
        self.network = network.float().to(device).eval().requires_grad_(False)
        self._convolutional = _is_convolutional(self.network)
        if self._convolutional:
            self.network = self.network.to(memory_format=torch.channels_last)
        self._run = self.forward
        self._most = _CPU_BATCH if device == "cpu" else _FIRST_GUESS
        self._probed = device == "cpu"
        self._padded = False
        scale = 255.0
        self._mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1) * scale
        self._std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1) * scale

    @cached_property
    def precision(self) -> str:
        """See the class."""
        import torch

        parameters = sum(p.numel() for p in self.network.parameters())
        with torch.inference_mode():
            return choose_precision(self.device, self.spec, parameters, self._in_precision)

    def compile(self) -> None:
        """Have torch compile the network: minutes at first, some per cent quicker then."""
        import torch

        self._run, self._padded = torch.compile(self.forward, dynamic=False), True

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, network_px, network_px), normalised, to features (n, dim)."""
        from napari_lookalike.core.encoders.build import forward

        return forward(self.network, self.spec, images)

    def prepare(self, tiles: torch.Tensor) -> torch.Tensor:
        """What the network sees of some tiles, on the tiles' device.

        Parameters
        ----------
        tiles
            (n, tile_px, tile_px, 3) uint8 RGB.

        Returns
        -------
        Tensor of float32 (n, 3, network_px, network_px), resized, cut and normalised
        """
        import torch

        images = tiles.permute(0, 3, 1, 2).float()
        images = resize_and_crop(images, self.spec).sub_(self._mean).div_(self._std)
        if self._convolutional:
            return images.contiguous(memory_format=torch.channels_last)
        return images.contiguous()

    def best_batch(self) -> int:
        """Tiles at once: on a GPU found by trying, once."""
        if not self._probed:
            self._probed = True
            self._most = probe_batch(self._try_batch)
            self._empty_cache()
        return self._most

    def buffer(self, shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """Page-locked memory for a CUDA device, so that copies don't wait."""
        if not self.device.startswith("cuda"):
            return super().buffer(shape)
        import torch

        pinned: NDArray[np.uint8] = torch.empty(shape, dtype=torch.uint8, pin_memory=True).numpy()
        return pinned

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`.

        Raises
        ------
        EncoderError
            If the tiles have another shape or type, or one tile alone does not fit into the
            device's memory (use the cpu).
        """
        return self._encode(tiles, None)

    def stream(
        self, batches: Iterable[NDArray[np.uint8]], colours: Colours | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """See `Encoder.stream`. On CUDA the next batch is copied while one is computed."""
        if self.device.startswith("cuda"):
            from napari_lookalike.core.encoders.cuda_stream import stream_on_cuda

            yield from stream_on_cuda(batches, self.device, lambda t: self.features(t, colours))
            return
        for tiles in batches:
            yield self._encode(tiles, colours)

    def features(self, tiles: torch.Tensor, colours: Colours | None = None) -> torch.Tensor:
        """Features of tiles that are on the device already.

        As many at once as its memory takes: when it ends, half as many, and again.

        Parameters
        ----------
        tiles
            (n, tile_px, tile_px, 3) uint8 on the device.
        colours
            Applied to them first.

        Returns
        -------
        Tensor of float32 (n, dim) on the device

        Raises
        ------
        EncoderError
            If one tile alone does not fit.
        """
        import torch

        done: list[torch.Tensor] = []
        start = 0
        with torch.inference_mode():
            while start < len(tiles):
                part = tiles[start : start + self._most]
                try:
                    done.append(self._in_precision(part, self.precision, colours))
                    start += len(part)
                    continue
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    if self._most == 1:
                        raise EncoderError(
                            f"{self.spec.title} does not fit into the memory of the {self.device}.",
                            "Close other programs that use it, or choose the cpu.",
                        ) from error
                # Out of the handler: the error holds the tensors that were in the way.
                self._most = max(1, min(self._most, len(part)) // 2)
                self._empty_cache()
        return done[0] if len(done) == 1 else torch.cat(done)

    def _encode(self, tiles: NDArray[np.uint8], colours: Colours | None) -> NDArray[np.float32]:
        import torch

        check_tiles(tiles, self.spec)
        if not len(tiles):
            return np.empty((0, self.spec.dim), np.float32)
        if not tiles.flags.writeable:  # torch warns of such
            tiles = tiles.copy()
        batch = torch.from_numpy(np.ascontiguousarray(tiles)).to(self.device)
        result: NDArray[np.float32] = self.features(batch, colours).cpu().numpy()
        return result

    def _in_precision(
        self, tiles: torch.Tensor, precision: str, colours: Colours | None = None
    ) -> torch.Tensor:
        import torch

        count = len(tiles)
        if self._padded and count < self._most:  # another size would be compiled anew
            rest = tiles.new_zeros((self._most - count, *tiles.shape[1:]))
            tiles = torch.cat([tiles, rest])
        images = self.prepare(tiles if colours is None else colours(tiles))
        with autocast(self.device, precision):
            return self._run(images)[:count].float()

    def _try_batch(self, count: int) -> None:
        import torch

        edge = self.spec.tile_px
        tiles = torch.zeros((count, edge, edge, 3), dtype=torch.uint8, device=self.device)
        with torch.inference_mode():
            self._in_precision(tiles, self.precision).sum().item()  # waits for the device

    def _empty_cache(self) -> None:
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        elif self.device == "mps":
            torch.mps.empty_cache()


def _is_convolutional(network: Any) -> bool:
    import torch

    found = sum(isinstance(m, torch.nn.Conv2d) for m in network.modules())
    return found >= _CONVOLUTIONS


def resize_and_crop(images: torch.Tensor, spec: EncoderSpec) -> torch.Tensor:
    """Resize tiles and take their centre, as the row says.

    Parameters
    ----------
    images
        (n, 3, tile_px, tile_px) float, in [0, 255].

    Returns
    -------
    Tensor (n, 3, network_px, network_px), in [0, 255]
    """
    import torch

    size, edge = spec.resized_px, spec.network_px
    if images.shape[-1] != size:
        images = torch.nn.functional.interpolate(
            images, size=(size, size), mode=spec.interpolation, antialias=True, align_corners=False
        ).clamp_(0, 255)  # bicubic overshoots, which 8-bit pictures cut off
    first = round((size - edge) / 2)
    return images[..., first : first + edge, first : first + edge]
