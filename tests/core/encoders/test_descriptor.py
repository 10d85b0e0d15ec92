"""The default encoder: deterministic, indifferent to batches, threads and rotation, never NaN."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS, load_encoder
from napari_lookalike.core.encoders.builtin import DESCRIPTOR
from napari_lookalike.core.encoders.descriptor.encoder import COARSE_DIM, HistologyDescriptor
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
def encoder() -> HistologyDescriptor:
    loaded = load_encoder(DESCRIPTOR)
    assert isinstance(loaded, HistologyDescriptor)
    return loaded


def test_a_tile_has_the_same_vector_alone_in_a_batch_and_with_any_threads(
    encoder: HistologyDescriptor,
) -> None:
    tiles = tissue_like(5)
    together = HistologyDescriptor(encoder.spec, threads=3).encode(tiles)
    alone = HistologyDescriptor(encoder.spec, threads=1)
    for i in (4, 0, 2):
        np.testing.assert_array_equal(alone.encode(tiles[i : i + 1])[0], together[i])
    assert together.dtype == np.float32 and together.shape == (5, encoder.spec.dim)


def test_another_process_with_other_threads_gives_the_same_bits() -> None:
    code = (
        "import sys, hashlib, numpy as np;"
        "from napari_lookalike.core.encoders import load_encoder;"
        "tiles = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8);"
        "f = load_encoder('histology-descriptor').encode(tiles);"
        "assert not {'torch', 'timm'} & set(sys.modules);"
        "print(hashlib.sha256(f.tobytes()).hexdigest())"
    )
    digests = set()
    for threads in ("1", "4"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout.strip())
    tiles = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    here = load_encoder(DESCRIPTOR).encode(tiles)
    assert digests == {hashlib.sha256(here.tobytes()).hexdigest()}


def test_the_finest_octave_can_be_left_out(encoder: HistologyDescriptor) -> None:
    tiles = tissue_like(1)
    spec = replace(encoder.spec, dim=COARSE_DIM)
    coarse, whole = HistologyDescriptor(spec, finest=False).encode(tiles), encoder.encode(tiles)
    patterns = whole[:, -180:].reshape(2, 3, 30)[:, 1:].reshape(1, -1)
    np.testing.assert_array_equal(coarse, np.concatenate([whole[:, :-180], patterns], axis=1))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_uniform_tile_is_finite(encoder: HistologyDescriptor, value: int) -> None:
    tile = np.full((1, 224, 224, 3), value, dtype=np.uint8)
    assert np.isfinite(encoder.encode(tile)).all()


def test_extreme_tiles_are_finite(encoder: HistologyDescriptor) -> None:
    tiles = np.zeros((3, 224, 224, 3), dtype=np.uint8)
    tiles[0, ::2] = 255
    tiles[1, 100, 100] = 255
    tiles[2] = np.random.default_rng(0).integers(0, 2, (224, 224, 3)) * 255
    assert np.isfinite(encoder.encode(tiles)).all()


def test_turning_or_flipping_a_tile_hardly_changes_its_vector(
    encoder: HistologyDescriptor,
) -> None:
    tiles = tissue_like(6)
    turned = np.ascontiguousarray(np.rot90(tiles, axes=(1, 2)))
    flipped = np.ascontiguousarray(tiles[:, :, ::-1])
    features = encoder.encode(tiles)
    features, *others = (
        (f - features.mean(axis=0)) / (features.std(axis=0) + 1e-3)
        for f in (features, encoder.encode(turned), encoder.encode(flipped))
    )
    between = np.linalg.norm(features[:, None] - features[None], axis=-1)
    nearest_other = np.min(between + np.eye(6) * 1e9, axis=1)
    for other in others:
        assert (np.linalg.norm(other - features, axis=1) < 0.03 * nearest_other).all()


def test_stain_and_texture_both_move_the_vector(encoder: HistologyDescriptor) -> None:
    tile = tissue_like(1)
    swapped = np.ascontiguousarray(tile[..., [2, 1, 0]])
    shuffled = np.random.default_rng(0).permutation(tile.reshape(-1, 3)).reshape(tile.shape)
    base, colour, texture = encoder.encode(np.concatenate([tile, swapped, shuffled]))
    assert np.abs(colour[:60] - base[:60]).max() > 0.1
    assert np.abs(texture[60:] - base[60:]).max() > 0.1


@pytest.mark.parametrize(
    "tiles",
    [
        np.zeros((2, 256, 256, 3), dtype=np.uint8),
        np.zeros((224, 224, 3), dtype=np.uint8),
        np.zeros((1, 224, 224, 3), dtype=np.float32),
        np.zeros((1, 224, 224, 4), dtype=np.uint8),
    ],
)
def test_what_is_no_batch_of_tiles_is_refused(
    encoder: HistologyDescriptor, tiles: NDArray[np.uint8]
) -> None:
    with pytest.raises(EncoderError, match="224"):
        encoder.encode(tiles)


def test_no_tiles_give_no_vectors(encoder: HistologyDescriptor) -> None:
    none = np.zeros((0, 224, 224, 3), dtype=np.uint8)
    assert encoder.encode(none).shape == (0, encoder.spec.dim)


def test_its_weakness_is_said_where_it_is_chosen() -> None:
    note = ENCODERS.get(DEFAULT_ENCODER).note
    assert "across sites and stains" in note and "foundation model" in note
