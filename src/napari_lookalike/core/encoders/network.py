"""An encoder that is a network: whoever built it, this runs it on tiles."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.encoders.identity import network_identity
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
_BATCH = {"cpu": 16, "mps": 32, "cuda": 128}


def choose_device(device: str) -> str:
    """The device to use: "auto" takes cuda, else mps, else cpu.

    Raises
    ------
    EncoderError
        If the device is unknown or not here: choose "auto" or "cpu".
    """
    import torch

    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
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
        "cuda", "mps" or "cpu"; on cuda it computes in bfloat16.
    """

    def __init__(self, spec: EncoderSpec, network: Any, digest: str, device: str) -> None:
        import torch

        self.spec = spec
        self.device = device
        self.identity = network_identity(spec, digest)
        self.network = network.float().to(device).eval().requires_grad_(False)
        self._batch = _BATCH[device]
        scale = 255.0
        self._mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1) * scale
        self._std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1) * scale

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
        images = tiles.permute(0, 3, 1, 2).float()
        return resize_and_crop(images, self.spec).sub_(self._mean).div_(self._std)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`.

        Raises
        ------
        EncoderError
            If the tiles have another shape or type, or one tile alone does not fit into the
            device's memory (use the cpu).
        """
        import torch

        check_tiles(tiles, self.spec)
        features = np.empty((len(tiles), self.spec.dim), dtype=np.float32)
        start = 0
        while start < len(tiles):
            stop = min(start + self._batch, len(tiles))
            try:
                features[start:stop] = self._encode_batch(tiles[start:stop])
            except torch.OutOfMemoryError as error:
                if self._batch == 1:
                    raise EncoderError(
                        f"{self.spec.title} does not fit into the memory of the {self.device}.",
                        "Close other programs that use it, or choose the cpu.",
                    ) from error
                self._batch //= 2
                continue
            start = stop
        return features

    def _encode_batch(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), self._precision():
            batch = torch.from_numpy(np.ascontiguousarray(tiles)).to(self.device)
            features = self.forward(self.prepare(batch))
        result: NDArray[np.float32] = features.float().cpu().numpy()
        return result

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self.device == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()


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
