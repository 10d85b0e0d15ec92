"""``weights`` and ``doctor --encoder``: files brought in, listed, checked."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.cli.conftest import SECRET, Cli

from napari_lookalike.core.encoders import encoder_spec, weights
from napari_lookalike.core.encoders.build import build_network


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Random weights of CHIEF, the smallest network of the catalogues, under a patient's name."""
    spec = encoder_spec("slide:chief")
    back = {new: old for old, new in spec.renames.items()}
    state = {}
    with torch.random.fork_rng(devices=[]):
        for key, value in build_network(spec).state_dict().items():
            part = next(p for p in back if key.startswith(p))
            state[back[part] + key.removeprefix(part)] = value.clone()
    path = tmp_path / f"{SECRET}.safetensors"
    safetensors.torch.save_file(state, path)
    return path


def test_a_file_is_brought_in_listed_and_checked(cli: Cli, file: Path) -> None:
    ran = cli("weights", "import", file, "--encoder", "slide:chief")
    assert ran.code == 0 and "8 tensors fit CHIEF" in ran.out and "CHIEF is ready" in ran.out
    assert SECRET not in ran.out + ran.err
    (listed,) = cli("weights", "list", "--json").json["weights"]
    assert listed["name"] == "slide:chief" and listed["usable"]
    assert "slide:chief" in cli("weights", "list").out
    (checked,) = cli("weights", "check", "--json").json["weights"]
    assert checked["ok"] and checked["as_noted"] and checked["tensors_fitting"] == 8
    ran = cli("weights", "import", file, "--encoder", "slide:chief", "--json")
    assert ran.code == 1 and "--replace" in ran.told
    assert cli("weights", "import", file, "--encoder", "slide:chief", "--replace").code == 0


def test_a_wrong_file_is_refused_with_its_keys(cli: Cli, file: Path) -> None:
    ran = cli("weights", "import", file, "--encoder", "slide:feather-uni")
    assert ran.code == 1
    for part in ("missing", "not expected", "seems to be the file of CHIEF"):
        assert part in ran.told
    assert SECRET not in ran.told
    ran = cli("weights", "check", file, "--encoder", "slide:feather-uni", "--json")
    (report,) = ran.json["weights"]
    assert ran.code == 1 and report["seems"] == ["CHIEF"] and not report["fits"]


def test_nothing_here_is_no_fault(cli: Cli) -> None:
    assert "No weights are here" in cli("weights", "list").out
    ran = cli("weights", "check")
    assert ran.code == 0 and "No weights are here" in ran.out


def test_a_file_without_an_encoder_is_wrong_usage(cli: Cli, file: Path) -> None:
    assert cli("weights", "check", file).code == 2


def test_a_damaged_file_among_others_is_named(cli: Cli, file: Path, tmp_path: Path) -> None:
    cli("weights", "import", file, "--encoder", "slide:chief")
    (tmp_path / "weights" / "uni.safetensors").write_bytes(b"damaged")
    ran = cli("weights", "check", "--json")
    assert ran.code == 1
    assert [r["encoder"] for r in ran.json["weights"]] == ["slide:chief"]
    assert "damaged" in ran.json["failed"]["uni"]


def test_doctor_tells_all_of_one_encoder(cli: Cli) -> None:
    ran = cli("doctor", "--encoder", "uni2-h")
    assert ran.code == 0
    for part in ("2.7 GB", "MahmoodLab/UNI2-h", "weights import", "fall under its licence"):
        assert part in " ".join(ran.out.split())
    plain = cli("doctor", "--encoder", "conch-v1.5", "--json").json
    assert plain["files"] == "pytorch_model_vision.bin" and plain["steps"] and plain["gated"]
    assert cli("doctor", "--encoder", "no-such").code == 1


def test_doctor_lists_encoders_of_slides_too(cli: Cli) -> None:
    report = cli("doctor", "--json").json
    names = {encoder["name"] for encoder in report["slide_encoders"]}
    assert {"slide:mean", "slide:titan", "slide:chief"} <= names
    (mean,) = (e for e in report["slide_encoders"] if e["name"] == "slide:mean")
    assert mean["usable"]
    assert str(Path.home()) not in str(report)


def test_the_page_of_encoders_is_printed_and_filled(cli: Cli, tmp_path: Path) -> None:
    ran = cli("weights", "table")
    assert ran.code == 0 and "`uni2-h`" in ran.out and "`titan`" in ran.out
    page = tmp_path / "page.md"
    page.write_text("nothing")
    assert cli("weights", "table", "--update", page).code == 1


def test_a_vector_for_every_slide(cli: Cli, tmp_path: Path) -> None:
    from tests.project_fixtures import tiny_project

    project = tiny_project(tmp_path, results=False, features=True)
    ran = cli("slide-vectors", project.root, "--out", tmp_path / "v.csv", "--json")
    assert ran.code == 0 and ran.json["encoder"] == "mean-v1" and len(ran.json["slides"]) == 24
    assert (tmp_path / "v.csv").read_text().count("\n") == 25
    assert "24 slides" in cli("slide-vectors", project.root, "--out", tmp_path / "v.npz").out
