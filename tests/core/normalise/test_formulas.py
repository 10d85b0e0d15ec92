"""Both methods against their formulas, pixel by pixel and step by step.

The Macenko version below was itself compared with torchstain 1.4.1 (which cannot be a test
dependency: it installs a package called ``tests``): the same within the half grey level
that it cuts off.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.core.normalise.stained import BLUE, VIOLET, concentrations, develop

from napari_lookalike.core.normalise import fit_stain, macenko, reinhard
from napari_lookalike.core.normalise.pixels import NotFitted


def plain_macenko(tiles: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Macenko et al. 2009, without a shortcut; float, not rounded."""
    pixels = tiles.reshape(-1, 3)
    density = np.array([[-math.log((v + 1) / 240) for v in map(int, p)] for p in pixels])
    kept = np.array([d for d in density if min(d) >= 0.15])
    values, vectors = np.linalg.eig(np.cov(kept.T))
    order = np.argsort(values)[::-1]
    first, second = vectors[:, order[0]], vectors[:, order[1]]
    first = first * math.copysign(1, first.sum())
    angles = sorted(math.atan2(d @ second, d @ first) for d in kept)
    low, high = np.percentile(angles, 1), np.percentile(angles, 99)
    ends = [math.cos(a) * first + math.sin(a) * second for a in (low, high)]
    own = np.array(ends if ends[0][0] > ends[1][0] else ends[::-1]).T
    conc = np.linalg.lstsq(own, density.T, rcond=None)[0]
    there = np.array([max(d) >= 0.15 for d in density])
    conc *= np.array([[1.9705], [1.0308]]) / np.percentile(conc[:, there], 99, axis=1)[:, None]
    target = np.array([[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]])
    return np.minimum(240 * np.exp(-target @ conc), 255).T.reshape(tiles.shape)


def plain_reinhard(tiles: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Reinhard et al. 2001, equations 4 to 11.

    Its matrix back to RGB is rounded so much that white comes back two grey levels off; the
    exact inverse is taken instead.
    """

    def to_lab(rgb: NDArray[np.uint8]) -> tuple[float, float, float]:
        r, g, b = (float(v) for v in rgb)
        long = math.log(max(0.3811 * r + 0.5783 * g + 0.0402 * b, 1))
        middle = math.log(max(0.1967 * r + 0.7244 * g + 0.0782 * b, 1))
        short = math.log(max(0.0241 * r + 0.1288 * g + 0.8444 * b, 1))
        return (
            (long + middle + short) / math.sqrt(3),
            (long + middle - 2 * short) / math.sqrt(6),
            (long - middle) / math.sqrt(2),
        )

    def to_rgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
        first, second, third = lab[0] / math.sqrt(3), lab[1] / math.sqrt(6), lab[2] / math.sqrt(2)
        long, middle = math.exp(first + second + third), math.exp(first + second - third)
        short = math.exp(first - 2 * second)
        cones = [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
        return np.linalg.solve(cones, [long, middle, short])

    pixels = tiles.reshape(-1, 3)
    stain = np.array([-math.log((int(p.min()) + 1) / 240) for p in pixels])
    lab = np.array([to_lab(p) for p in pixels])
    mean, spread = lab[stain >= 0.15].mean(axis=0), lab[stain >= 0.15].std(axis=0)
    moved = (lab - mean) / spread * np.array([0.6135447, 0.10989545, 0.0286032])
    moved += np.array([8.74108109, -0.12440419, 0.0444982])
    rgb = np.clip([to_rgb(x) for x in moved], 0, 255)
    part = np.clip(stain / 0.15, 0, 1)[:, None]  # glass stays
    return (pixels + part * (rgb - pixels)).reshape(tiles.shape)


@pytest.mark.parametrize("stains", [BLUE, VIOLET])
def test_macenko_is_its_formula(stains: object) -> None:
    tiles = develop(concentrations(3, 80), stains)
    tiles[:, :9] = 243
    np.testing.assert_allclose(fit_stain(tiles, "macenko")(tiles), plain_macenko(tiles), atol=0.51)


@pytest.mark.parametrize("stains", [BLUE, VIOLET])
def test_reinhard_is_its_formula(stains: object) -> None:
    tiles = develop(concentrations(3, 80), stains)
    tiles[:, :9] = 243
    np.testing.assert_allclose(
        fit_stain(tiles, "reinhard")(tiles), plain_reinhard(tiles), atol=0.51
    )


def test_the_target_stays_as_it_is() -> None:
    rng = np.random.default_rng(0)
    conc = np.abs(rng.normal(0.6, 0.4, (4, 64, 64, 2)))
    tiles = (240 * np.exp(-conc @ np.array(macenko.TARGET.vectors)) - 1).clip(0, 255)
    tiles = tiles.round().astype(np.uint8)
    same = macenko.colour_map(macenko.TARGET).on_array(tiles)
    assert np.abs(same.astype(int) - tiles).max() <= 2
    same = reinhard.colour_map(reinhard.TARGET).on_array(tiles)
    assert np.abs(same.astype(int) - tiles).max() <= 1


def test_known_stains_are_found() -> None:
    conc = concentrations(16) + 0.2
    found = np.array(macenko.estimate(develop(conc, VIOLET, noise=0.5).reshape(-1, 3)).vectors)
    true = np.array(VIOLET) / np.linalg.norm(VIOLET, axis=1, keepdims=True)
    # pure eosin does not occur in it, so the vector lies a little to haematoxylin
    assert np.degrees(np.arccos((found * true).sum(axis=1))).max() < 12


def test_the_sign_of_an_eigenvector_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = develop(concentrations(), BLUE).reshape(-1, 3)
    stains = macenko.estimate(pixels)
    true = np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda m: (true(m)[0], -true(m)[1]))
    np.testing.assert_allclose(macenko.estimate(pixels).vectors, stains.vectors, atol=1e-9)


def test_too_few_pixels() -> None:
    for module in (macenko, reinhard):
        with pytest.raises(NotFitted, match="too little"):
            module.estimate(develop(concentrations(1, 32), BLUE).reshape(-1, 3))
