"""Training a version again from what it noted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from tests.core.pipeline.small_project import features, small_project, store

from napari_lookalike.core.checkpoints import load_model
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import ProjectError, TableError, TrainingError
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark, version_of
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.pipeline import train as pipeline
from napari_lookalike.core.pipeline.made import table_as_it_was
from napari_lookalike.core.pipeline.reproduce import reproduce_version
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.core.votes import save_votes

CONFIG = TrainConfig(epochs=3, finetune_epochs=2, folds=3, device="cpu", threads=1, seed=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a first version and one that was taught by a mark."""
    project = small_project(tmp_path_factory.mktemp("made") / "p")
    first = train_project(project.root, CONFIG)
    HardNegativeTable(project.table_path).add(
        PairMark(0, "subtype", subtype_a="A", subtype_b="B", strength=1.0, expert="Dr A")
    )
    second = train_project(project.root, replace(CONFIG, loss="expert"), start_from=first)
    return project, first, second


@pytest.fixture
def copy(made, tmp_path):
    """A copy of that project, to be changed."""
    project, first, second = made
    shutil.copytree(project.root, tmp_path / "p")
    return Project.open(tmp_path / "p"), first, second


def test_both_kinds_of_training_come_out_the_same(made):
    project, first, second = made
    for version, marks in ((first, 0), (second, 1)):
        found = reproduce_version(project.root, version)
        assert found.same, found.verdict
        assert (found.networks, found.differ, found.largest) == (4, 0, 0.0)
        assert (found.marks, found.answers, found.changed) == (marks, (), ())
        assert "the same, to the last bit" in found.verdict
    assert len(project.versions()) == 2  # nothing was written


def test_votes_are_those_of_then(copy):
    project, _, _ = copy
    save_votes(project.root, {"A0": {"A": 2, "B": 1}, "C1": {"C": 1, "A": 1}})
    version = train_project(project.root, CONFIG)
    save_votes(project.root, {"A0": {"A": 1, "B": 2}})
    found = reproduce_version(project.root, version)
    assert found.same, found.verdict
    other = train_project(project.root, CONFIG)
    one, two = (load_model(project.version_dir(v)).final.state for v in (version, other))
    assert any(not np.array_equal(one[k], two[k]) for k in one)


def test_a_version_of_two_stages_that_was_ended_early_comes_out_the_same(copy, monkeypatch):
    project, _, _ = copy
    supcon = replace(CONFIG, loss="supcon", finetune_epochs=4)
    whole = train_project(project.root, supcon)
    assert reproduce_version(project.root, whole).same
    # as a training that was asked to finish after two passes notes it
    first = pipeline.first_stage

    def unhurried(data, config, *more):
        return first(data, replace(config, stop_after=0), *more)

    monkeypatch.setattr(pipeline, "first_stage", unhurried)
    early = train_project(project.root, replace(supcon, stop_after=2))
    assert load_model(project.version_dir(early)).config.stop_after == 2
    assert reproduce_version(project.root, early).same


def test_evidence_tiles_are_those_of_then(copy):
    project, first, _ = copy
    table = HardNegativeTable(project.table_path)
    pair = PairMark(0, "slide", "A0", "B0", "A", "B", strength=1.0, expert="Dr A")
    mark = table.add(pair)
    tile = EvidenceTile(mark=mark.id, slide_id="A0", x=0, y=0, size=448, expert="Dr A")
    there = table.add_evidence(tile)
    version = train_project(project.root, replace(CONFIG, loss="expert"), start_from=first)
    assert load_results(project.version_dir(version)).card["evidence"]["tiles"] == 1
    table.retire_evidence(there.id)
    found = reproduce_version(project.root, version)
    assert found.same, found.verdict
    without = train_project(project.root, replace(CONFIG, loss="expert"), start_from=first)
    taught, plain = (load_model(project.version_dir(v)) for v in (version, without))
    # the tile had a part in it, so the check is worth something
    assert any(not np.array_equal(v, plain.final.state[k]) for k, v in taught.final.state.items())


def test_the_table_and_the_cohort_are_those_of_then(copy):
    project, _, second = copy
    table = HardNegativeTable(project.table_path)
    (mark,) = table.rows()
    table.update(mark.id, strength=0.1)
    table.add(PairMark(0, "subtype", subtype_a="A", subtype_b="C", strength=1.0, expert="Dr B"))
    changed = [
        replace(project.cohort["A0"], label="B"),
        replace(project.cohort["C1"], excluded=True),
    ]
    project.save(cohort=project.cohort.with_records(changed))
    found = reproduce_version(project.root, second)
    assert found.same, found.verdict
    assert found.marks == 1
    noted = load_results(project.version_dir(second)).card["table_then"]
    assert noted == {"version": found.table_version, "entries": 1}
    assert Project.open(project.root).cohort["A0"].label == "B"


def test_other_features_are_noticed(copy):
    project, first, _ = copy
    project.features_path("A0").unlink()
    with pytest.raises(TrainingError, match="cannot be repeated without this slide") as error:
        reproduce_version(project.root, first)
    assert error.value.slide == "A0"
    store(project, features("A0", "A", 999))
    found = reproduce_version(project.root, first)
    assert not found.same
    assert 0 < found.differ <= found.numbers
    assert found.largest > 0
    assert "did not come out the same" in found.verdict


def test_a_slide_that_is_gone_is_named(copy):
    project, first, _ = copy
    project.save(cohort=project.cohort.without("B2"))
    with pytest.raises(ProjectError, match="B2 had a part in the training"):
        reproduce_version(project.root, first)


def test_other_software_and_other_patients_are_said(copy):
    project, first, _ = copy
    path = project.version_dir(first) / "model.json"
    card = json.loads(path.read_text())
    card["extras"]["made_with"]["torch"] = "1.0"
    path.write_text(json.dumps(card))
    project.save(
        cohort=project.cohort.with_record(replace(project.cohort["A0"], patient_id="PAT-0-1"))
    )
    found = reproduce_version(project.root, first)
    assert any(c.startswith("torch: 1.0 then") for c in found.changed)
    assert any("other patients" in c for c in found.changed)
    assert found.same  # the patients of then were used


def test_a_version_without_a_note_is_found_by_time_and_table(copy):
    project, _, second = copy
    table = HardNegativeTable(project.table_path)
    rows, log = table.rows(), table.log()
    card = {"trained_at": "2999-01-01", "table_version": version_of(rows)}
    table.update(rows[0].id, strength=0.2)
    longer = HardNegativeTable(project.table_path).log()
    assert table_as_it_was(longer, card)[0] == rows
    assert table_as_it_was(longer, {"trained_at": "1999-01-01", "table_version": "empty"})[0] == ()
    with pytest.raises(TableError, match="does not lead"):
        table_as_it_was(longer, {**card, "table_version": "9-abcdef01"})
    with pytest.raises(TableError, match="does not lead"):
        table_as_it_was(log, {"table_then": {"version": "9-abcdef01", "entries": 1}})
    with pytest.raises(TableError, match="ablation"):
        table_as_it_was(log, {"table_then": {"version": "1-abcdef01", "entries": None}})
    without_marks = {"table_then": {"version": "empty", "entries": None}}
    assert table_as_it_was(log, without_marks) == ((), ())
    assert second


def test_numbers_are_those_of_the_file(made):
    project, first, _ = made
    model = load_model(project.version_dir(first))
    networks = (model.final, *model.fold_networks)
    size = sum(np.size(v) for n in networks for v in n.state.values())
    size += sum(n.mean.size + n.std.size for n in networks)
    assert reproduce_version(project.root, first).numbers == size
