"""The peers are what they are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lookalike.core.bench.peers import (
    INSECTS,
    MOBILENET,
    MeanColour,
    mobilenet,
    random_resnet,
)
from napari_lookalike.core.bench.tiles import find_weights_folder
from napari_lookalike.core.encoders import EncoderSpec


def test_mean_colour_is_the_mean() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    expected = (tiles / 255.0).mean(axis=(1, 2))
    np.testing.assert_allclose(MeanColour().encode(tiles), expected, rtol=1e-4)


def test_the_random_network_is_always_the_same_and_leaves_randomness_alone() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = random_resnet()
    assert torch.equal(torch.rand(3), expected)
    np.testing.assert_array_equal(first.encode(tiles), random_resnet().encode(tiles))
    assert first.encode(tiles).shape == (1, 512)


def test_without_weights_there_is_no_mobilenet(tmp_path: Path) -> None:
    assert mobilenet(None) is None
    assert mobilenet(tmp_path) is None
    assert mobilenet(tmp_path, INSECTS) is None


@pytest.mark.shared
@pytest.mark.parametrize("spec", [MOBILENET, INSECTS], ids=lambda s: s.name)
def test_a_mobilenet_loads_and_tells_tiles_apart(shared: Path, spec: EncoderSpec) -> None:
    encoder = mobilenet(find_weights_folder(shared), spec)
    if encoder is None:
        pytest.skip("the weights of this MobileNetV2 are not in the shared data")
    tiles = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    tiles[1] = 200
    features = encoder.encode(tiles)
    assert features.shape == (2, 1280) and (features >= 0).all()
    assert np.abs(features[0] - features[1]).mean() > 0.05
