"""Tuning an encoder, from slides to an adapter that `load_encoder` takes, on a tiny random ViT."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.encoders import encoder_identity, encoder_spec, load_encoder
from napari_lookalike.core.encoders.adapter import (
    Adapter,
    read_adapter,
    remedy_for_base,
    save_adapter,
)
from napari_lookalike.core.encoders.build import build_network
from napari_lookalike.core.encoders.network import NetworkEncoder
from napari_lookalike.core.errors import EncoderError, TrainingError
from napari_lookalike.core.lora import TunePlan
from napari_lookalike.core.model_card import MARKDOWN_FILE, TUNED
from napari_lookalike.core.model_report import build_model_report
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.pipeline.tune_encoder import tune_encoder
from napari_lookalike.core.project import Project, ProjectSettings
from napari_lookalike.core.results import load_results
from napari_lookalike.core.tissue import TissueSettings

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings(
    # accelerate and transformers look for packages that are not here
    "ignore::DeprecationWarning:peft",
    "ignore::DeprecationWarning:accelerate",
)
NAME = "timm:test_vit"
PLAN = TunePlan(tiles=3, epochs=3, batch=8, lr=2e-3, rank=2, alpha=4.0)
COLOURS = {"A": (205, 120, 175), "B": (180, 110, 200)}


def picture(path: Path, colour: tuple[int, int, int], seed: int) -> Path:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(243, 1, (700, 700, 3))
    spots = rng.random((540, 540)) > 0.8
    tissue = np.where(spots[..., None], (105, 75, 150), colour)
    pixels[80:-80, 80:-80] = tissue + rng.normal(0, 10, tissue.shape)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, compress_level=1)
    return path


def random_weights(folder: Path) -> Path:
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(encoder_spec(NAME))
    save_file(network.state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("lora")
    weights = random_weights(folder / "weights")
    records = []
    for label, colour in COLOURS.items():
        for i in range(4):
            file = picture(folder / f"{label}{i}.png", colour, i + 10 * ord(label))
            record = SlideRecord(f"{label}{i}", file, f"P{label}{i}", label, "", 0.5)
            records.append(replace(record, mpp_source="manifest"))
    tissue = TissueSettings(pixel_um=4.0, min_area_um2=100.0)
    settings = ProjectSettings(encoder=NAME, weights=str(weights), tissue=tissue)
    made = Project.create(folder / "project", Cohort(tuple(records)), settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embed_pool, "cores", lambda: 1)
        report = embed_project(made.root, device="cpu")
    assert not report.failed
    config = TrainConfig(loss="ce", epochs=1, folds=2, device="cpu", threads=1)
    made.set_current_version(train_project(made.root, config))
    return Project.open(made.root)


@pytest.fixture(scope="module")
def tuned(project: Project) -> tuple[Path, dict]:
    # Beside the weights, where they are found.
    path = Path(str(project.settings.weights)).parent / "adapter.safetensors"
    return path, tune_encoder(project.root, path, PLAN, device="cpu")


def encoded(weights: Path) -> np.ndarray:
    tiles = np.random.default_rng(0).integers(0, 255, (2, 224, 224, 3)).astype(np.uint8)
    tiles = tiles[:, : encoder_spec(NAME).tile_px, : encoder_spec(NAME).tile_px]
    return load_encoder(NAME, weights=weights, device="cpu").encode(tiles)


def test_it_says_what_it_did_and_what_it_brought(tuned: tuple[Path, dict]) -> None:
    path, said = tuned
    assert said["slides"] == 8
    assert said["validation_slides"] == 2
    assert said["tiles"] == 24
    assert 0 <= said["balanced_accuracy_plain"] <= 1
    assert 0 <= said["balanced_accuracy_tuned"] <= 1
    assert "P" not in json.dumps(said["adapter"])
    about = read_adapter(path)
    assert about is not None
    assert (about.encoder, about.rank, about.alpha) == (NAME, 2, 4.0)


def test_weights_that_lie_elsewhere_are_asked_for(
    project: Project, tuned: tuple[Path, dict], tmp_path: Path
) -> None:
    assert tuned[1]["before_use"] == ""  # beside them
    spec = encoder_spec(NAME)
    about = read_adapter(tuned[0])
    assert about is not None
    (tmp_path / "away.safetensors").write_bytes(tuned[0].read_bytes())
    said = remedy_for_base(tmp_path / "away.safetensors", about, spec)
    assert "Put the weights" in said
    with pytest.raises(EncoderError) as refused:
        load_encoder(NAME, weights=tmp_path / "away.safetensors", device="cpu")
    assert refused.value.remedy == said


def test_a_model_on_tuned_features_says_so_first(
    project: Project, tuned: tuple[Path, dict]
) -> None:
    plain = load_results(project.version_dir(str(project.current_version))).card
    assert plain["tuned_encoder"] is False
    copy = Project.open(shutil.copytree(project.root, project.root.with_name("tuned")))
    copy.save(settings=replace(copy.settings, weights=str(tuned[0])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embed_pool, "cores", lambda: 1)
        assert not embed_project(copy.root, device="cpu").failed
    config = TrainConfig(loss="ce", epochs=1, folds=2, device="cpu", threads=1)
    version = train_project(copy.root, config)
    assert TUNED in (copy.version_dir(version) / MARKDOWN_FILE).read_text(encoding="utf-8")
    assert build_model_report(copy, version)["summary"][0] == TUNED


def test_the_same_seed_gives_the_same_adapter(project: Project, tuned: tuple[Path, dict]) -> None:
    again = tuned[0].with_name("again.safetensors")
    tune_encoder(project.root, again, PLAN, device="cpu")
    assert again.read_bytes() == tuned[0].read_bytes()
    again.unlink()


def test_the_encoder_takes_the_adapter_and_has_another_name(
    project: Project, tuned: tuple[Path, dict]
) -> None:
    base = Path(str(project.settings.weights))
    identities = {encoder_identity(NAME, weights) for weights in (base, tuned[0])}
    assert len(identities) == 2
    assert load_encoder(NAME, weights=tuned[0], device="cpu").identity in identities


def test_merged_weights_say_what_the_adapted_network_said(tmp_path: Path) -> None:
    from napari_lookalike.core.encoders.checksums import checksum
    from napari_lookalike.core.lora.tune import adapter_layers, add_adapters

    base = random_weights(tmp_path / "w")
    encoder = load_encoder(NAME, weights=base, device="cpu")
    assert isinstance(encoder, NetworkEncoder)
    add_adapters(encoder.network, PLAN)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in encoder.network.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    trainable = {n for n, p in encoder.network.named_parameters() if p.requires_grad}
    assert trainable
    assert all("lora_" in name and ".attn." in name for name in trainable)
    adapter = tmp_path / "w" / "a.safetensors"
    about = Adapter(NAME, checksum(base), PLAN.rank, PLAN.alpha)
    save_adapter(adapter, about, adapter_layers(encoder.network))
    spec = encoder_spec(NAME)
    tiles = np.random.default_rng(0).integers(0, 255, (2, spec.tile_px, spec.tile_px, 3))
    tiles = tiles.astype(np.uint8)
    expected = encoder.network.eval() and encoder.encode(tiles)
    merged = load_encoder(NAME, weights=adapter, device="cpu").encode(tiles)
    np.testing.assert_allclose(merged, expected, rtol=1e-3, atol=1e-4)
    plain = load_encoder(NAME, weights=base, device="cpu").encode(tiles)
    assert np.abs(merged - plain).max() > 0.01


def test_an_adapter_without_its_weights_says_what_is_missing(
    tuned: tuple[Path, dict], tmp_path: Path
) -> None:
    alone = tmp_path / "adapter.safetensors"
    alone.write_bytes(tuned[0].read_bytes())
    with pytest.raises(EncoderError, match="not here") as caught:
        load_encoder(NAME, weights=alone, device="cpu")
    assert "SHA-256" in str(caught.value)
    with pytest.raises(EncoderError, match="not of"):
        load_encoder("timm:test_vit2", weights=tuned[0], device="cpu")


def test_what_cannot_be_tuned_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="safetensors"):
        tune_encoder(project.root, tmp_path / "adapter.bin", PLAN)
    empty = Project.create(tmp_path / "empty", Cohort((SlideRecord("S1", Path("gone.svs")),)))
    with pytest.raises(TrainingError, match="no model"):
        tune_encoder(empty.root, tmp_path / "a.safetensors", PLAN)


def test_without_peft_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_lookalike.core.lora.tune import add_adapters

    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(EncoderError, match=r"napari-lookalike\[lora\]"):
        add_adapters(torch.nn.Sequential(), PLAN)


def test_a_network_without_attention_is_refused() -> None:
    from napari_lookalike.core.lora.tune import add_adapters

    with pytest.raises(EncoderError, match="no attention layers"):
        add_adapters(torch.nn.Sequential(torch.nn.Linear(2, 2)), PLAN)
