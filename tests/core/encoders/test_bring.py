"""Weights brought in: compared, copied or linked, noted, found, and told apart."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.core.encoders.test_loaders import isolated, write  # noqa: F401 - a fixture

from napari_lookalike.core.encoders import ENCODERS, encoder_spec, weights
from napari_lookalike.core.encoders.bring import NOTE, check_weights, import_weights
from napari_lookalike.core.encoders.build import build_network
from napari_lookalike.core.encoders.checksums import checksum
from napari_lookalike.core.encoders.weights import find_weights
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.progress import Job, JobCancelled

NAME = "timm:test_vit"


def random_state(name: str, seed: int = 0) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return {k: v.clone() for k, v in build_network(encoder_spec(name)).state_dict().items()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(random_state(NAME), tmp_path / "source", "safetensors")


@pytest.mark.parametrize("form", ["safetensors", "bin", "sharded"])
@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("folder", [False, True])
def test_a_file_is_found_after_it_was_brought_in(
    form: str, link: bool, folder: bool, tmp_path: Path
) -> None:
    path = write(random_state(NAME), tmp_path / "source", form)
    (path.parent / "config.json").write_text("{}")
    report = import_weights(NAME, path.parent if folder else path, link=link)
    assert report.ok and report.keys.fitting > 10
    found = find_weights(encoder_spec(NAME))
    assert found is not None and found.parent == tmp_path / "weights" / "timm_test_vit"
    assert any(p.is_symlink() for p in found.parent.iterdir()) == link
    assert (found.parent / "config.json").is_file()
    record = json.loads((found.parent / NOTE).read_text())
    assert record["sha256"] == report.sha256 and record["linked"] is link
    for file in record["files"]:
        assert checksum(found.parent / file["name"]) == file["sha256"]
    assert str(tmp_path / "source") not in (found.parent / NOTE).read_text()
    again = check_weights(NAME)
    assert again.noted is True and again.sha256 == report.sha256
    assert [p.name for p in (tmp_path / "weights").iterdir()] == ["timm_test_vit"]


def test_a_file_that_changed_afterwards_is_noticed(source: Path) -> None:
    import_weights(NAME, source)
    found = find_weights(encoder_spec(NAME))
    assert found is not None
    safetensors.torch.save_file(random_state(NAME, seed=1), found)
    report = check_weights(NAME)
    assert report.keys.ok and report.noted is False and not report.ok
    assert "has changed" in " ".join(report.sentences())


def test_a_second_one_replaces_only_when_asked(source: Path, tmp_path: Path) -> None:
    import_weights(NAME, source)
    other = write(random_state(NAME, seed=1), tmp_path / "other", "bin")
    with pytest.raises(EncoderError, match="replace"):
        import_weights(NAME, other)
    report = import_weights(NAME, other, overwrite=True)
    assert check_weights(NAME).sha256 == report.sha256
    names = {p.name for p in (tmp_path / "weights" / "timm_test_vit").iterdir()}
    assert names == {"model.bin", NOTE}


def test_a_single_file_put_there_by_hand_is_replaced_too(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    safetensors.torch.save_file(random_state(NAME, 1), folder / "timm_test_vit.safetensors")
    with pytest.raises(EncoderError, match="replace"):
        import_weights(NAME, source)
    report = import_weights(NAME, source, overwrite=True)
    assert check_weights(NAME).sha256 == report.sha256


def test_a_file_that_does_not_fit_is_not_brought_in(tmp_path: Path) -> None:
    state = random_state(NAME)
    state["surprise"] = state.pop("norm.weight")
    path = write(state, tmp_path / "source", "safetensors")
    with pytest.raises(EncoderError, match=r"norm\.weight.*surprise"):
        import_weights(NAME, path)
    assert not (tmp_path / "weights").exists()


def test_it_says_which_encoder_a_file_seems_to_be(tmp_path: Path) -> None:
    path = write(random_state("kimianet"), tmp_path, "safetensors")
    report = check_weights("lunit-s16", path)
    assert report.seems == ("KimiaNet",)
    assert "KimiaNet" in " ".join(report.sentences())
    plain = report.to_json()
    assert plain["seems"] == ["KimiaNet"] and not plain["fits"] and plain["missing"]


def test_twins_are_both_named(tmp_path: Path) -> None:
    path = write(random_state("lunit-s16"), tmp_path, "safetensors")
    assert check_weights("uni", path).seems == ("Kaiko ViT-S/16", "Lunit ViT-S/16")
    assert check_weights("kaiko-s16", path).ok
    # timm would turn patches of 16 px into patches of 8 px without a word.
    assert not check_weights("kaiko-s8", path).ok


@pytest.mark.parametrize("name", [ENCODERS.names()[0], "path-foundation", "slide:titan"])
def test_what_takes_no_file_says_so(name: str, source: Path) -> None:
    with pytest.raises(EncoderError):
        check_weights(name, source)


def test_a_cancelled_import_leaves_nothing(source: Path, tmp_path: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        import_weights(NAME, source, job=job)
    assert not (tmp_path / "weights").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder without rights")
def test_a_folder_that_cannot_be_written_is_told_of(source: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir(mode=0o500)
    with pytest.raises(EncoderError, match="weights folder"):
        import_weights(NAME, source)


def test_a_file_where_the_weights_folder_should_be_is_told_of(source: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("a file")
    with pytest.raises(EncoderError, match="weights folder"):
        import_weights(NAME, source)
    assert weights.weights_folder().is_file()
