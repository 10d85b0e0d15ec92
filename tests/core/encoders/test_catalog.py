"""The contract of every row: it builds from its own arguments, offline, and has what it says."""

from __future__ import annotations

import re
import socket

import pytest
import torch

from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS
from napari_lookalike.core.encoders.build import build_network, forward

TIMM_ROWS = [entry.name for entry in ENCODERS if entry.item.loader == "timm"]
# Millions, as the authors publish them.
PARAMETERS = {
    "uni": 303.4,
    "uni2-h": 681.4,
    "virchow": 631.2,
    "virchow2": 631.2,
    "h-optimus-0": 1134.8,
    "h-optimus-1": 1134.8,
    "h0-mini": 85.7,
    "gigapath": 1135.0,
    "kaiko-l14": 303.2,
    "kaiko-s16": 21.7,
    "kaiko-b8": 85.8,
}
PREFIX_TOKENS = {"virchow": 1, "virchow2": 5, "h0-mini": 5, "uni2-h": 9, "h-optimus-0": 5}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a catalogue row used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("name", TIMM_ROWS)
def test_the_row_builds_and_gives_vectors_of_its_dimension(name: str) -> None:
    spec = ENCODERS.get(name)
    with torch.device("meta"):
        network = build_network(spec)
        images = torch.empty(2, 3, spec.tile_px, spec.tile_px)
    with torch.inference_mode():
        assert forward(network, spec, images).shape == (2, spec.dim)
    if name in PARAMETERS:
        count = sum(p.numel() for p in network.parameters()) / 1e6
        assert count == pytest.approx(PARAMETERS[name], abs=0.06)
    if name in PREFIX_TOKENS:
        assert network.num_prefix_tokens == PREFIX_TOKENS[name]


@pytest.mark.parametrize("name", ENCODERS.names())
def test_the_row_is_complete(name: str) -> None:
    spec = ENCODERS.get(name)
    assert spec.name == name and re.fullmatch(r"[a-z0-9-]+", name)
    assert spec.title and spec.licence and spec.dim > 0
    assert spec.tile_px == 224 and spec.mpp == 0.5
    assert all(0 < v < 1 for v in (*spec.mean, *spec.std))
    if spec.loader == "timm":
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", spec.hub_id)
        assert spec.arguments["num_classes"] == 0 and spec.arguments["img_size"] == 224
        assert not spec.verified


def test_terms_that_bind_trained_heads_are_marked() -> None:
    inherits = {entry.name for entry in ENCODERS if entry.item.derived_heads}
    assert inherits == {n for n in ENCODERS.names() if "MahmoodLab" in ENCODERS.get(n).hub_id}


def test_the_default_comes_first_and_is_always_available() -> None:
    assert ENCODERS.names()[0] == DEFAULT_ENCODER
    assert ENCODERS.why_not(DEFAULT_ENCODER) is None


def test_importing_the_catalogue_imports_no_network_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, napari_lookalike.core.encoders as e; e.ENCODERS.names();"
        "assert not {'torch', 'timm', 'huggingface_hub'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
