"""Views: chosen by the seed, within a scanner's range, of the same tissue."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lookalike.core.pretrain.augment import PLAIN, STRONG, Scanner, crops, hue_turn


@pytest.fixture
def conc() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 120, (4, 448, 448, 3), dtype=np.uint8)


def test_crops_are_parts_of_their_field(conc: np.ndarray) -> None:
    conc[:] = np.arange(4, dtype=np.uint8)[:, None, None, None]
    found = crops(np.random.default_rng(0), conc, 96)
    assert found.shape == (4, 96, 96, 3)
    assert (found == np.arange(4)[:, None, None, None]).all()


def test_a_seed_gives_one_view_whatever_came_before(conc: np.ndarray) -> None:
    tiles = crops(np.random.default_rng(0), conc, 64)
    scanner = Scanner(1, STRONG)
    scanner.reseed(7)
    first = scanner.develop(tiles)
    other = scanner.develop(tiles)
    scanner.reseed(7)
    assert torch.equal(scanner.develop(tiles), first)
    assert not torch.equal(other, first)
    assert first.shape == (4, 3, 64, 64) and first.dtype == torch.float32
    assert first.min() >= 0 and first.max() <= 255 and torch.equal(first, first.round())


def test_strong_views_differ_more_than_plain_ones(conc: np.ndarray) -> None:
    one = np.repeat(crops(np.random.default_rng(0), conc[:1], 64), 16, axis=0)
    spread = {}
    for name, strength in (("plain", PLAIN), ("strong", STRONG)):
        means = Scanner(3, strength).develop(one).mean(dim=(2, 3))
        spread[name] = float(means.std(dim=0).mean())
    assert spread["strong"] > 2 * spread["plain"]


def test_more_stain_is_darker() -> None:
    conc = np.zeros((2, 64, 64, 3), dtype=np.uint8)
    conc[1, ..., 0] = 100
    light = Scanner(0, PLAIN).develop(conc).mean(dim=(1, 2, 3))
    assert light[1] < 0.8 * light[0]


def test_the_hue_turns_about_grey() -> None:
    turn = hue_turn(0.5)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(np.ones(3) @ turn, np.ones(3), atol=1e-6)
    np.testing.assert_allclose(hue_turn(2 * np.pi / 3)[0].max(), 1.0, atol=1e-6)
