"""A map from colour to colour that both methods come down to, in numpy and in torch.

Macenko's method is linear in optical density, Reinhard's in the logarithm of cone
responses. Both are therefore ``after · exp(matrix · log(before · (I + add)) + offset)``,
a few operations a pixel on any device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Matrix = NDArray[np.float64]

_HIGHEST: Final = 7.0
"""exp(7) is far beyond white: no number overflows, whatever the fit."""

LIGHT: Final = 240.0
"""Grey level of light that passes no stain (Macenko's I_0)."""

BETA: Final = 0.15
"""Below this density (natural logarithm) a channel is as good as clear (Macenko's β)."""

_CHUNK: Final = 1 << 16
"""Pixels at a time on the CPU, so that what is computed stays in its cache."""


@dataclass(frozen=True, eq=False)
class ColourMap:
    """The map ``after · exp(matrix · log(max(before · (I + add), 1)) + offset)``.

    Parameters
    ----------
    matrix
        (3, 3).
    offset
        (3,).
    before, after
        (3, 3), or ``None`` for the identity.
    add
        Added to the grey levels (0 to 255) first.
    keep_glass
        Leave what absorbs nothing as it is, and go over to the map up to the density `BETA`.
    """

    matrix: Matrix
    offset: Matrix
    before: Matrix | None = None
    after: Matrix | None = None
    add: float = 0.0
    keep_glass: bool = False

    def on_array(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Map uint8 RGB pixels (..., 3)."""
        out = np.empty(tiles.shape, np.uint8)
        pixels, mapped = tiles.reshape(-1, 3), out.reshape(-1, 3)
        for start in range(0, len(pixels), _CHUNK):
            part = slice(start, start + _CHUNK)
            mapped[part] = self._chunk(pixels[part])
        return out

    def _chunk(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # Channel by channel: products with a 3 x 3 matrix are slower in BLAS than by hand.
        if self.before is None:
            table = np.log(np.maximum(np.arange(256) + self.add, 1)).astype(np.float32)
            logs = [table[pixels[:, c]] for c in range(3)]
        else:
            grey = [pixels[:, c].astype(np.float32) + np.float32(self.add) for c in range(3)]
            logs = [np.log(np.maximum(x, 1, out=x), out=x) for x in _product(self.before, grey)]
        light = _product(self.matrix, logs, self.offset)
        light = [np.exp(np.minimum(x, _HIGHEST, out=x), out=x) for x in light]
        if self.after is not None:
            light = _product(self.after, light)
        out = np.empty(pixels.shape, np.uint8)
        part = _STAINED[pixels.min(axis=1)] if self.keep_glass else None
        for c, x in enumerate(light):
            np.clip(x, 0, 255, out=x)
            if part is not None:
                x = pixels[:, c] + part * (x - pixels[:, c])
            out[:, c] = np.rint(x, out=x)
        return out

    def on_tensor(self, tiles: torch.Tensor) -> torch.Tensor:
        """Map a uint8 tensor (..., 3) on its own device.

        Element by element and in single precision: autocast and TF32 change matrix
        products only, so features don't depend on them here.
        """
        import torch

        grey = [tiles[..., c].to(torch.float32) + self.add for c in range(3)]
        if self.before is not None:
            grey = _product(self.before, grey)
        logs = [x.clamp(min=1).log() for x in grey]
        light = [x.clamp(max=_HIGHEST).exp() for x in _product(self.matrix, logs, self.offset)]
        if self.after is not None:
            light = _product(self.after, light)
        light = [x.clamp(0, 255) for x in light]
        if self.keep_glass:
            part = _stained(tiles.amin(dim=-1).to(torch.float32))
            light = [torch.lerp(tiles[..., c].float(), x, part) for c, x in enumerate(light)]
        return torch.stack([x.round().to(torch.uint8) for x in light], dim=-1)


def _stained(darkest: torch.Tensor) -> torch.Tensor:
    """0 for glass to 1 for stain, from the darkest channel of each pixel."""
    return ((darkest + 1) / LIGHT).log().div(-BETA).clamp(0, 1)


_STAINED: Final = np.clip(-np.log((np.arange(256, dtype=np.float32) + 1) / LIGHT) / BETA, 0, 1)
"""`_stained` of every grey level."""


def _product(matrix: Matrix, channels: list[Any], offset: Matrix | None = None) -> list[Any]:
    """Matrix times (3, n) given as three arrays or tensors, plus an offset."""
    rows = []
    for r in range(3):
        row = channels[0] * float(matrix[r, 0])
        row += channels[1] * float(matrix[r, 1])
        row += channels[2] * float(matrix[r, 2])
        if offset is not None:
            row += float(offset[r])
        rows.append(row)
    return rows
