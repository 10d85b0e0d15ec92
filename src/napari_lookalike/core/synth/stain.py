"""From concentrations to what a scanner records: stain, scanner, pen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from napari_lookalike.core.synth.fields import Rng, grain, smooth_noise, smoothstep

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Stain:
    """A centre's stain and scanner, or one slide's.

    Parameters
    ----------
    hematoxylin, eosin, bright
        Optical density of concentration 1 in red, green, blue.
    strength
        What multiplies the concentrations of hematoxylin, eosin, bright.
    white
        Red, green, blue of glass, 0 to 255.
    blur_px
        Radius of the scanner's blur.
    noise
        Standard deviation of its noise, grey levels.
    """

    hematoxylin: tuple[float, float, float]
    eosin: tuple[float, float, float]
    bright: tuple[float, float, float]
    strength: tuple[float, float, float] = (1.0, 1.0, 1.0)
    white: tuple[float, float, float] = (244.0, 243.0, 245.0)
    blur_px: float = 0.5
    noise: float = 2.0

    def jittered(self, rng: Rng, amount: float) -> Stain:
        """One slide of the centre: another day, another thickness.

        Parameters
        ----------
        rng
            Source of randomness.
        amount
            1 for the usual spread between slides of one laboratory.
        """

        def shaken(vector: tuple[float, float, float], by: float) -> tuple[float, float, float]:
            r, g, b = np.asarray(vector) * np.exp(by * amount * rng.standard_normal(3))
            return float(r), float(g), float(b)

        common = float(np.exp(0.05 * amount * rng.normal()))
        h, e, b = shaken(self.strength, 0.07)
        return Stain(
            shaken(self.hematoxylin, 0.025),
            shaken(self.eosin, 0.03),
            shaken(self.bright, 0.02),
            (h * common, e * common, b * common),
            shaken(self.white, 0.004),
            self.blur_px * float(rng.uniform(0.85, 1.25)),
            self.noise,
        )


CENTRES: dict[str, Stain] = {
    # Blue hematoxylin, rose eosin.
    "Centre A": Stain((0.66, 0.66, 0.28), (0.09, 0.80, 0.40), (0.06, 0.80, 0.56)),
    # Violet hematoxylin, stronger and more orange eosin, warmer glass, another scanner.
    "Centre B": Stain(
        (0.54, 0.74, 0.33),
        (0.07, 0.74, 0.52),
        (0.05, 0.78, 0.68),
        (0.93, 1.12, 1.08),
        (248.0, 245.0, 240.0),
        0.65,
        1.6,
    ),
}
"""Stain by centre; vectors after Ruifrok and Johnston 2001 and Macenko et al. 2009."""


def develop(rng: Rng, conc: NDArray[np.float32], stain: Stain) -> RGB:
    """Concentrations (h, w, 3) to an RGB image by Beer's law; ``conc`` is used up."""
    h, w = conc.shape[:2]
    matrix = np.array([stain.hematoxylin, stain.eosin, stain.bright], dtype=np.float32)
    matrix *= np.array(stain.strength, dtype=np.float32)[:, None]
    light = conc.reshape(-1, 3) @ -matrix
    np.exp(light, out=light)
    light *= np.array(stain.white, dtype=np.float32)
    image = Image.fromarray(light.reshape(h, w, 3).astype(np.uint8))
    image = image.filter(ImageFilter.BoxBlur(stain.blur_px))
    sheet = np.rint(stain.noise * grain(rng, 256, 0.45)[..., None] + 0.3)
    noise = np.tile(sheet.astype(np.int16), (-(-h // 256), -(-w // 256), 1))[:h, :w]
    noisy = np.asarray(image, dtype=np.int16) + noise
    developed: RGB = np.clip(noisy, 0, 255).astype(np.uint8)
    return developed


_INKS = ((28, 62, 150), (24, 110, 78), (40, 40, 46))


def pen_mark(rng: Rng, image: RGB) -> tuple[RGB, NDArray[np.bool_]]:
    """Draw a felt-pen line along one side of the slide, as a pathologist would.

    Returns
    -------
    ndarray of uint8 (h, w, 3), ndarray of bool (ceil(h / 8), ceil(w / 8))
        The marked image, and where the ink is, coarse.
    """
    h, w = image.shape[:2]
    step = 8
    mask = Image.new("L", (-(-w // step), -(-h // step)), 0)
    side = int(rng.integers(4))
    t = np.linspace(0.05, rng.uniform(0.45, 0.8), 40)
    sway = 0.055 + 0.02 * np.sin(7 * t + rng.uniform(0, 6)) + 0.10 * (t - 0.4) ** 2
    x, y = {0: (t, sway), 1: (t, 1 - sway), 2: (sway, t), 3: (1 - sway, t)}[side]
    points = [(float(a * mask.width), float(b * mask.height)) for a, b in zip(x, y, strict=True)]
    width = max(3, round(min(h, w) * rng.uniform(0.022, 0.036) / step))
    ImageDraw.Draw(mask).line(points, fill=255, width=width, joint="curve")
    coarse = np.asarray(mask) > 127
    soft = mask.filter(ImageFilter.GaussianBlur(0.8)).resize((w, h), Image.Resampling.BICUBIC)
    alpha = np.asarray(soft, dtype=np.float32) / 255.0
    streaks = 0.84 + 0.06 * smooth_noise(rng, (h, w), 60.0)
    alpha = smoothstep(alpha, 0.35, 0.65) * np.clip(streaks, 0.5, 0.97)
    ink = np.array(_INKS[int(rng.integers(len(_INKS)))], dtype=np.float32) / 245.0
    through = 1.0 - alpha[..., None] * (1.0 - ink)
    return (image * through).astype(np.uint8), coarse
