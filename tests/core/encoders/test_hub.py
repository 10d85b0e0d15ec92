"""Any model of the hub from files of this machine: configurations are data, code is not run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from tests.core.encoders.small_networks import CLIP, DINO, TIMM, network_of
from tests.core.encoders.test_loaders import isolated, published, tiles_for  # noqa: F401

from napari_lookalike.core.encoders import encoder_identity, encoder_spec, load_encoder
from napari_lookalike.core.encoders.bring import check_weights, import_weights
from napari_lookalike.core.errors import EncoderError

NAME = "hf-hub:Somebody/some-model"
FED = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}
CONFIGS = {
    "timm": (
        TIMM,
        {
            "config.json": {
                "architecture": "vit_tiny_patch16_224",
                "model_args": {"img_size": 32, "depth": 2, "embed_dim": 24, "num_heads": 2},
                "pretrained_cfg": {"input_size": [3, 32, 32], **FED},
            }
        },
    ),
    "transformers": (
        DINO,
        {
            "config.json": {
                "model_type": "dinov2",
                "architectures": ["Dinov2Model"],
                "transformers_version": "4.40",
                "torch_dtype": "float32",
                **DINO.arguments,
            },
            "preprocessor_config.json": {
                "image_mean": FED["mean"],
                "image_std": FED["std"],
                "crop_size": {"height": 32, "width": 32},
            },
        },
    ),
    "open_clip": (
        CLIP,
        {
            "open_clip_config.json": {
                "model_cfg": {
                    "embed_dim": 12,
                    "vision_cfg": {
                        "image_size": 32,
                        "patch_size": 16,
                        "width": 24,
                        "layers": 2,
                        "mlp_ratio": 2.0,
                        "head_width": 12,
                    },
                },
                "preprocess_cfg": FED,
            }
        },
    ),
}


def snapshot(tmp_path: Path) -> Path:
    folder = tmp_path / "hub" / "models--Somebody--some-model" / "snapshots" / "abc"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fill(folder: Path, kind: str, scratch: Path) -> None:
    row, configs = CONFIGS[kind]
    for name, config in configs.items():
        (folder / name).write_text(json.dumps(config))
    name = "open_clip_model.safetensors" if kind == "open_clip" else "model.safetensors"
    state = published(row, network_of(row), scratch)
    safetensors.torch.save_file(state, folder / name)


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_a_model_of_the_cache_is_built_and_loaded(kind: str, tmp_path: Path) -> None:
    fill(snapshot(tmp_path), kind, tmp_path)
    row = CONFIGS[kind][0]
    pooling = {"timm": "none", "transformers": "cls", "open_clip": "none"}[kind]
    encoder = load_encoder(NAME, device="cpu")
    spec = encoder.spec
    assert (spec.tile_px, spec.pooling, spec.loader) == (32, pooling, kind)
    assert spec.mean == (0.4, 0.5, 0.6) and spec.std == (0.2, 0.25, 0.3)
    features = encoder.encode(tiles_for(spec))
    assert features.shape == (3, spec.dim)
    same = load_encoder(
        replace(row, mean=spec.mean, std=spec.std, pooling=pooling, dim=spec.dim),
        weights=snapshot(tmp_path),
        device="cpu",
    )
    np.testing.assert_allclose(features, same.encode(tiles_for(spec)), atol=1e-4)
    assert encoder.identity == encoder_identity(NAME)


def test_a_folder_by_its_path_is_called_by_its_last_part(tmp_path: Path) -> None:
    folder = tmp_path / "patient-x" / "my-model"
    folder.mkdir(parents=True)
    fill(folder, "timm", tmp_path)
    name = f"hf-hub:{folder}"
    encoder = load_encoder(name, device="cpu")
    assert "patient-x" not in encoder.identity and "my-model" in encoder.identity
    assert encoder.spec.title == "my-model"
    assert encoder.identity == encoder_identity(name)
    # A model of the same last name in the weights folder is another one.
    other = tmp_path / "weights" / "hf-hub_my-model"
    other.mkdir(parents=True)
    fill(other, "transformers", tmp_path / "other")
    assert load_encoder(name, device="cpu").identity == encoder.identity


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_a_folder_is_brought_in_with_its_configuration(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    fill(folder, kind, tmp_path)
    report = import_weights(NAME, folder)
    assert report.ok and report.name == NAME
    encoder = load_encoder(NAME, device="cpu")
    assert encoder.encode(tiles_for(encoder.spec)).shape == (3, encoder.spec.dim)
    assert check_weights(NAME).noted is True


def test_a_model_that_is_not_here_says_where_to_put_it() -> None:
    with pytest.raises(EncoderError) as caught:
        encoder_spec(NAME)
    said = str(caught.value)
    for part in ("nothing is downloaded", "config.json", "models--Somebody--some-model"):
        assert part in said


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "titan", "auto_map": {"AutoModel": "x.Y"}}, "never run"),
        ({"model_type": "bert"}, "bert"),
        ({}, "not stated"),
        ({"architecture": "no_such_network"}, "no_such_network"),
        ({"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, -1, -1]}}, "size"),
        ({"architecture": "vit_tiny_patch16_224", "model_args": {"nonsense": 1}}, "nonsense"),
        (
            {"model_type": "dinov2", "hidden_size": "wide"},
            "configuration",
        ),
    ],
)
def test_what_we_cannot_build_is_refused_in_a_sentence(
    config: dict, said: str, tmp_path: Path
) -> None:
    (snapshot(tmp_path) / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=said):
        encoder_spec(NAME)


@pytest.mark.parametrize(
    "config",
    [
        {"model_cfg": {"vision_cfg": {"layers": [3, 4, 6, 3]}}},
        {"model_cfg": {"vision_cfg": {"layers": 2, "attentional_pool": True}}},
        {"model_cfg": {}},
        {},
    ],
)
def test_towers_that_we_do_not_build_are_refused(config: dict, tmp_path: Path) -> None:
    (snapshot(tmp_path) / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=r"some-model|tower"):
        encoder_spec(NAME)


@pytest.mark.parametrize("text", ["{", "[]", "x" * (2 << 20)])
def test_a_damaged_configuration_is_refused(text: str, tmp_path: Path) -> None:
    (snapshot(tmp_path) / "config.json").write_text(text)
    with pytest.raises(EncoderError, match=r"config\.json"):
        encoder_spec(NAME)
