"""Views of drawn fields: another crop, another laboratory, another scanner each time."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_lookalike.core.pretrain.field import FIELD_PX, LEVELS
from napari_lookalike.core.synth.fields import Rng, grain

if TYPE_CHECKING:
    from torch import Tensor

TILE_PX = 224

# Optical density (natural logarithm) of concentration 1 in red, green and blue: between
# Ruifrok and Johnston 2001 and what scanners show; the third is blood.
_STAINS = np.array(
    [[0.62, 0.70, 0.30], [0.08, 0.80, 0.42], [0.06, 0.80, 0.58]],
    dtype=np.float32,
)


@dataclass(frozen=True)
class Strength:
    """How far views of one field may differ.

    Parameters
    ----------
    vector
        Logarithmic standard deviation of each entry of the stains' colours.
    amount
        The same of the amount of each stain.
    hue
        Largest turn of the colours, in radians.
    blurred, compressed
        Share of the views that are blurred, or went through JPEG.
    """

    vector: float = 0.18
    amount: float = 0.30
    hue: float = 0.6
    blurred: float = 0.5
    compressed: float = 0.3


PLAIN = Strength(0.02, 0.05, 0.0, 0.0, 0.0)
STRONG = Strength()


def crops(rng: Rng, conc: NDArray[np.uint8], px: int = TILE_PX) -> NDArray[np.uint8]:
    """A random crop of each field, turned and flipped, uint8 (n, px, px, 3)."""
    out = np.empty((len(conc), px, px, 3), dtype=np.uint8)
    for i, field in enumerate(conc):
        y, x = rng.integers(0, FIELD_PX - px + 1, 2)
        tile = np.rot90(field[y : y + px, x : x + px], int(rng.integers(4)))
        out[i] = tile[:, ::-1] if rng.random() < 0.5 else tile
    return out


def hue_turn(angle: float) -> NDArray[np.float32]:
    """(3, 3) rotation of RGB about the grey axis (Rodrigues' formula)."""
    axis = np.full(3, 1 / np.sqrt(3.0))
    cross = np.cross(np.eye(3), axis)
    outer = np.outer(axis, axis)
    turned = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * outer
    return np.asarray(turned, np.float32)


class Scanner:
    """Turns concentrations into pixels, each tile in its own laboratory.

    Parameters
    ----------
    seed
        Of the noise sheets and of every choice.
    strength
        How different laboratories are.
    """

    def __init__(self, seed: int, strength: Strength = STRONG) -> None:
        import torch

        self._rng = np.random.default_rng([seed, 5])
        self._strength = strength
        sheets = [grain(self._rng, 512, sigma) for sigma in (0.45, 0.8)]
        self._noise = torch.from_numpy(np.stack(sheets))

    def reseed(self, seed: int) -> None:
        """Let the choices that follow be a function of ``seed`` alone."""
        self._rng = np.random.default_rng([seed, 6])

    def develop(self, conc: NDArray[np.uint8]) -> Tensor:
        """Concentrations uint8 (n, h, w, 3) to float32 (n, 3, h, w), whole numbers 0 to 255."""
        import torch

        rng, n = self._rng, len(conc)
        amounts = torch.from_numpy(conc).reshape(n, -1, 3).to(torch.float32)
        stains = torch.from_numpy(self._stains(n))
        light = torch.bmm(amounts, stains).neg_().exp_()
        light = torch.bmm(light, torch.from_numpy(self._colours(n)))
        height, width = conc.shape[1:3]
        image = light.reshape(n, height, width, 3).permute(0, 3, 1, 2).contiguous()
        gamma = np.exp(0.15 * rng.standard_normal((n, 1, 1, 1))).astype(np.float32)
        image = image.clamp_(1e-3, 1.1).pow_(torch.from_numpy(gamma)).mul_(255.0)
        self._blur(image)
        self._grain(image)
        image = image.round_().clamp_(0, 255)
        self._compress(image)
        return image

    def _stains(self, n: int) -> NDArray[np.float32]:
        rng, s = self._rng, self._strength
        vectors = _STAINS * np.exp(s.vector * rng.standard_normal((n, 3, 3)))
        each = np.exp(s.amount * rng.standard_normal((n, 3, 1)))
        common = np.exp(s.amount * rng.standard_normal((n, 1, 1)))
        return (vectors * each * common / LEVELS).astype(np.float32)

    def _colours(self, n: int) -> NDArray[np.float32]:
        """Glass and the colours' turn as one matrix; row vectors from the left."""
        rng, s = self._rng, self._strength
        turns = np.stack([hue_turn(a) for a in rng.uniform(-s.hue, s.hue, n)])
        white = rng.uniform(0.86, 1.0, (n, 1, 1)) * rng.uniform(0.95, 1.0, (n, 1, 3))
        return (turns * white).astype(np.float32)

    def _blur(self, image: Tensor) -> None:
        import torch

        rng = self._rng
        which = np.flatnonzero(rng.random(len(image)) < self._strength.blurred)
        if len(which) == 0:
            return
        reach = np.arange(-3, 4)
        sigmas = rng.uniform(0.4, 1.7, len(which))
        kernels = np.exp(-(reach**2) / (2 * sigmas[:, None] ** 2))
        kernels = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)
        k = torch.from_numpy(np.repeat(kernels, 3, axis=0))
        part = image[which].reshape(1, -1, *image.shape[2:])
        part = torch.nn.functional.pad(part, (3, 3, 3, 3), mode="reflect")
        conv, groups = torch.nn.functional.conv2d, part.shape[1]
        part = conv(part, k[:, None, :, None], groups=groups)
        part = conv(part, k[:, None, None, :], groups=groups)
        image[which] = part.reshape(-1, *image.shape[1:])

    def _grain(self, image: Tensor) -> None:
        rng, size = self._rng, image.shape[2]
        for tile in image:
            sheet = self._noise[int(rng.integers(len(self._noise)))]
            y, x = (int(v) for v in rng.integers(0, 512 - size, 2))
            tile += float(rng.gamma(2.0, 1.3)) * sheet[y : y + size, x : x + size]

    def _compress(self, image: Tensor) -> None:
        import torch

        rng = self._rng
        for i in np.flatnonzero(rng.random(len(image)) < self._strength.compressed):
            pixels = image[i].permute(1, 2, 0).to(torch.uint8).numpy()
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "jpeg", quality=int(rng.integers(35, 92)))
            again = np.asarray(Image.open(file))
            image[i] = torch.from_numpy(again.copy()).permute(2, 0, 1).to(torch.float32)
