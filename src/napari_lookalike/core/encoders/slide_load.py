"""A slide encoder that is loaded: tiles' vectors in, the slide's vector out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.identity import network_identity, weight_file
from napari_lookalike.core.encoders.slide_encoders import (
    SLIDE_ENCODERS,
    SlideEncoderSpec,
    check_takes,
)
from napari_lookalike.core.errors import EncoderError

MEAN_VERSION = 1


class SlideEncoder:
    """Tiles' vectors to the slide's.

    Parameters
    ----------
    spec
        Its row.
    identity
        Name, version and checksum.
    network
        What pools; ``None`` for the mean.
    """

    def __init__(self, spec: SlideEncoderSpec, identity: str, network: Any = None) -> None:
        self.spec = spec
        self.identity = identity
        self._network = network

    def encode(self, instances: NDArray[np.float32], tile_encoder: str) -> NDArray[np.float32]:
        """The slide's vector.

        Parameters
        ----------
        instances
            float32 (n_tiles, dim of the tile encoder), at least one.
        tile_encoder
            `Encoder.identity` of what made them.

        Returns
        -------
        ndarray of float32 (dim,)

        Raises
        ------
        EncoderError
            If they are none, of another encoder, or of another length.
        """
        check_takes(self.spec, tile_encoder)
        if instances.ndim != 2 or len(instances) == 0:
            raise EncoderError(f"{self.spec.title} needs the vectors of at least one tile.")
        if self._network is None:
            mean: NDArray[np.float32] = instances.mean(axis=0, dtype=np.float64).astype(np.float32)
            return mean
        import torch

        wanted = int(self.spec.arguments["in_dim"])
        if instances.shape[1] != wanted:
            raise EncoderError(
                f"{self.spec.title} takes vectors of {wanted} numbers; "
                f"these have {instances.shape[1]}.",
                f"Embed the slides with {' or '.join(self.spec.takes)}.",
            )
        with torch.inference_mode():
            tiles = torch.from_numpy(np.ascontiguousarray(instances, dtype=np.float32))
            vector: NDArray[np.float32] = self._network(tiles).numpy()
        return vector


def load_slide_encoder(name: str, *, weights: Path | None = None) -> SlideEncoder:
    """Load a slide encoder, ready to encode. Never uses the network.

    Parameters
    ----------
    name
        A name in `SLIDE_ENCODERS`.
    weights
        Weight file, or a folder that holds it; ``None`` looks where those of tile encoders
        are looked for.

    Raises
    ------
    EncoderError
        If the name is unknown, its weights are missing or do not fit, or its vectors can
        only be imported (says why).
    """
    from napari_lookalike.core.encoders.build import fitted
    from napari_lookalike.core.encoders.checksums import remembered_checksum
    from napari_lookalike.core.encoders.files import read_state
    from napari_lookalike.core.encoders.likely import wrong_file

    spec = SLIDE_ENCODERS.get(name)
    if spec.loader == "builtin":
        return SlideEncoder(spec, f"{spec.name}-v{MEAN_VERSION}")
    row = spec.file_row()
    path = weight_file(row, weights)
    state = read_state(path)
    network, report = fitted(row, state)
    if not report.ok:
        raise wrong_file(row, state, report)
    identity = network_identity(row, remembered_checksum(path))
    return SlideEncoder(spec, identity, network.float().eval().requires_grad_(False))
