"""``train`` with evidence tiles, benign slides and thresholds; ``bench lookalike``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.core.pipeline.small_project import small_project

from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.pipeline import evidence_control
from napari_lookalike.core.project import Project

WORDS = ("--loss", "expert", "--folds", "2", "--epochs", "1", "--seed", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one mark and one evidence tile."""
    project = small_project(tmp_path / "project")
    table = HardNegativeTable(project.table_path)
    mark = table.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="Dr A"))
    table.add_evidence(EvidenceTile(0, mark.id, "A0", 0, 0, 448, "diagnostic", "Dr A"))
    return project.root


def test_switches_reach_the_training_and_the_card(cli: Cli, root: Path) -> None:
    benign = ("--benign", "C", "--benign-weight", "0.5")
    tiles = ("--evidence-attention", "0.2", "--evidence-tiles", "0.3")
    ran = cli("train", root, *WORDS, *benign, *tiles, "--pair-thresholds", "--json")
    assert ran.code == 0, ran.err
    used, card = ran.json["card"]["config"], ran.json["card"]
    assert (used["benign"], used["benign_weight"]) == (["C"], 0.5)
    assert (used["evidence_attention"], used["evidence_tiles"]) == (0.2, 0.3)
    assert used["pair_thresholds"] is True
    assert card["evidence"]["tiles"] == 1
    assert any("threshold" in note for note in card["notes"])
    assert ran.json["metrics"]["evidence"]["n_tiles"] == 1


def test_an_unknown_benign_subtype_is_refused(cli: Cli, root: Path) -> None:
    ran = cli("train", root, *WORDS, "--benign", "elsewhere")
    assert ran.code == 2
    assert "no slide has the subtype elsewhere" in ran.err


@pytest.mark.parametrize("keep", [True, False])
def test_a_model_that_evidence_harmed_is_not_put_in_use(
    cli: Cli, root: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    def judged(comparison: object, n_tiles: int) -> dict[str, object]:
        return {"n_tiles": n_tiles, "keep": keep, "sentence": "It did something."}

    monkeypatch.setattr(evidence_control, "effect", judged)
    ran = cli("train", root, *WORDS)
    assert ran.code == 0, ran.err
    assert "It did something." in ran.out
    (version,) = Project.open(root).versions()
    assert Project.open(root).current_version == (version if keep else None)
    assert ("is not put in use" in ran.err) is not keep


def test_options_of_the_bench_are_its_own_and_missing_tiles_are_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("bench", "decode", "--seeds", "2").code == 2
    monkeypatch.delenv("LOOKALIKE_SHARED", raising=False)
    ran = cli("bench", "lookalike", "--seeds", "1", "--data", tmp_path, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["rows"] == []
    assert "tiles are not here" in ran.json["not_measured"][0]["reason"]
