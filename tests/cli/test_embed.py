"""``embed``: a project from a manifest or a folder; what is wrong is named, the rest goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from tests.cli.conftest import SECRET, Cli
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.encoders import network
from napari_lookalike.core.project import Project

HEADER = "slide,slide_id,patient_id,label,site\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two slides that may be embedded, and one without a scale."""
    made = tmp_path_factory.mktemp("slides")
    for i, mpp in enumerate((0.5, 0.5, None)):
        pixels = texture(1100 + 10 * i, 900, seed=i)
        write_pyramid(made / f"{SECRET}-{i}.tiff", [pixels], mpp=mpp)
    return made


def manifest(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "cohort.csv"
    path.write_text(header + rows.replace("@", SECRET), encoding="utf-8")
    return path


def test_a_missing_slide_is_left_out_and_the_rest_goes_on(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    rows = "@-0.tiff,S0,P0,a,x\nnowhere/@.tiff,S1,P1,b,x\n@-2.tiff,S2,P2,b,x\n"
    source = manifest(folder, rows)
    ran = cli("embed", source, "--project", tmp_path / "project", "--json")
    assert ran.code == 1
    report = ran.json
    assert report["done"] == ["S0"]
    assert report["tiles"] > 0
    (left_out,) = report["left_out"]
    assert (left_out["line"], left_out["slide_id"]) == (3, "S1")
    assert "not where the manifest says" in left_out["what"]
    # Without a scale it is shown, but not embedded: that too is named.
    assert list(report["failed"]) == ["S2"]
    assert "S2: " in ran.told
    project = Project.open(tmp_path / "project")
    assert [s.slide_id for s in project.cohort] == ["S0", "S2"]
    assert len(project.load_features("S0").instances) == report["tiles"]

    again = cli("embed", tmp_path / "project", "--slide", "S0", "--json")
    assert again.code == 0
    assert again.json["skipped"] == ["S0"]
    assert again.json["done"] == []


def test_a_device_that_is_not_here_stops_it_before_anything_is_read(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ran = cli("embed", folder, "--project", tmp_path / "project", "--device", "cuda")
    assert ran.code == 1
    assert "The device 'cuda' is not available here. Choose auto or one of:" in ran.told
    assert not (tmp_path / "project").exists()


def test_a_device_that_the_encoder_does_not_use_is_told(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "choose_device", lambda name: name)  # as where there is one
    source = manifest(folder, "@-0.tiff,S0,P0,a,x\n")
    words = ("embed", source, "--project", tmp_path / "project", "--device", "cuda", "--json")
    ran = cli(*words)
    told = "Lookalike base computes on the CPU: cuda is not used."
    assert (ran.code, ran.json["done"], ran.json["note"]) == (0, ["S0"], told)
    assert told in ran.told
    ran = cli(*words[:-2], "cpu", "--json", "--compile")
    assert ran.json["note"] == "Lookalike base is never compiled."


def test_a_manifest_names_an_existing_project(cli: Cli, folder: Path, tmp_path: Path) -> None:
    source = manifest(folder, "@-0.tiff,S0,P0,a,x\n")
    first = cli("embed", source, "--project", tmp_path / "project")
    assert first.code == 0
    assert "1 slide embedded" in first.out
    second = cli("embed", source, "--project", tmp_path / "project")
    assert second.code == 0
    assert "There is a project already" in second.told


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("slide,slide_id,patient,label,site\n", "patient"),
        ("slide,slide_id,patient_id,label\n", "site"),
        ("slide,slide_id,patient_id,label,site,site\n", "site"),
    ],
)
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_wrong_column_is_named(
    cli: Cli, folder: Path, tmp_path: Path, header: str, column: str, json: tuple[str, ...]
) -> None:
    source = manifest(folder, "@-0.tiff,S0,P0,a,x\n", header)
    ran = cli("embed", source, "--project", tmp_path / "project", *json)
    assert ran.code == 1
    assert column in ran.told
    assert not (tmp_path / "project").exists()
    if json:
        assert column in ran.json["error"]["what"] + ran.json["error"]["remedy"]


def test_columns_that_may_name_a_patient_are_left_out_and_told(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    header = "slide,slide_id,patient_id,label,site,surname,grade\n"
    source = manifest(folder, "nowhere/@.tiff,S0,P0,a,x,Muster,2\n", header)
    ran = cli("embed", source, "--project", tmp_path / "project")
    assert ran.code == 1
    assert "may name a patient: column surname." in ran.told
    assert "Muster" not in ran.told


def test_a_slide_is_no_manifest(cli: Cli, folder: Path, tmp_path: Path) -> None:
    ran = cli("embed", folder / f"{SECRET}-0.tiff", "--project", tmp_path / "project", "--json")
    assert ran.code == 1
    assert ran.json["error"]["what"]


def test_a_folder_where_nothing_can_be_written(cli: Cli, folder: Path, tmp_path: Path) -> None:
    source = manifest(folder, "@-0.tiff,S0,P0,a,x\n")
    (tmp_path / "file").touch()  # stops even the superuser
    ran = cli("embed", source, "--project", tmp_path / "file" / "project", "--json")
    assert ran.code == 1
    assert "cannot be written" in ran.json["error"]["what"]
    assert ran.json["error"]["remedy"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not stop us here")
def test_a_read_only_project_is_told(cli: Cli, folder: Path, tmp_path: Path) -> None:
    source = manifest(folder, "@-0.tiff,S0,P0,a,x\n")
    root = tmp_path / "project"
    cli("embed", source, "--project", root)
    root.chmod(0o555)
    ran = cli("embed", root, "--again", "--json")
    root.chmod(0o755)
    assert ran.code == 1
    assert "read-only" in ran.json["error"]["what"]


@pytest.mark.parametrize("words", [("--slide", "S9"), ("--encoder", "nope")])
def test_an_unknown_slide_or_encoder(
    cli: Cli, folder: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    source = manifest(folder, "@-0.tiff,S0,P0,a,x\n")
    ran = cli("embed", source, "--project", tmp_path / "project", "--json", *words)
    assert ran.code == 1
    assert words[1] in ran.json["error"]["what"] + ran.json["error"]["remedy"]


def test_a_folder_of_slides_needs_no_manifest(cli: Cli, tmp_path: Path) -> None:
    slides = tmp_path / "slides"
    slides.mkdir()
    write_pyramid(slides / f"{SECRET}.tiff", [texture(1000, 800, seed=7)])
    (slides / "notes.txt").write_text("no slide")
    ran = cli("embed", slides, "--project", tmp_path / "project", "--json")
    assert ran.code == 0
    assert len(ran.json["done"]) == 1
    assert ran.json["left_out"] == []
