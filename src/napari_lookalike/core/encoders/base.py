"""What an encoder is: a row that describes it, and the thing that runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import EncoderError


@dataclass(frozen=True)
class EncoderSpec:
    """One row of the catalogue: all that is known of an encoder before it is loaded.

    Parameters
    ----------
    name
        The key ("uni2-h").
    title
        For a person ("UNI2-h").
    loader
        "builtin" (ships with us) or "timm".
    hub_id
        Hub repository ("MahmoodLab/UNI2-h"); empty for a built-in one.
    architecture
        timm architecture name.
    arguments
        Keyword arguments of ``timm.create_model``, complete: no hub configuration needed.
    tile_px
        Edge of the tile that the network sees, in pixels.
    mpp
        µm per pixel at which tiles are cut.
    mean, std
        Normalisation of RGB in [0, 1].
    pooling
        "cls", "mean", "cls+mean" (mean over patch tokens without prefix tokens) or "none".
    dim
        Length of a feature vector.
    licence
        Licence of the weights, as published.
    gated
        Whether a click-through or a request stands before the download.
    derived_heads
        Whether heads trained on its features inherit the licence's terms.
    note
        What to know when choosing it (weakness, evidence), in a sentence or two.
    verified
        Whether loading published weights was tried by us (never: we only test small ones).
    """

    name: str
    title: str
    loader: str
    hub_id: str = ""
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tile_px: int = 224
    mpp: float = 0.5
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    pooling: str = "cls"
    dim: int = 0
    licence: str = ""
    gated: bool = False
    derived_heads: bool = False
    note: str = ""
    verified: bool = False


class Encoder(ABC):
    """A loaded encoder.

    Attributes
    ----------
    spec
        Its row.
    identity
        Name, version and (for weights) a checksum: features with different identities
        are never mixed. Safe as part of a file name.
    device
        "cpu", "cuda" or "mps".
    """

    spec: EncoderSpec
    identity: str
    device: str = "cpu"

    @abstractmethod
    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors.

        Parameters
        ----------
        tiles
            (n, tile_px, tile_px, 3) uint8 RGB.

        Returns
        -------
        ndarray of float32 (n, dim)
        """


def check_tiles(tiles: NDArray[np.uint8], spec: EncoderSpec) -> None:
    """Refuse an array that is not a batch of tiles for this encoder.

    Raises
    ------
    EncoderError
        Cut the tiles at the encoder's ``tile_px``, as uint8 RGB.
    """
    wanted = (spec.tile_px, spec.tile_px, 3)
    if tiles.ndim != 4 or tiles.shape[1:] != wanted or tiles.dtype != np.uint8:
        raise EncoderError(
            f"{spec.title} takes uint8 tiles of shape (n, {wanted[0]}, {wanted[1]}, 3); "
            f"these are {tiles.dtype} {tiles.shape}.",
            f"Cut the tiles with {spec.tile_px} px.",
        )
