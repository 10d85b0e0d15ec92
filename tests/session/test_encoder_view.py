"""The words for an encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS, weights
from napari_lookalike.core.encoders.availability import EncoderState, encoder_state
from napari_lookalike.session.encoder_view import GATE, INHERITED, describe_encoder


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")


def state_of(name: str) -> EncoderState:
    return encoder_state(ENCODERS.get(name))


def test_what_ships_is_ready_and_takes_no_file() -> None:
    text = describe_encoder(state_of(DEFAULT_ENCODER))
    assert text.ready and not text.takes_weights and text.steps == () and text.path == ""


def test_weights_that_are_missing_say_how_large_they_are_and_how_to_bring_them(
    tmp_path: Path,
) -> None:
    text = describe_encoder(state_of("uni2-h"))
    assert not text.ready and text.takes_weights
    assert "2.7 GB" in text.status
    assert any(GATE in fact for fact in text.facts)
    said = " ".join(text.steps)
    for part in ("huggingface.co/MahmoodLab/UNI2-h", "weights import", "models--MahmoodLab--UNI2"):
        assert part in said
    assert text.path.startswith(str(tmp_path / "weights" / "uni2-h."))


def test_weights_that_are_here_are_ready(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "uni2-h.safetensors").write_bytes(b"x" * 3_000_000)
    text = describe_encoder(state_of("uni2-h"))
    assert text.ready and "3 MB" in text.status and text.steps == ()


def test_a_chosen_file_counts_as_ready() -> None:
    assert describe_encoder(state_of("uni2-h"), chosen=True).ready
    assert not describe_encoder(state_of("path-foundation"), chosen=True).ready


def test_what_is_only_imported_says_so_and_takes_no_file() -> None:
    text = describe_encoder(state_of("path-foundation"))
    assert not text.ready and not text.takes_weights and "import" in text.status


def test_terms_and_doubts_are_cautions() -> None:
    heads = describe_encoder(replace(state_of("uni"), note=""))
    assert INHERITED in heads.cautions
    assert any("Not verified" in c for c in describe_encoder(state_of("hibou-b")).cautions)


def test_a_library_that_is_missing_is_told_although_the_weights_are_here() -> None:
    state = replace(state_of("phikon"), found="~/x", usable=False, remedy="needs a library")
    text = describe_encoder(state)
    assert not text.ready and text.status == "needs a library"
