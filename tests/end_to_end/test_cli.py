"""The command line on real tissue and on bad input, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end import small_slides as make
from tests.lc25000_cohort import LABELS, ComposedCohort, compose_cohort

pytestmark = pytest.mark.processes

ACA, SCC = LABELS["lung_aca"], LABELS["lung_scc"]


@dataclass
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


def run(folder: Path, *words: str | Path) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "napari_lookalike", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        env={**os.environ, "HOME": str(folder / "home"), "COLUMNS": "300"},
    )
    assert "Traceback" not in done.stderr and "fault in the program" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def composed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> ComposedCohort:
    folder = tmp_path_factory.mktemp("cli")
    return compose_cohort(shared, folder, per_class=3, classes=("lung_aca", "lung_scc"))


@pytest.mark.shared
@pytest.mark.slow
def test_the_loop_by_commands(composed: ComposedCohort) -> None:
    folder = composed.manifest.parent
    project = folder / "project"
    info = run(folder, "info", composed.slides[0].path, "--json")
    assert info.code == 0 and info.json["mpp"] is None and info.json["size"] == [2688, 2688]
    assert len(info.json["levels"]) == 3 and len(info.json["fingerprint"]) == 32

    embedded = run(folder, "embed", composed.manifest, "--project", project, "--json")
    assert embedded.code == 0, embedded.err
    ids = [s.slide_id for s in composed.slides]
    assert embedded.json["done"] == ids
    assert embedded.json["tiles"] == sum(int(s.tissue.sum()) for s in composed.slides)
    again = run(folder, "embed", project)
    assert again.code == 0 and "6 had been embedded before" in again.out

    trained = run(
        folder, "train", project, "--loss", "ce", "--epochs", "8", "--folds", "2", "--json"
    )
    assert trained.code == 0, trained.err
    assert trained.json["version"] == "m001-ce" and trained.json["metrics"]["n_slides"] == 6

    predicted = run(folder, "predict", project, "--json").json
    assert predicted["version"] == "m001-ce" and predicted["research_use_only"] is True
    assert [row["slide_id"] for row in predicted["slides"]] == ids
    for row in predicted["slides"]:
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert (
            row["held_out"]
            and max(row["probabilities"], key=row["probabilities"].get) == (row["prediction"])
        )
    cases = {slide for case in predicted["cases"] for slide in case["slides"]}
    assert cases == set(ids) and len(predicted["cases"]) == 4  # 3 slides of 2 patients, twice
    right = np_mean(
        row["prediction"] == composed[row["slide_id"]].label for row in predicted["slides"]
    )
    recalls = trained.json["metrics"]["per_class_recall"]
    assert right == pytest.approx(np_mean(r["value"] for r in recalls.values()))

    pairs = folder / "pairs-in.csv"
    pairs.write_text(
        "level,slide_a,slide_b,subtype_a,subtype_b,strength,reason,expert\n"
        f"subtype,,,{ACA},{SCC},0.8,solid growth,Dr A\n"
        "slide,lungaca-1,nobody,,,0.5,x,Dr A\n",
        encoding="utf-8",
    )
    imported = run(folder, "pairs", "import", project, pairs)
    assert imported.code == 1 and "1 mark added" in imported.out and "nobody" in imported.err
    listed = run(folder, "pairs", "list", project, "--json").json
    assert [row["reason"] for row in listed["rows"]] == ["solid growth"]

    tuned = run(folder, "train", project, "--loss", "expert", "--start", "m001-ce", "--epochs", "3")
    assert tuned.code == 0, tuned.err
    assert f"confusion {ACA} | {SCC}" in tuned.out and "Against m001-ce: " in tuned.out
    assert "marked pairs" in tuned.out
    exported = run(folder, "pairs", "export", project, folder / "out.csv")
    assert exported.code == 0 and "solid growth" in (folder / "out.csv").read_text()


def np_mean(values) -> float:
    found = [float(v) for v in values]
    return sum(found) / len(found)


@pytest.mark.slow
def test_what_goes_wrong_is_said_and_counted(tmp_path: Path) -> None:
    """Exit 0: done. 1: something in the data failed, and is named. 2: wrong usage."""
    slides = tmp_path / "slides"
    slides.mkdir()
    rows = [
        (make.tissue(slides / "a.tif", 1), "S1", "P1", "A", "x", make.MPP),
        (make.text_as_slide(slides / "b.svs"), "S2", "P2", "A", "x", make.MPP),
        (make.glass(slides / "c.tif"), "S3", "P3", "B", "x", make.MPP),
    ]
    manifest = make.write_manifest(slides / "manifest.csv", rows)
    project = tmp_path / "project"
    said = run(tmp_path, "embed", manifest, "--project", project)
    assert said.code == 1 and "1 slide embedded" in said.out and "1 failed" in said.out
    assert "Left out: Line 3 (S2)" in said.err and "S3: No tissue" in said.err

    for words, code, what in (
        (("info", slides / "b.svs"), 1, "No reader can open it"),
        (("info", tmp_path / "nothing.svs"), 2, ""),
        (("embed", manifest), 2, "--project"),
        (("embed", project, "--slide", "S9"), 1, "no slide S9"),
        (("embed", project, "--encoder", "unl"), 1, "Did you mean uni?"),
        (("embed", project, "--encoder", "uni"), 1, "weights of UNI"),
        (("train", project), 1, "No subtype has two"),
        (("train", tmp_path), 1, "not a napari-lookalike project"),
        (("predict", project), 1, "no model yet"),
        (("predict", project, "--version", "m7"), 1, "no model version m7"),
    ):
        said = run(tmp_path, *words)
        assert said.code == code, (words, said)
        assert what in said.err and not said.out.strip(), (words, said)
    # an encoder that cannot be had has not become the project's
    assert "1 had been embedded before" in run(tmp_path, "embed", project, "--slide", "S1").out


@pytest.mark.slow
def test_a_folder_without_slides_makes_no_project(tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    make.text_as_slide(folder / "letter.txt")
    said = run(tmp_path, "embed", folder, "--project", tmp_path / "project")
    assert said.code == 1 and "no slide in this folder" in said.err
    assert not (tmp_path / "project").exists()
