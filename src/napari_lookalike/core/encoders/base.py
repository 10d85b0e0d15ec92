"""What an encoder is: a row that describes it, and the thing that runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import EncoderError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EncoderSpec:
    """One row of the catalogue: all that is known of an encoder before it is loaded.

    A tile is cut from the slide with ``tile_px`` at ``mpp``. The network may see less of it:
    the tile is resized to ``resize_px``, then its centre of ``input_px`` is taken.

    Parameters
    ----------
    name
        The key ("uni2-h").
    title
        For a person ("UNI2-h").
    loader
        Who builds the network: "timm", "transformers", "open_clip", "own" (a small module of
        ours, where no library builds it), "builtin" (ships with us) or "import" (features
        that another program computed are imported).
    hub_id
        Hub repository ("MahmoodLab/UNI2-h"); empty for a built-in one.
    files
        Names of the weight file in that repository, the best first. Empty: what the hub's
        libraries write (``model.safetensors``, ``pytorch_model.bin``).
    architecture
        The loader's name of the network.
    arguments
        Its arguments, complete: no hub configuration needed.
    tile_px
        Edge of the tile that is cut from the slide and given to `Encoder.encode`, in pixels.
    input_px
        Edge of what the network sees, in pixels; 0: the tile as it is.
    resize_px
        Edge to which the tile is resized before its centre is taken; 0: ``input_px``.
    interpolation
        "bilinear" or "bicubic", for that resize (antialiased).
    mpp
        µm per pixel at which tiles are cut.
    mean, std
        Normalisation of RGB in [0, 1].
    pooling
        "cls", "mean", "cls+mean" (mean over patch tokens without prefix tokens) or "none"
        (the network itself gives one vector).
    dim
        Length of a feature vector.
    parameters
        Millions of parameters of the network that we build; 0 where unknown.
    parameters_from
        "published" (by the authors) or "computed" (counted by us in what the row builds).
    licence
        Licence of the weights, as published.
    gated
        Whether a click-through or a request stands before the download.
    derived_heads
        Whether heads trained on its features inherit the licence's terms.
    renames
        Prefix of a tensor's name in the published file -> prefix in our network.
    leave_out
        Prefixes of tensors of the published file that are no part of the encoder (the text
        tower of a vision-language model).
    note
        What to know when choosing it (weakness, evidence), in a sentence or two.
    doubt
        What of this row could not be verified against the published weights.
    verified
        Whether loading the published weights was tried by us. Without them: never.
    """

    name: str
    title: str
    loader: str
    hub_id: str = ""
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tile_px: int = 224
    mpp: float = 0.5
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    pooling: str = "cls"
    dim: int = 0
    licence: str = ""
    gated: bool = False
    derived_heads: bool = False
    note: str = ""
    verified: bool = False
    files: tuple[str, ...] = ()
    input_px: int = 0
    resize_px: int = 0
    interpolation: str = "bilinear"
    parameters: float = 0.0
    parameters_from: str = ""
    renames: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def network_px(self) -> int:
        """Edge of what the network sees, in pixels."""
        return self.input_px or self.tile_px

    @property
    def resized_px(self) -> int:
        """Edge of the tile after the resize, before its centre is taken, in pixels."""
        return self.resize_px or self.network_px


Colours = Callable[[Any], Any]
"""Tiles (n, height, width, 3) uint8 to tiles of other colours; an array, or a tensor on any
device."""


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

    def compile(self) -> None:
        """Have the network compiled, where there is one and that can be done."""
        return

    def best_batch(self) -> int:
        """How many tiles it likes to get at once; may try it out first."""
        return 32

    def for_slide(self, sample: NDArray[np.uint8]) -> Encoder:
        """The encoder for one slide, from up to 64 tiles spread over it; itself by default.

        Parameters
        ----------
        sample
            (n, tile_px, tile_px, 3) uint8 RGB. The same tiles must give the same encoder.
        """
        return self

    def buffer(self, shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """Memory for a batch of tiles from which the device copies best."""
        return np.empty(shape, np.uint8)

    def stream(
        self, batches: Iterable[NDArray[np.uint8]], colours: Colours | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Vectors of one batch after another; a device may work on one while the next comes.

        Parameters
        ----------
        batches
            As for `encode`. An array is used no more once two others have been taken.
        colours
            Applied to tiles first: a stain normalisation.

        Yields
        ------
        ndarray of float32 (n, dim)
            In the order of the batches.
        """
        for tiles in batches:
            yield self.encode(tiles if colours is None else colours(tiles))


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
