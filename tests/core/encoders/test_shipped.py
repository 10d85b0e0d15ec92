"""The encoder that ships: its file is the one that was made, its vectors depend on tiles only."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_lookalike.core.encoders import ENCODERS, encoder_identity, load_encoder
from napari_lookalike.core.encoders.builtin import SHIPPED, builtin_identity, load_builtin
from napari_lookalike.core.encoders.descriptor.encoder import COARSE_DIM as DESCRIPTOR_DIM
from napari_lookalike.core.encoders.shipped import facts
from napari_lookalike.core.encoders.shipped.encoder import ShippedEncoder
from napari_lookalike.core.encoders.shipped.network import (
    build_network,
    network_input,
    pooled,
    ready,
)
from napari_lookalike.core.encoders.shipped.weights import read_weights, write_weights
from napari_lookalike.core.errors import EncoderError


def tissue_like(n: int, seed: int = 0) -> NDArray[np.uint8]:
    """Tiles with dark blue discs on pink stripes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:224, :224]
    tiles = np.empty((n, 224, 224, 3), dtype=np.uint8)
    for tile in tiles:
        stripes = 12 * np.sin((x * rng.normal() + y * rng.normal()) / rng.uniform(2, 9))
        image = np.array([225.0, 160, 200]) + stripes[..., None]
        for cy, cx in rng.integers(0, 224, size=(60, 2)):
            image[np.hypot(y - cy, x - cx) < rng.uniform(3, 8)] = (90, 60, 140)
        tile[:] = np.clip(image + rng.normal(0, 4, image.shape), 0, 255)
    return tiles


@pytest.fixture(scope="module")
def encoder() -> ShippedEncoder:
    loaded = load_encoder(SHIPPED)
    assert isinstance(loaded, ShippedEncoder)
    return loaded


def test_the_file_is_the_one_that_the_training_wrote() -> None:
    provenance = json.loads(facts.PROVENANCE.read_text(encoding="utf-8"))
    content = facts.WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == provenance["sha256"]
    assert len(content) == provenance["bytes"] <= facts.LARGEST_BYTES
    assert provenance["version"] == facts.VERSION
    assert provenance["encoder"] == SHIPPED
    assert provenance["plan"]["seed"] and provenance["training_seconds"] > 0
    assert provenance["losses"]["last"]["loss"] < provenance["losses"]["first"]["loss"]


def test_its_row_and_its_identity_agree(encoder: ShippedEncoder) -> None:
    spec = ENCODERS.get(SHIPPED)
    assert spec.dim == facts.DIM == encoder.encode(tissue_like(1)).shape[1]
    assert encoder.identity == encoder_identity(SHIPPED) == f"{SHIPPED}-v{facts.VERSION}"
    assert spec.licence and spec.note


def test_what_does_not_ship_is_refused() -> None:
    with pytest.raises(EncoderError, match="uni"):
        load_builtin(ENCODERS.get("uni"))
    with pytest.raises(EncoderError, match="uni"):
        builtin_identity(ENCODERS.get("uni"))


def test_the_identity_is_known_without_torch() -> None:
    code = (
        "import sys;"
        "from napari_lookalike.core.encoders import encoder_identity;"
        f"print(encoder_identity('{SHIPPED}'));"
        "assert not {'torch', 'timm'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == encoder_identity(SHIPPED)


def test_a_vector_depends_neither_on_the_batch_nor_on_threads(encoder: ShippedEncoder) -> None:
    tiles = tissue_like(35)
    together = ShippedEncoder(encoder.spec, threads=3).encode(tiles)
    alone = ShippedEncoder(encoder.spec, threads=1)
    for i in (34, 0, 17):
        np.testing.assert_allclose(alone.encode(tiles[i : i + 1])[0], together[i], atol=1e-4)
    np.testing.assert_array_equal(alone.encode(tiles), together)
    assert together.dtype == np.float32


def test_encoding_leaves_torch_its_threads(encoder: ShippedEncoder) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        encoder.encode(tissue_like(1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_another_process_gives_the_same_vectors(encoder: ShippedEncoder, tmp_path: Path) -> None:
    tiles = tissue_like(2)
    np.save(tmp_path / "tiles.npy", tiles)
    code = (
        "import sys, numpy as np;"
        "from napari_lookalike.core.encoders import load_encoder;"
        f"f = load_encoder('{SHIPPED}').encode(np.load('tiles.npy'));"
        "np.save('features.npy', f)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), encoder.encode(tiles), atol=1e-4)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_uniform_tile_is_finite(encoder: ShippedEncoder, value: int) -> None:
    tile = np.full((1, 224, 224, 3), value, dtype=np.uint8)
    assert np.isfinite(encoder.encode(tile)).all()


def test_extreme_tiles_are_finite(encoder: ShippedEncoder) -> None:
    tiles = np.zeros((3, 224, 224, 3), dtype=np.uint8)
    tiles[0, ::2] = 255
    tiles[1, 100, 100] = 255
    tiles[2] = np.random.default_rng(0).integers(0, 2, (224, 224, 3)) * 255
    assert np.isfinite(encoder.encode(tiles)).all()


def test_no_tiles_give_no_vectors(encoder: ShippedEncoder) -> None:
    none = np.zeros((0, 224, 224, 3), dtype=np.uint8)
    assert encoder.encode(none).shape == (0, facts.DIM)
    with pytest.raises(EncoderError, match="224"):
        encoder.encode(np.zeros((1, 256, 256, 3), dtype=np.uint8))


def test_the_parts_are_the_halves_of_the_whole(encoder: ShippedEncoder) -> None:
    tiles = tissue_like(3)
    whole = encoder.encode(tiles)
    first, second = encoder.parts()
    np.testing.assert_allclose(first.encode(tiles), whole[:, :DESCRIPTOR_DIM], atol=1e-5)
    np.testing.assert_allclose(second.encode(tiles), whole[:, DESCRIPTOR_DIM:], atol=1e-5)
    assert first.spec.dim + second.spec.dim == encoder.spec.dim


def test_neither_half_outweighs_the_other(encoder: ShippedEncoder) -> None:
    from napari_lookalike.core.synth.banks import build_banks
    from napari_lookalike.core.synth.render import render
    from napari_lookalike.core.synth.stain import CENTRES
    from napari_lookalike.core.synth.subtypes import SUBTYPES

    slide = render(
        [3], SUBTYPES[0].typical, CENTRES["Centre A"], build_banks(2024), size=(1024, 1024)
    )
    places = [(y, x) for y in range(200, 800, 224) for x in range(200, 800, 224)]
    tiles = np.stack([slide.image[y : y + 224, x : x + 224] for y, x in places])
    features = encoder.encode(tiles)
    halves = features[:, :DESCRIPTOR_DIM], features[:, DESCRIPTOR_DIM:]
    first, second = (np.linalg.norm(h - h.mean(axis=0)) for h in halves)
    assert 0.25 < first / second < 4


def test_the_networks_input_does_not_know_the_stains_strength() -> None:
    density = torch.rand(1, 3, 32, 32) + 0.2
    weak, strong = (256 * torch.exp(-k * density) - 1 for k in (1.0, 1.6))
    difference = network_input(weak) - network_input(strong)
    assert difference.abs().max() < 0.12 and network_input(weak).shape == (1, 12, 16, 16)


def test_folding_the_normalisations_changes_nothing() -> None:
    torch.manual_seed(0)
    plain = build_network().eval()
    for module in plain.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    tiles = torch.from_numpy(tissue_like(2)).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        expected = pooled(plain, network_input(tiles))
        found = pooled(ready(plain.state_dict()), network_input(tiles))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(EncoderError, match=r"x\.safetensors"):
        read_weights(path)
    path.write_bytes(b"torn")
    with pytest.raises(EncoderError, match="cannot be read"):
        read_weights(path)
    weights = read_weights(facts.WEIGHTS)
    write_weights(path, type(weights)(weights.network, weights.mean[:5], weights.std))
    with pytest.raises(EncoderError, match="does not belong"):
        read_weights(path)


def test_weights_survive_being_written(tmp_path: Path) -> None:
    weights = read_weights(facts.WEIGHTS)
    write_weights(tmp_path / "again.safetensors", weights)
    again = read_weights(tmp_path / "again.safetensors")
    assert weights.network.keys() == again.network.keys()
    for name, value in weights.network.items():
        assert torch.equal(value, again.network[name])
    np.testing.assert_array_equal(weights.std, again.std)
