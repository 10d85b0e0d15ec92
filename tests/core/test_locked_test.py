"""The locked test set: drawn once, by patient and subtype, and known by name and content."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.core.pipeline.small_project import CLASSES, records, small_project

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.locked_test import (
    FILE,
    lock_test_set,
    locked_contents,
    locked_slide_ids,
    read_locked_test,
    record_opening,
)
from napari_lookalike.core.project import Project


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "p", Cohort(records(per_class=20), name="made up"))


def test_patients_are_drawn_whole_and_stratified(project):
    locked = lock_test_set(project, 0.2, seed=3)
    cohort = project.cohort
    chosen = set(locked.slide_ids)
    for label in CLASSES:  # ten patients with two slides each
        assert len({cohort[s].group for s in chosen if cohort[s].label == label}) == 2
    groups = {cohort[s].group for s in chosen}
    assert {s.slide_id for s in cohort if s.group in groups} == chosen
    assert "PAT" not in (project.root / FILE).read_text()


def test_the_seed_decides(tmp_path):
    drawn = []
    for i, seed in enumerate((1, 1, 2)):
        p = Project.create(tmp_path / str(i), Cohort(records(per_class=20)))
        drawn.append(lock_test_set(p, 0.3, seed).slide_ids)
    assert drawn[0] == drawn[1] != drawn[2]


def test_it_is_read_as_it_was_written(project):
    locked = lock_test_set(project, 0.2)
    assert read_locked_test(project.root) == locked
    assert locked_slide_ids(project) == set(locked.slide_ids)


def test_later_slides_of_a_test_patient_and_copies_are_locked_too(project):
    content = replace(project.cohort["A0"], fingerprint="f" * 32)
    project.save(
        cohort=project.cohort.with_records(
            [replace(s, fingerprint=f"{i:032d}") for i, s in enumerate(project.cohort)]
        )
    )
    locked = lock_test_set(project, 0.2)
    one = project.cohort[locked.slide_ids[0]]
    later = replace(content, slide_id="later", patient_id=one.patient_id, fingerprint="")
    copy = replace(content, slide_id="copy", patient_id="PAT-else", fingerprint=one.fingerprint)
    project.save(cohort=project.cohort.with_added((later, copy)))
    assert locked_slide_ids(project) == {*locked.slide_ids, "later", "copy"}


def test_slides_that_are_opened_after_the_lock_are_known_by_content_too(project):
    locked = lock_test_set(project, 0.2)
    assert locked.fingerprints == ()
    one = replace(project.cohort[locked.slide_ids[0]], fingerprint="seen later")
    copy = replace(one, slide_id="copy", patient_id="PAT-else")
    project.save(cohort=project.cohort.with_record(one).with_added((copy,)))
    assert "copy" in locked_slide_ids(project)
    assert "seen later" in locked_contents(project)


def test_patients_who_share_a_slide_are_drawn_together(tmp_path):
    made = [
        replace(s, fingerprint="twin" if s.slide_id in ("A0", "A2", "A4", "A6") else s.slide_id)
        for s in records(per_class=12)
    ]
    for seed in range(6):
        p = Project.create(tmp_path / str(seed), Cohort(tuple(made)))
        chosen = set(lock_test_set(p, 0.2, seed).slide_ids)
        assert len(chosen & {"A0", "A2", "A4", "A6"}) in (0, 4)


def test_small_subtypes_keep_patients_for_training(tmp_path):
    made = (
        *records(per_class=12),
        *(SlideRecord(f"R{i}", Path("x"), f"R{i}", "R") for i in (0, 1)),
    )
    p = Project.create(tmp_path / "p", Cohort(made))
    locked = lock_test_set(p, 0.9)
    assert not {"R0", "R1"} & set(locked.slide_ids)
    for label in CLASSES:
        left = {s.group for s in p.cohort if s.label == label} - {
            p.cohort[s].group for s in locked.slide_ids
        }
        assert len(left) == 2


def test_it_is_refused_after_a_mark_a_model_or_a_first_lock(project, tmp_path):
    other = small_project(tmp_path / "q")
    table = HardNegativeTable(other.table_path)
    row = table.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="Dr A"))
    table.retire(row.id, by="Dr A")
    with pytest.raises(ProjectError, match="marked already") as caught:
        lock_test_set(other, 0.2)
    assert caught.value.remedy
    model = project.version_dir("m001-ce")
    model.mkdir(parents=True)
    (model / "model.json").write_text("{}")
    with pytest.raises(ProjectError, match="trained already"):
        lock_test_set(project, 0.2)
    (model / "model.json").unlink()
    lock_test_set(project, 0.2)
    with pytest.raises(ProjectError, match="already"):
        lock_test_set(project, 0.2)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_that_is_none_is_refused(project, share):
    with pytest.raises(ProjectError, match="between 0 and 1"):
        lock_test_set(project, share)


def test_too_few_patients_are_refused(tmp_path):
    p = Project.create(tmp_path / "p", Cohort(records(per_class=4)))
    with pytest.raises(ProjectError, match="Too few patients"):
        lock_test_set(p, 0.2)
    assert read_locked_test(p.root) is None


def test_openings_are_counted(project):
    with pytest.raises(ProjectError, match="no locked test set"):
        record_opening(project.root, "m001-ce")
    lock_test_set(project, 0.2)
    record_opening(project.root, "m001-ce")
    locked = record_opening(project.root, "m002-expert")
    assert [o.version for o in read_locked_test(project.root).openings] == [
        "m001-ce",
        "m002-expert",
    ]
    assert locked.openings[0].time


@pytest.mark.parametrize("text", ["", "{}", '{"slide_ids": 3}'])
def test_a_damaged_file_is_never_taken_for_no_test_set(project, text):
    (project.root / FILE).write_text(text)
    with pytest.raises(ProjectError, match="cannot be read"):
        read_locked_test(project.root)
