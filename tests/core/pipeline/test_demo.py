"""The demo's jobs, on a cohort of small slides; and what the report says."""

import csv
import json
from dataclasses import replace

import pytest
from tests.core.pipeline.small_project import small_project

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import ModelError, ProjectError
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.pipeline.demo import demo_versions, prepare_demo, write_report
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project
from napari_lookalike.core.report import SYNTHETIC_NOTE, conclusion
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.core.synth import cohort as synth
from napari_lookalike.core.synth.plan import plan_cohort

CONFIG = TrainConfig(epochs=3, finetune_epochs=2, folds=2, device="cpu", threads=1)
KEYS = {
    "slides",
    "tiles",
    "classes",
    "encoder",
    "head",
    "device",
    "seeds",
    "timings",
    "synthetic",
    "models",
    "conclusion",
    "marked_pairs",
    "table_version",
    "marks_left_out_by_fold",
}


def assert_figure(figure):
    assert set(figure) == {"value", "low", "high"}
    if None not in figure.values():
        assert figure["low"] <= figure["value"] <= figure["high"]


# -- prepare_demo ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_cohort():
    """The demo's cohort, small: the same code with fewer and smaller slides."""
    patch = pytest.MonkeyPatch()
    patch.setattr(synth, "plan_cohort", lambda _: plan_cohort(4, (2, 2, 2, 2, 2, 2), (960, 768)))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def demo(small_cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    timings, steps = {}, []
    project = prepare_demo(
        folder / "project",
        cohort_folder=folder / "slides",
        settings=ProjectSettings(train=CONFIG),
        timings=timings,
        job=Job(lambda *step: steps.append(step)),
    )
    return project, timings, steps, folder


@pytest.mark.slow
def test_the_demo_is_ready_for_the_window(demo):
    project, timings, _, _ = demo
    assert project.cohort.synthetic
    assert all(len(project.load_features(s.slide_id)) for s in project.cohort)
    versions = demo_versions(project)
    assert set(versions) == {"base", "ce", "supcon"}
    assert project.current_version == versions["base"]
    maps = list(project.version_dir(versions["base"]).glob("map_umap*"))
    assert len(maps) == 1
    assert {"cohort", "features", "map", "training: ce", "training: supcon"} <= set(timings)


@pytest.mark.slow
def test_progress_goes_up_to_the_end(demo):
    shares = [done / total for done, total, _ in demo[2] if total]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.slow
def test_a_second_call_goes_on_with_what_is_there(demo):
    project, _, _, folder = demo
    timings = {}
    again = prepare_demo(project.root, cohort_folder=folder / "slides", timings=timings)
    assert again.versions() == project.versions()
    assert not [name for name in timings if name.startswith("training")]


def _begins(what, texts):
    return any(text in what for text in texts)


@pytest.mark.slow
def test_fresh_starts_anew_but_keeps_the_slides(demo, tmp_path):
    import shutil

    project, _, _, folder = demo
    root = tmp_path / "project"
    shutil.copytree(project.root, root)
    HardNegativeTable(Project.open(root).table_path).add(
        PairMark(level="subtype", subtype_a="AT/RT-like", subtype_b="ependymoma-like")
    )
    begins = ("Starting to embed", "Loading the encoder")  # in processes, or in this one
    stop = Job(lambda _done, _total, what: stop.cancel() if _begins(what, begins) else None)
    with pytest.raises(JobCancelled):
        prepare_demo(root, cohort_folder=folder / "slides", fresh=True, job=stop)
    left = Project.open(root)
    assert left.versions() == () and not left.table_path.exists()


@pytest.mark.slow
def test_another_projects_folder_is_left_alone(small_cohort, demo, tmp_path):
    project = small_project(tmp_path / "mine")
    for fresh in (False, True):
        with pytest.raises(ProjectError, match="not the demo's"):
            prepare_demo(project.root, cohort_folder=demo[3] / "slides", fresh=fresh)
    assert len(Project.open(project.root).cohort) == len(project.cohort)


# -- the report ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A project with made-up features and the demo's four models."""
    project = small_project(tmp_path_factory.mktemp("compared") / "project")
    project.save(cohort=replace(project.cohort, synthetic=True))
    base = train_project(project.root, CONFIG, table_rows=())
    for loss in ("ce", "supcon"):
        train_project(project.root, replace(CONFIG, loss=loss), base, ())
    table = HardNegativeTable(project.table_path)
    table.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="E"))
    a, b = project.cohort.slides[0].slide_id, project.cohort.slides[-1].slide_id
    table.add(PairMark(slide_a=a, slide_b=b, subtype_a="A", subtype_b="C", expert="E"))
    train_project(project.root, replace(CONFIG, loss="expert"), base)
    return project


def test_the_report_has_every_key(compared, tmp_path):
    timings = {"cohort": 1.5}
    report = write_report(compared.root, tmp_path, timings)
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report
    assert set(report) >= KEYS
    assert report["slides"] == 18 and report["tiles"] == 180 and report["patients"] == 9
    assert report["classes"] == ["A", "B", "C"]
    assert report["synthetic"] is True and report["timings"] == timings
    assert report["device"] == "cpu"
    assert report["marked_pairs"] == ["A | B", "A | C"]
    for role in ("ce", "supcon", "expert"):
        model = report["models"][role]
        assert_figure(model["balanced_accuracy"])
        assert set(model["pairs"]) == {"A | B", "A | C"}
        for pair in model["pairs"].values():
            assert_figure(pair["confusion"])
            assert_figure(pair["margin"])
    assert SYNTHETIC_NOTE in report["conclusion"]


def test_the_report_compares_models_of_equal_training(compared):
    versions = demo_versions(compared)
    assert set(versions) == {"base", "ce", "supcon", "expert"}
    assert len(set(versions.values())) == 4


def test_marks_are_left_out_where_they_touch_a_test_patient(compared, tmp_path):
    report = write_report(compared.root, tmp_path)
    assert report["marks"] == 2 and report["table_version"].startswith("2-")
    by_fold = report["marks_left_out_by_fold"]
    assert len(by_fold) == CONFIG.folds
    # The slide pair touches a patient of one fold or two; the subtype pair none.
    assert [sum(left.values()) for left in by_fold].count(1) in (1, 2)


def test_the_table_goes_with_the_report_without_patients(compared, tmp_path):
    write_report(compared.root, tmp_path)
    text = (tmp_path / "pairs.csv").read_text("utf-8")
    assert len(list(csv.DictReader(text.splitlines()))) == 2
    assert "PAT-" not in text + (tmp_path / "report.json").read_text("utf-8")


def test_without_an_expert_model_the_report_says_so(tmp_path):
    project = small_project(tmp_path / "project")
    train_project(project.root, CONFIG)
    report = write_report(project.root, tmp_path)
    assert report["models"] == {"ce": None, "supcon": None, "expert": None}
    assert report["conclusion"].startswith("No expert-guided model")
    assert SYNTHETIC_NOTE not in report["conclusion"]


def test_without_any_model_there_is_no_report(tmp_path):
    project = small_project(tmp_path / "project")
    with pytest.raises(ModelError, match="no trained model"):
        write_report(project.root, tmp_path)


def test_a_report_that_cannot_be_written_is_a_sentence(compared, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError):
        write_report(compared.root, tmp_path / "file")


def _compared(value, low, high):
    difference = {"value": value, "low": low, "high": high}
    confusion = {"before": 0.3, "after": 0.3 + value, "difference": difference}
    return {"marked_pairs": {"confusion": confusion}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((-0.2, -0.3, -0.1), "is better than"),
        ((-0.2, -0.3, 0.0), "is not shown to be better than"),
        ((0.0, -0.1, 0.1), "is not better than"),
        ((0.1, -0.1, 0.2), "is not better than"),
    ],
)
def test_the_conclusion_claims_no_more_than_the_figures(change, said):
    comparisons = {"expert against supcon": _compared(*change), "expert against ce": {}}
    comparisons["expert against ce"] = _compared(-0.2, -0.3, -0.1)
    text = conclusion(comparisons, {"expert": {}}, synthetic=False)
    about_supcon, about_ce = text.split("The expert-guided model ")[1:]
    assert about_supcon.startswith(f"{said} SupCon")
    assert about_ce.startswith("is better than cross-entropy")


def test_pairs_that_nobody_held_out_are_said_to_be_unknown():
    text = conclusion({"expert against ce": {"marked_pairs": {}}}, {"expert": {}}, synthetic=False)
    assert "nothing can be said" in text
