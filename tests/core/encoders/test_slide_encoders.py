"""Rows of slide encoders: complete, strict about tiles, and pooling what they say."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lookalike.core.encoders import ENCODERS, SLIDE_ENCODERS, encoder_spec, weights
from napari_lookalike.core.encoders.build import build_network
from napari_lookalike.core.encoders.slide_encoders import check_takes
from napari_lookalike.core.encoders.slide_load import load_slide_encoder
from napari_lookalike.core.errors import EncoderError

# Length of the vector, and the tile encoder, as published.
PUBLISHED = {
    "chief": (768, "ctranspath"),
    "prism": (1280, "virchow"),
    "titan": (768, "conch-v1.5"),
    "madeleine": (512, "conch"),
    "gigapath-slide": (768, "gigapath"),
    "feather-conch-v1.5": (512, "conch-v1.5"),
    "feather-uni2-h": (512, "uni2-h"),
    "feather-uni": (512, "uni"),
}
POOLING = [e.name for e in SLIDE_ENCODERS if e.item.loader == "own"]


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a slide encoder used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")
    monkeypatch.setattr(
        "napari_lookalike.core.encoders.checksums.platformdirs.user_cache_path",
        lambda *_, **__: tmp_path / "cache",
    )


def published_state(name: str, network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors under the names of the published file, with what else is in it."""
    spec = SLIDE_ENCODERS.get(name)
    back = {new: old for old, new in spec.renames.items()}
    state = {}
    for key, value in network.state_dict().items():
        part = next(p for p in back if key.startswith(p))
        state[back[part] + key.removeprefix(part)] = value.clone()
    if name == "chief":
        return {
            **state,
            "organ_embedding": torch.ones(19, 768),
            "classifiers.weight": torch.ones(2),
        }
    return {f"model.{k}": v for k, v in state.items()} | {"model.classifier.bias": torch.ones(2)}


def test_every_published_one_has_a_row() -> None:
    assert set(SLIDE_ENCODERS.names()) == {*PUBLISHED, "mean"}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_row_is_complete(name: str) -> None:
    spec = SLIDE_ENCODERS.get(name)
    dim, takes = PUBLISHED[name]
    assert (spec.dim, spec.takes) == (dim, (takes,))
    assert takes in ENCODERS
    assert spec.licence and spec.note
    assert spec.derived_heads == ("MahmoodLab" in spec.hub_id)
    if spec.loader == "import":
        assert "import" in spec.note  # how it is got, and why not otherwise
        with pytest.raises(EncoderError, match="import"):
            load_slide_encoder(name)
    else:
        assert spec.doubt  # no published file was at hand


@pytest.mark.parametrize("name", POOLING)
def test_a_row_builds_offline_and_pools_as_published(name: str, tmp_path: Path) -> None:
    row = encoder_spec(f"slide:{name}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(row)
    count = sum(p.numel() for p in network.parameters()) / 1e6
    assert count == pytest.approx(row.parameters, abs=0.06)
    path = tmp_path / "file.pth"
    torch.save(published_state(name, network), path)
    encoder = load_slide_encoder(name, weights=path)
    tiles = np.random.default_rng(0).normal(size=(7, row.arguments["in_dim"])).astype(np.float32)
    takes = SLIDE_ENCODERS.get(name).takes[0]
    vector = encoder.encode(tiles, f"{takes}-w0123456789ab-r012345")
    # Gated attention, written out with numpy (Ilse et al. 2018).
    p = {k: v.numpy() for k, v in network.state_dict().items()}
    inner = np.maximum(tiles @ p["inside.weight"].T + p["inside.bias"], 0)
    gate = 1 / (1 + np.exp(-(inner @ p["gate.weight"].T + p["gate.bias"])))
    scores = (np.tanh(inner @ p["tanh.weight"].T + p["tanh.bias"]) * gate) @ p["score.weight"][0]
    attention = np.exp(scores - scores.max())
    pooled = (attention / attention.sum()) @ (tiles if name == "chief" else inner)
    assert vector.shape == (PUBLISHED[name][0],) and vector.dtype == np.float32
    np.testing.assert_allclose(vector, pooled, atol=1e-4)
    with pytest.raises(EncoderError, match="numbers"):
        encoder.encode(tiles[:, :-1], f"{takes}-w0123456789ab-r012345")


def test_the_mean_is_always_there_and_takes_every_encoders_tiles() -> None:
    encoder = load_slide_encoder("mean")
    tiles = np.random.default_rng(0).normal(size=(5, 9)).astype(np.float32)
    np.testing.assert_allclose(encoder.encode(tiles, "anything"), tiles.mean(axis=0), atol=1e-6)
    assert encoder.identity == "mean-v1"
    assert SLIDE_ENCODERS.why_not("mean") is None
    with pytest.raises(EncoderError, match="at least one tile"):
        encoder.encode(tiles[:0], "anything")


@pytest.mark.parametrize(
    ("identity", "fits"),
    [
        ("uni-w0123456789ab-r012345", True),
        ("imported-uni", True),
        ("uni2-h-w0123456789ab-r012345", False),
        ("histology-descriptor-v2", False),
        ("unique-w0", False),
    ],
)
def test_only_the_rows_own_tiles_are_taken(identity: str, fits: bool) -> None:
    spec = SLIDE_ENCODERS.get("feather-uni")
    if fits:
        check_takes(spec, identity)
    else:
        with pytest.raises(EncoderError, match="uni only"):
            check_takes(spec, identity)


def test_a_wrong_file_is_told_apart(tmp_path: Path) -> None:
    """A file of CHIEF given for Feather: which keys differ, and whose it is."""
    with torch.random.fork_rng(devices=[]):
        network = build_network(encoder_spec("slide:chief"))
    path = tmp_path / "file.pth"
    torch.save(published_state("chief", network), path)
    with pytest.raises(EncoderError, match="seems to be the file of CHIEF"):
        load_slide_encoder("feather-conch-v1.5", weights=path)
