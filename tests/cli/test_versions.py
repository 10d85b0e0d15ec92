"""``versions``: list, compare, keep, reproduce."""

from __future__ import annotations

import json
import shutil

import pytest
from tests.core.pipeline.small_project import small_project
from tests.project_fixtures import FIRST, SECOND, tiny_project

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project


@pytest.fixture
def root(tmp_path):
    return tiny_project(tmp_path).root


def test_list(cli, root):
    shown = cli("versions", "list", root)
    assert shown.code == 0
    told = ("in use", "balanced accuracy", "Research use only", "abmil", "tiny-v1")
    for word in (FIRST, SECOND, *told):
        assert word in shown.out
    one, two = cli("versions", "list", root, "--json").json["versions"]
    assert (one["version"], one["in_use"], two["parent"]) == (FIRST, True, FIRST)


def test_compare_says_what_fell_first(cli, root):
    back = cli("versions", "compare", root, SECOND, FIRST)
    assert back.code == 0
    assert back.out.index("recall fell") < back.out.index("Balanced accuracy")
    assert "now wrong" in back.out
    found = cli("versions", "compare", root, FIRST, SECOND, "--json").json
    assert found["figures"]["n_slides"] == found["shared"] == 24
    assert {c["turn"] for c in found["changed"]} == {"mended"}


def test_a_version_that_is_not_there_is_named(cli, root):
    for words in (("compare", root, FIRST, "m009"), ("keep", root, "m009")):
        ran = cli("versions", *words)
        assert ran.code == 1
        assert "no model version m009" in ran.told


def test_keep(cli, root):
    assert "in use now (before: m001-supcon)" in cli("versions", "keep", root, SECOND).out
    assert Project.open(root).current_version == SECOND
    assert "already" in cli("versions", "keep", root, SECOND).out
    answer = cli("versions", "keep", root, FIRST, "--json").json
    assert answer == {"in_use": FIRST, "before": SECOND}


def test_a_project_without_models_says_so(cli, tmp_path):
    project = tiny_project(tmp_path, results=False)
    assert "No model" in cli("versions", "list", project.root).out


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("trained") / "p")
    config = TrainConfig(epochs=2, folds=3, device="cpu", threads=1)
    return project.root, train_project(project.root, config)


def test_reproduce(cli, trained, tmp_path):
    root, version = trained
    ran = cli("versions", "reproduce", root, version)
    assert ran.code == 0
    assert "came out the same" in " ".join(ran.out.split())
    shutil.copytree(root, tmp_path / "p")
    path = tmp_path / "p" / "models" / version / "model.json"
    card = json.loads(path.read_text())
    card["config"]["seed"] = 5
    path.write_text(json.dumps(card))
    other = cli("versions", "reproduce", tmp_path / "p", version, "--json")
    assert other.code == 1
    assert not other.json["same"]
    assert other.json["differ"] > 0
