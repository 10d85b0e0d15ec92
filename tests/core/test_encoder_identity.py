"""What features are called, known without loading an encoder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from napari_lookalike.core.encoders import ENCODERS, checksums, encoder_identity, identity
from napari_lookalike.core.errors import EncoderError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "_file", lambda: tmp_path / "cache" / "checksums.json")
    monkeypatch.setattr(identity, "find_weights", lambda _: None)


@pytest.fixture
def network() -> str:
    return next(e.name for e in ENCODERS if e.item.loader == "timm")


def test_the_weights_are_a_part_of_it(tmp_path: Path, network: str) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"some weights")
    digest = hashlib.sha256(b"some weights").hexdigest()
    assert digest[:12] in encoder_identity(network, path)
    expected = identity.network_identity(ENCODERS.get(network), digest)
    assert encoder_identity(network, path) == expected


def test_weights_are_read_once_until_they_change(tmp_path: Path, network: str, monkeypatch) -> None:
    reads = []
    checksum = checksums.checksum
    monkeypatch.setattr(checksums, "checksum", lambda p: reads.append(p) or checksum(p))
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"some weights")
    first = encoder_identity(network, path)
    assert encoder_identity(network, path) == first
    assert len(reads) == 1
    path.write_bytes(b"else weights")
    os.utime(path, ns=(1, 1))
    assert encoder_identity(network, path) != first
    assert len(reads) == 2


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, network: str, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"some weights")
    first = encoder_identity(network, path)
    (tmp_path / "cache" / "checksums.json").write_bytes(content)
    assert encoder_identity(network, path) == first


def test_without_weights_or_a_name(tmp_path: Path, network: str) -> None:
    with pytest.raises(EncoderError, match="not on this machine"):
        encoder_identity(network)
    with pytest.raises(EncoderError, match="cannot be read"):
        encoder_identity(network, tmp_path / "none.safetensors")
    with pytest.raises(EncoderError, match="no encoder called"):
        encoder_identity("nonsense")
