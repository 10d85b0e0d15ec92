"""Networks with local weights: small ones, made here."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from napari_lookalike.core.encoders import (
    EncoderSpec,
    encoder_identity,
    encoder_spec,
    load_encoder,
)
from napari_lookalike.core.encoders import network as running
from napari_lookalike.core.encoders import weights as places
from napari_lookalike.core.errors import EncoderError

SMALL = EncoderSpec(
    name="small-vit",
    title="Small ViT",
    loader="timm",
    hub_id="Nobody/small-vit",
    architecture="vit_tiny_patch16_224",
    arguments={"num_classes": 0, "img_size": 32, "depth": 2, "embed_dim": 24, "num_heads": 2},
    tile_px=32,
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.25, 0.3),
    pooling="cls+mean",
    dim=48,
    licence="a licence",
    gated=True,
)
State = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, and no weights or caches of the person who runs the tests."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("loading weights used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(running, "choose_precision", lambda *_: "float32")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(places, "weights_folder", lambda: tmp_path / "weights")
    monkeypatch.setattr(
        "napari_lookalike.core.encoders.checksums.platformdirs.user_cache_path",
        lambda *_, **__: tmp_path / "cache",
    )


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(SMALL.architecture, **SMALL.arguments).eval()


@pytest.fixture(scope="module")
def tiles() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def _expected(network: torch.nn.Module, tiles: np.ndarray) -> np.ndarray:
    """Plain float64-ish preprocessing and pooling, written apart from the encoder's own."""
    image = (tiles / 255.0 - np.array(SMALL.mean)) / np.array(SMALL.std)
    with torch.inference_mode():
        tokens = network.forward_features(torch.from_numpy(image).permute(0, 3, 1, 2).float())
    tokens = tokens.numpy()
    return np.concatenate([tokens[:, 0], tokens[:, 1:].mean(axis=1)], axis=1)


def _nest(state: State) -> dict[str, object]:
    return {"teacher": {f"module.backbone.{k}": v for k, v in state.items()}, "epoch": 3}


def _with_head(state: State) -> State:
    return {**state, "head.weight": torch.zeros(10, 24), "head.bias": torch.zeros(10)}


@pytest.mark.parametrize("kind", ["safetensors", "torch", "nested", "head", "half"])
def test_features_equal_the_network_whatever_the_file(
    kind: str, network: torch.nn.Module, tiles: np.ndarray, tmp_path: Path
) -> None:
    state = {k: v.clone() for k, v in network.state_dict().items()}
    path = tmp_path / ("w.safetensors" if kind in ("safetensors", "half") else "w.pth")
    if kind == "safetensors":
        safetensors.torch.save_file(state, path)
    elif kind == "half":
        safetensors.torch.save_file({k: v.half() for k, v in state.items()}, path)
    else:
        change = {"torch": dict, "nested": _nest, "head": _with_head}[kind]
        torch.save(change(state), path)
    encoder = load_encoder(SMALL, weights=path, device="cpu")
    features = encoder.encode(tiles)
    assert features.dtype == np.float32 and features.shape == (5, 48)
    tolerance = 1e-2 if kind == "half" else 1e-5
    np.testing.assert_allclose(features, _expected(network, tiles), atol=tolerance)
    np.testing.assert_allclose(encoder.encode(tiles[2:3])[0], features[2], atol=1e-5)


def test_weights_are_found_in_the_users_folder_and_in_the_hub_cache(
    network: torch.nn.Module, tmp_path: Path
) -> None:
    snapshots = tmp_path / "hub" / "models--Nobody--small-vit" / "snapshots"
    for revision in ("aaa", "bbb"):
        (snapshots / revision).mkdir(parents=True)
        torch.save(network.state_dict(), snapshots / revision / "pytorch_model.bin")
    refs = snapshots.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text("bbb")
    assert places.find_weights(SMALL) == snapshots / "bbb" / "pytorch_model.bin"
    own = tmp_path / "weights" / "small-vit.safetensors"
    own.parent.mkdir()
    safetensors.torch.save_file(network.state_dict(), own)
    assert places.find_weights(SMALL) == own
    assert load_encoder(SMALL, device="cpu").spec is SMALL


def test_missing_weights_say_where_to_get_and_put_them() -> None:
    with pytest.raises(EncoderError) as caught:
        load_encoder(SMALL, device="cpu")
    message = str(caught.value)
    for part in ("huggingface.co/Nobody/small-vit", "a licence", "accepting", "small-vit.safet"):
        assert part in message
    assert str(Path.home()) not in message


def test_the_wrong_file_says_which_keys_differ(network: torch.nn.Module, tmp_path: Path) -> None:
    state = network.state_dict()
    state["blocks.0.attn.qkv.weight"] = torch.zeros(3, 3)
    state["surprise.weight"] = state.pop("norm.weight")
    path = tmp_path / "secret-name.safetensors"
    safetensors.torch.save_file(state, path)
    with pytest.raises(EncoderError) as caught:
        load_encoder(SMALL, weights=path, device="cpu")
    message = str(caught.value)
    for part in ("norm.weight", "surprise.weight", "blocks.0.attn.qkv.weight", "Small ViT"):
        assert part in message
    assert "secret-name" not in message


class _Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_a_file_that_holds_code_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    path = tmp_path / "w.pth"
    torch.save({"state_dict": _Payload(marker)}, path)
    with pytest.raises(EncoderError, match="more than tensors"):
        load_encoder(SMALL, weights=path, device="cpu")
    assert not marker.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_damaged_or_absent_file_is_an_error_with_a_remedy(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(SMALL, weights=path, device="cpu")
    path.write_bytes(b"\x00not weights" * 40)
    with pytest.raises(EncoderError, match="damaged"):
        load_encoder(SMALL, weights=path, device="cpu")


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"epoch": 3}, path)
    with pytest.raises(EncoderError, match="no tensors"):
        load_encoder(SMALL, weights=path, device="cpu")


def test_the_identity_follows_weights_and_recipe(network: torch.nn.Module, tmp_path: Path) -> None:
    from dataclasses import replace

    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    state = network.state_dict()
    safetensors.torch.save_file(state, first)
    safetensors.torch.save_file({**state, "cls_token": state["cls_token"] + 1}, second)
    identities = [
        load_encoder(SMALL, weights=first, device="cpu").identity,
        load_encoder(SMALL, weights=second, device="cpu").identity,
        load_encoder(replace(SMALL, std=(0.5,) * 3), weights=first, device="cpu").identity,
    ]
    assert len(set(identities)) == 3
    assert load_encoder(SMALL, weights=first, device="cpu").identity == identities[0]
    assert all(re.fullmatch(r"[\w.-]+", identity) for identity in identities)


def test_any_network_of_timm_with_weights_of_ones_own(tmp_path: Path) -> None:
    spec = encoder_spec("timm:resnet10t")
    assert (spec.dim, spec.pooling, spec.loader) == (512, "none", "timm")
    network = timm.create_model("resnet10t", num_classes=0).eval()
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(network.state_dict(), path)
    encoder = load_encoder("timm:resnet10t", weights=path, device="cpu")
    tiles = np.random.default_rng(0).integers(0, 256, (1, *(spec.tile_px,) * 2, 3), dtype=np.uint8)
    image = (tiles / 255.0 - np.array(spec.mean)) / np.array(spec.std)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image).permute(0, 3, 1, 2).float()).numpy()
    np.testing.assert_allclose(encoder.encode(tiles), expected, atol=1e-4)
    assert encoder.identity == encoder_identity("timm:resnet10t", path)
    assert re.fullmatch(r"[\w.-]+", encoder.identity)


@pytest.mark.parametrize("name", ["timm:no_such_network", "no-such-encoder"])
def test_an_unknown_name_is_an_encoder_error(name: str) -> None:
    with pytest.raises(EncoderError, match=r"no.such"):
        load_encoder(name)


def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert running.choose_device("auto") == "cpu"
    for device in ("cuda", "mps", "abacus"):
        with pytest.raises(EncoderError, match="cpu"):
            running.choose_device(device)
