"""Training a version as a whole job: what is left out, what leaks, what is left behind."""

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.core.pipeline.small_project import CLASSES, DIM, features, small_project, store

from napari_lookalike.core.checkpoints import load_model
from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import ModelError, ProjectError, TableError, TrainingError
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.locked_test import lock_test_set
from napari_lookalike.core.pipeline import train as module
from napari_lookalike.core.pipeline.train import predict_slides, train_project
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results

CONFIG = TrainConfig(epochs=4, finetune_epochs=2, folds=3, device="cpu", threads=1, seed=1)
EXPERT = replace(CONFIG, loss="expert")
EXTRA = (
    SlideRecord("new", Path("gone.svs"), "PAT-new"),
    SlideRecord("second", Path("gone.svs"), "PAT-0-0"),  # unlabelled, of a training patient
    SlideRecord("lonely", Path("gone.svs"), "PAT-x", "rare"),
    SlideRecord("out", Path("gone.svs"), "PAT-y", "A", excluded=True),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a cross-entropy version; tests that change it work on a copy."""
    project = small_project(tmp_path_factory.mktemp("trained") / "p", EXTRA)
    steps = []
    version = train_project(project.root, CONFIG, job=Job(lambda *s: steps.append(s)))
    return project, version, steps


def finishing(text):
    """A job that is asked to finish when it says so."""
    job = Job()
    job._on_step = lambda done, total, what: job.finish() if text in what else None
    return job


def test_a_training_that_is_stopped_is_kept_and_says_so(trained, tmp_path):
    project = Project.open(shutil.copytree(trained[0].root, tmp_path / "p"))
    version = train_project(project.root, EXPERT, trained[1], job=finishing("Pass 1 of 2"))
    assert version == "m002-expert-stopped"
    said = results_of(project, version)
    assert said.card["config"]["stop_after"] == 1
    assert any("Stopped after 1 of 2 passes" in note for note in said.card["notes"])
    assert said.metrics["comparison"]["before"] == trained[1]  # held out, as of any version


def test_stopped_before_the_marks_it_is_a_model_without_them(tmp_path):
    project = small_project(tmp_path / "p")
    version = train_project(project.root, EXPERT, job=finishing("Pass 2 of 4"))
    assert version == "m001-ce-stopped"
    said = results_of(project, version)
    assert said.card["config"]["loss"] == "ce"
    assert any("Stopped after 2 of 4 passes" in note for note in said.card["notes"])


def results_of(project, version):
    return load_results(project.version_dir(version))


def test_a_version_is_written_and_not_put_in_use(trained):
    project, version, steps = trained
    assert version == "m001-ce"
    assert project.versions() == (version,)
    assert project.current_version is None
    names = {p.name for p in project.version_dir(version).iterdir()}
    kept = {"model.safetensors", "model.json", "results.h5", "metrics.json"}
    assert names == kept | {"model_card.json", "model_card.md"}
    assert not list(project.version_dir(version).parent.glob(".tmp*"))
    done = [d / t for d, t, _ in steps]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_metrics_are_held_out_and_say_what_results_say(trained):
    project, version, _ = trained
    results = results_of(project, version)
    metrics = results.metrics
    assert results.classes == CLASSES
    assert metrics["n_slides"] == 18
    assert metrics["n_patients"] == 9
    slides = metrics["slides"]
    for slide_id, said in zip(slides["slide_ids"], slides["predicted"], strict=True):
        result = results.slides[slide_id]
        assert result.held_out
        assert result.ranking[0] == said
    # the classes are far apart: a working model recognises held-out patients
    assert metrics["balanced_accuracy"]["value"] > 0.8


def test_every_slide_has_a_result_from_a_network_that_never_saw_its_patient(trained):
    project, version, _ = trained
    results, model = results_of(project, version), load_model(project.version_dir(version))
    assert set(results.slides) == {s.slide_id for s in project.cohort if not s.excluded}
    for name in ("new", "lonely"):
        assert not results.slides[name].held_out
        assert results.slides[name].fold == -1
    second = results.slides["second"]
    assert second.held_out
    assert second.fold == results.slides["A0"].fold == results.slides["A1"].fold
    for slide_id, result in results.slides.items():
        assert result.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert result.attention_logits.shape[1] == 10
        if result.held_out:
            seen = set(model.fold_networks[result.fold].train_slide_ids)
            patient = project.cohort[slide_id].patient_id
            assert not seen & {s.slide_id for s in project.cohort if s.patient_id == patient}


def test_the_card_says_what_was_left_out(trained):
    project, version, _ = trained
    card = results_of(project, version).card
    assert any("rare has one slide" in note for note in card["notes"])
    assert card["version"] == version
    assert card["loss"] == "ce"
    assert card["start_from"] == ""
    assert card["table_version"] == "empty"
    assert "marks" not in card
    assert "PAT" not in str(card)


@pytest.fixture
def copied(trained, tmp_path):
    import shutil

    project, version, _ = trained
    shutil.copytree(project.root, tmp_path / "copy")
    return Project.open(tmp_path / "copy"), version


def mark(project, a="A0", b="B0", **kw):
    table = HardNegativeTable(project.table_path)
    label = {s.slide_id: s.label for s in project.cohort}
    return table.add(
        PairMark(slide_a=a, slide_b=b, subtype_a=label[a], subtype_b=label[b], expert="Dr A", **kw)
    )


def test_fine_tuning_keeps_folds_and_compares_with_the_start(copied):
    project, start = copied
    mark(project)
    HardNegativeTable(project.table_path).add(
        PairMark(level="subtype", subtype_a="B", subtype_b="C", expert="Dr A")
    )
    version = train_project(project.root, EXPERT, start)
    assert version == "m002-expert"
    before, after = results_of(project, start), results_of(project, version)
    assert {k: s.fold for k, s in before.slides.items()} == {
        k: s.fold for k, s in after.slides.items()
    }
    assert after.card["start_from"] == start
    assert after.card["table_version"] == HardNegativeTable(project.table_path).version
    assert after.metrics["marked_pairs"] == ["A | B", "B | C"]
    assert after.metrics["comparison"]["before"] == start
    assert after.metrics["comparison"]["n_slides"] == 18
    assert "marked pairs" in after.metrics["comparison"]["verdict"]
    assert "0.21 further apart" in after.card["marks"][0]
    # a mark made by looking at a test patient is hidden from the fold that tests it
    hidden = [i for i, left in enumerate(after.card["marks_left_out_by_fold"]) if left]
    assert hidden == sorted({after.slides["A0"].fold, after.slides["B0"].fold})


def test_the_weights_of_a_fold_know_nothing_of_its_patients(copied, monkeypatch):
    import napari_lookalike.core.training as training

    project, start = copied
    mark(project, "A0", "B0", strength=0.5)
    mark(project, "A2", "C2", strength=0.7)
    seen = {}

    def spy(bags, classes, config, weights, weights_of_fold, folds, **kw):
        for fold in range(3):
            patients = {b.group for b, f in zip(bags, folds, strict=True) if f == fold}
            for pair in weights_of_fold(fold).slide_strength:
                assert not patients & {project.cohort[s].group for s in pair}
        seen["final"] = weights.slide_strength
        return train(bags, classes, config, weights, weights_of_fold, folds, **kw)

    train = training.train
    monkeypatch.setattr(training, "train", spy)
    train_project(project.root, EXPERT, start)
    assert seen["final"] == {("A0", "B0"): 0.5, ("A2", "C2"): 0.7}


def test_only_the_expert_loss_learns_from_the_table(copied):
    project, start = copied
    supcon = replace(CONFIG, loss="supcon")
    one = results_of(project, train_project(project.root, supcon, start))
    mark(project)
    two = results_of(project, train_project(project.root, supcon, start))
    for slide_id, result in one.slides.items():
        np.testing.assert_array_equal(result.probabilities, two.slides[slide_id].probabilities)
    assert two.card["table_version"] == "empty"
    assert "A | B" in two.metrics["marked_pairs"]  # but the pair is evaluated


def test_rows_can_be_given_instead_of_the_table(copied):
    project, start = copied
    mark(project)
    rows = [PairMark(level="subtype", subtype_a="A", subtype_b="C")]
    found = results_of(project, train_project(project.root, EXPERT, start, rows))
    assert found.metrics["marked_pairs"] == ["A | C"]


def test_another_loss_from_scratch_trains_in_two_stages(copied):
    project, _ = copied
    steps = []
    version = train_project(project.root, EXPERT, job=Job(lambda *s: steps.append(s)))
    card = results_of(project, version).card
    assert (card["stage"], card["start_from"]) == ("fine-tuned", "")
    assert any(what.startswith("First stage") for _, _, what in steps)
    done = [d / t for d, t, _ in steps]
    assert done == sorted(done)


def test_new_patients_are_dealt_to_folds_when_fine_tuning(copied):
    project, start = copied
    extra = tuple(
        SlideRecord(f"more{i}", Path("gone.svs"), f"PAT-more-{i // 2}", "A") for i in range(4)
    )
    project.save(cohort=project.cohort.with_added(extra))
    store(project, *(features(r.slide_id, "A", 70 + i) for i, r in enumerate(extra)))
    found = results_of(project, train_project(project.root, replace(CONFIG, loss="supcon"), start))
    folds = [found.slides[f"more{i}"].fold for i in range(4)]
    assert folds[0] == folds[1] >= 0
    assert folds[2] == folds[3] >= 0
    assert folds[0] != folds[2]
    assert found.metrics["n_slides"] == 22


def test_slides_that_cannot_be_used_are_named_and_the_rest_goes_on(copied):
    project, _ = copied
    store(project, features("A5", "A", 5, mpp=1.0))
    with h5py.File(project.features_path("B5"), "a") as file:
        file["features"][0, 0] = np.nan
    project.features_path("C5").unlink()
    found = results_of(project, train_project(project.root, CONFIG))
    assert not {"A5", "B5", "C5"} & set(found.slides)
    notes = " ".join(found.card["notes"])
    for words in ("A5 were cut or encoded otherwise", "Slide B5: ", "Slide C5: "):
        assert words in notes
    assert found.metrics["n_slides"] == 15


@pytest.mark.parametrize(
    ("keep", "words"),
    [((), "No slide has features"), (("A0", "A1"), "Only one subtype"), (("new",), "No subtype")],
)
def test_a_cohort_that_cannot_be_trained_says_why(tmp_path, keep, words):
    project = small_project(tmp_path / "p", EXTRA)
    for record in project.cohort:
        if record.slide_id not in keep:
            project.features_path(record.slide_id).unlink()
    with pytest.raises(TrainingError, match=words) as caught:
        train_project(project.root, CONFIG)
    assert caught.value.remedy


def test_fewer_patients_than_folds_lower_the_folds(tmp_path):
    project = small_project(tmp_path / "p", per_class=2)
    for i in range(2):  # three patients become four, of two subtypes with one patient each
        project.save(
            cohort=project.cohort.with_record(replace(project.cohort[f"A{i}"], patient_id=f"Q{i}"))
        )
    found = results_of(project, train_project(project.root, replace(CONFIG, folds=9)))
    notes = " ".join(found.card["notes"])
    assert "4 folds, because there are 4 patients" in notes
    assert "All slides of B are in one fold" in notes


def test_other_classes_than_the_start_are_refused(copied):
    project, start = copied
    project.save(cohort=project.cohort.with_record(replace(project.cohort["A0"], label="rare")))
    with pytest.raises(TrainingError, match="differ in their subtypes"):
        train_project(project.root, EXPERT, start)


def test_a_start_that_is_missing_is_a_sentence(copied):
    project, _ = copied
    with pytest.raises(ModelError):
        train_project(project.root, EXPERT, "m077-ce")


def test_a_cancelled_training_leaves_nothing(copied):
    project, version = copied
    job = Job(lambda done, total, what: job.cancel() if "Fold 2" in what else None)
    with pytest.raises(JobCancelled):
        train_project(project.root, CONFIG, job=job)
    assert [p.name for p in project.version_dir(version).parent.iterdir()] == [version]


def test_a_full_disk_leaves_nothing_and_says_so(copied, monkeypatch):
    project, version = copied

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_lookalike.core.pipeline.version.save_results", full)
    with pytest.raises(ProjectError, match="No space"):
        train_project(project.root, CONFIG)
    assert [p.name for p in project.version_dir(version).parent.iterdir()] == [version]


def test_a_damaged_table_stops_the_training_before_it_costs_time(copied):
    project, _ = copied
    project.table_path.write_bytes(b"no database, long enough to be looked at as one " * 30)
    with pytest.raises(TableError, match="damaged"):
        train_project(project.root, CONFIG)


def test_a_start_whose_results_are_damaged_stops_the_training_before_it_costs_time(
    copied, monkeypatch
):
    project, start = copied
    results = project.version_dir(start) / "results.h5"
    results.write_bytes(results.read_bytes()[:1000])
    monkeypatch.setattr(module, "train_stages", None)
    with pytest.raises(ModelError, match="results of this model version are damaged"):
        train_project(project.root, EXPERT, start)
    assert project.versions() == (start,)


def test_new_slides_are_added_to_the_results(copied):
    project, version = copied
    before = results_of(project, version)
    extra = (
        SlideRecord("late", Path("gone.svs"), "PAT-late"),
        SlideRecord("later", Path("gone.svs"), "PAT-2-0"),
        SlideRecord("bare", Path("gone.svs"), "PAT-bare"),
        SlideRecord("other", Path("gone.svs"), "PAT-other"),
    )
    project.save(cohort=project.cohort.with_added(extra))
    store(
        project,
        features("late", "A", 90),
        features("later", "C", 91),
        features("other", "A", 92, dim=DIM + 1),
    )
    report = predict_slides(project.root, version, ["late", "later", "bare", "other", "nobody"])
    assert report.predicted == ("late", "later")
    assert len(report.problems) == 3
    assert "bare" in report.problems[0]
    assert "other" in report.problems[1]
    after = results_of(project, version)
    assert set(after.slides) == {*before.slides, "late", "later"}
    assert not after.slides["late"].held_out
    assert after.slides["later"].fold == before.slides["C0"].fold  # the same patient
    assert after.metrics == before.metrics
    assert after.card == before.card
    np.testing.assert_array_equal(after.slides["A0"].embedding, before.slides["A0"].embedding)


def test_a_slide_far_from_all_others_is_called_unlike(copied):
    project, version = copied
    strange = features("new", "", 200)
    strange.instances[:] = 0
    strange.instances[:, -1] = -60.0
    store(project, strange)
    predict_slides(project.root, version, ["new"])
    assert results_of(project, version).slides["new"].is_unlike


def test_a_prediction_that_is_cancelled_changes_nothing(copied):
    project, version = copied
    store(project, features("new", "A", 300, n=7))
    file = project.version_dir(version) / "results.h5"
    before = file.read_bytes()
    job = Job(lambda done, total, what: job.cancel())
    with pytest.raises(JobCancelled):
        predict_slides(project.root, version, ["new", "lonely"], job=job)
    assert file.read_bytes() == before
    predict_slides(project.root, version, ["new"])
    assert results_of(project, version).slides["new"].attention_logits.shape[1] == 7


def test_the_functions_are_picklable_by_name():
    import pickle

    for function in (module.train_project, module.predict_slides):
        assert pickle.loads(pickle.dumps(function)) is function


# -- the leakage guard -----------------------------------------------------------------


def test_the_locked_test_set_is_not_trained_on_nor_predicted_nor_learnt_from(tmp_path):
    project = small_project(tmp_path / "p", EXTRA, per_class=8)
    locked = lock_test_set(project, 0.25, seed=1)
    hidden = locked.slide_ids[0]
    other = "A0" if project.cohort[hidden].label != "A" else "B0"
    mark(project, hidden, next(s for s in (other, "C0") if s not in locked.slide_ids))
    version = train_project(project.root, EXPERT)
    model, found = load_model(project.version_dir(version)), results_of(project, version)
    away = set(locked.slide_ids)
    assert "second" in away  # without a label, but of a test patient
    assert len(away) == 7
    assert away.isdisjoint(found.slides)
    assert away.isdisjoint(model.train_slide_ids)
    assert away.isdisjoint(model.folds)
    assert "7 slides of 3 patients are the locked test set" in found.card["notes"][0]
    assert found.card["marks_left_out"] == {"touches a test patient": 1}
    report = predict_slides(project.root, version, [hidden])
    assert report.predicted == ()
    assert "locked test set" in report.problems[0]


def test_a_copy_that_only_its_features_give_away_is_not_trained_on(tmp_path):
    project = small_project(tmp_path / "p", per_class=8)
    locked = lock_test_set(project, 0.25, seed=1)
    free = next(s.slide_id for s in project.cohort if s.slide_id not in locked.slide_ids)
    content = project.load_features(free).fingerprint  # its record has none
    twin = replace(project.cohort[locked.slide_ids[0]], fingerprint=content)
    project.save(cohort=project.cohort.with_record(twin))
    found = results_of(project, train_project(project.root, CONFIG))
    assert free not in found.slides
    assert any(f"{free} is a copy of a slide of the locked" in n for n in found.card["notes"])


def test_copies_of_a_slide_share_a_fold_whoevers_they_are(tmp_path):
    project = small_project(tmp_path / "p")
    twin = {"A0": "twin", "A5": "twin"}
    project.save(
        cohort=project.cohort.with_records(
            [replace(s, fingerprint=twin.get(s.slide_id, s.slide_id)) for s in project.cohort]
        )
    )
    mark(project, "A5", "B0")
    found = results_of(project, train_project(project.root, EXPERT))
    assert found.slides["A0"].fold == found.slides["A5"].fold
    assert found.slides["A4"].fold == found.slides["A1"].fold == found.slides["A0"].fold
    assert any("A0 and A5 hold the same slide" in note for note in found.card["notes"])
    # the mark of the copy's patient is hidden where the other is tested
    assert found.card["marks_left_out_by_fold"][found.slides["A0"].fold]


def test_a_patient_on_both_sides_of_the_starts_folds_is_refused(copied):
    project, start = copied
    folds = {s: r.fold for s, r in results_of(project, start).slides.items() if r.held_out}
    a = next(s for s in folds if folds[s] != folds["A0"])
    project.save(
        cohort=project.cohort.with_records(
            [replace(project.cohort[s], fingerprint="same", label="") for s in ("A0", a)]
        )
    )
    with pytest.raises(TrainingError, match="belong to one patient") as caught:
        train_project(project.root, replace(CONFIG, loss="supcon"), start)
    assert "from scratch" in caught.value.remedy


def test_every_figure_and_the_card_come_with_a_version(trained):
    project, version, _ = trained
    measures = results_of(project, version).metrics["measures"]
    assert measures["macro_auc"]["value"] > 0.8
    assert measures["robustness"]["n_centres"] == 2
    card = (project.version_dir(version) / "model_card.md").read_text()
    assert "Macro AUC" in card
    assert "PAT" not in card
