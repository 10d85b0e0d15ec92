"""The ablation as a job: kept run by run, resumed, cancelled, shown."""

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from tests.core.pipeline.small_project import small_project

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.model_report.ablation_page import _round_steps, ablation_page
from napari_lookalike.core.pipeline.ablate import FOLDER, ablate_project
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.results import load_results

CONFIG = TrainConfig(epochs=1, finetune_epochs=1, folds=2, device="cpu", threads=1, lam=0.5)
GRID = {"lambdas": (0.0, 0.5), "taus": (0.1,)}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = small_project(tmp_path_factory.mktemp("ablate") / "p", per_class=4)
    HardNegativeTable(made.table_path).add(
        PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="Dr A")
    )
    return made


def runs_of(project):
    return sorted(p.name for p in (project.root / FOLDER).glob("*/runs/*.json"))


def test_cancelled_resumed_and_the_same_as_a_training(project, tmp_path):
    job = Job(lambda done, total, what: job.cancel() if what.startswith("Run 3") else None)
    with pytest.raises(JobCancelled):
        ablate_project(project.root, CONFIG, tmp_path, **GRID, job=job)
    kept = runs_of(project)
    assert kept == ["ce-l0-t0.1.json", "supcon-l0.5-t0.1.json"]
    partial = json.loads((tmp_path / "ablation.json").read_text())
    assert len(partial["runs"]) == 2
    assert len(partial["missing"]) == 4
    assert "not done yet" in partial["verdict"][0]
    assert "4 runs are not done yet" in (tmp_path / "ablation.html").read_text()

    titles = []
    found = ablate_project(
        project.root, CONFIG, tmp_path, **GRID, job=Job(lambda d, t, what: titles.append(what))
    )
    assert not any(what.startswith(("Run 1 ", "Run 2 ", "First")) for what in titles)
    assert any(what.startswith("Run 3 of 6 (expert-guided") for what in titles)
    assert found["missing"] == []
    assert len(found["runs"]) == 6
    assert project.versions() == (found["start"],) == ("m001-ce",)
    assert set(found["comparisons"]) >= {"expert against supcon", "expert against shuffled"}

    # a run is what a training of a version with these settings gives
    version = train_project(project.root, replace(CONFIG, loss="supcon"), found["start"])
    wanted = load_results(project.version_dir(version)).metrics
    run = next(r for r in found["runs"] if r["arm"] == "supcon")
    assert run["balanced_accuracy"] == wanted["balanced_accuracy"]
    stored = json.loads(next((project.root / FOLDER).glob("*/runs/supcon*")).read_text())
    assert stored["metrics"]["slides"]["predicted"] == wanted["slides"]["predicted"]

    check_files(found, tmp_path)


def check_files(found, folder):
    rows = list(csv.DictReader((folder / "ablation.csv").read_text().splitlines()))
    assert len(rows) == len(found["runs"])
    for row, run in zip(rows, found["runs"], strict=True):
        assert row["arm"] == run["arm"]
        assert float(row["balanced_accuracy"]) == pytest.approx(
            run["balanced_accuracy"]["value"], abs=1e-6
        )
    page = (folder / "ablation.html").read_text()
    assert "<script" not in page and "PAT" not in page and "Dr A" not in page
    assert found["verdict"][0] in page.replace("&#x27;", "'")
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 2
    for text in drawings:
        ElementTree.fromstring(text)
    assert json.loads((folder / "ablation.json").read_text()) == found


def test_a_changed_table_begins_anew_and_keeps_the_old_runs(project):
    before = len(runs_of(project))
    table = HardNegativeTable(project.table_path)
    row = table.add(PairMark(level="subtype", subtype_a="B", subtype_b="C", expert="Dr A"))
    job = Job(lambda done, total, what: job.cancel() if what.startswith("Run 1") else None)
    with pytest.raises(JobCancelled):
        ablate_project(project.root, CONFIG, **GRID, start_from="m001-ce", job=job)
    assert len(list((project.root / FOLDER).iterdir())) == 2
    assert len(runs_of(project)) == before
    table.retire(row.id, by="Dr A")


def test_without_marks_only_the_losses_are_compared(tmp_path):
    project = small_project(tmp_path / "p", per_class=4)
    found = ablate_project(project.root, CONFIG, lambdas=(0.5,), taus=(0.1,))
    assert [r["arm"] for r in found["runs"]] == ["ce", "supcon"]
    assert found["verdict"] == ["Nothing is marked, so there is nothing to be said about marks."]
    assert found["runs"][0]["margin"] is None
    ablation_page(found)


def test_the_page_lists_runs_by_loss_and_lambda_not_as_they_were_computed():
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    made = (("expert", 1.0), ("ce", 0.0), ("supcon", 1.0), ("expert", 0.1), ("supcon", 0.1))
    same = {"tau": 0.1, "balanced_accuracy": figure, "margin": figure, "confusion": figure}
    report = {
        "runs": [{"arm": arm, "lambda": lam, **same} for arm, lam in made],
        "synthetic": False,
        "missing": [],
        "verdict": [],
        "config": {"seed": 0, "finetune_epochs": 1, "gamma": 8.0},
        "slides": 9,
        "patients": 8,
        "start": "m001-ce",
        "notes": [],
        "program": "0",
    }
    rows = re.findall(r"<tr><td>([^<]+)</td><td>([^<]+)</td>", ablation_page(report))
    assert rows == [
        ("cross-entropy", "0"),
        ("SupCon", "0.1"),
        ("SupCon", "1"),
        ("expert-guided", "0.1"),
        ("expert-guided", "1"),
    ]


@pytest.mark.parametrize(
    ("low", "high"), [(0.4, 0.8), (-0.004, 0.009), (0, 1), (0.71, 0.74), (3, 3)]
)
def test_axes_have_a_handful_of_round_numbers(low, high):
    steps = _round_steps(low, high)
    assert len(steps) <= 8
    assert all(low - 1e-6 <= s <= high + 1e-6 for s in steps)
    assert len(steps) >= 2 or low == high
