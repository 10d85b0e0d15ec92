"""The teach panel: train, watch, cancel, compare, keep, roll back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.live_map import LiveFrame
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import (
    ModelResults,
    Projection,
    SlideResult,
    save_results,
)
from napari_lookalike.session.session import JobStatus, Session
from napari_lookalike.ui.panels.training import TrainingPanel

LABELS = {"s1": "alpha", "s2": "beta", "s3": "alpha", "s4": "beta"}
LEFT = Qt.MouseButton.LeftButton


class HandRunner:
    """A runner that the test drives by hand."""

    def __init__(self, session):
        self.session, self.calls, self.cancelled, self.ended = session, [], [], []

    def run(self, function, *args, **more):
        self.calls.append((function, args, more))
        key = len(self.calls)
        self.session.jobs = (*self.session.jobs, JobStatus(key, more["title"]))
        return key

    def cancel(self, key):
        self.cancelled.append(key)

    def end_early(self, key):
        self.ended.append(key)

    def finish(self, value):
        self.session.jobs = ()
        self.calls[-1][2]["on_result"](value)

    def fail(self, error):
        self.session.jobs = ()
        self.calls[-1][2]["on_error"](error)


@pytest.fixture
def session(tmp_path) -> Session:
    records = tuple(SlideRecord(s, Path("x"), label=label) for s, label in LABELS.items())
    project = Project.create(tmp_path / "project", Cohort(records))
    return Session(project=project, cohort=project.cohort)


@pytest.fixture
def runner(session) -> HandRunner:
    return HandRunner(session)


@pytest.fixture
def panel(qtbot, session, runner):
    panel = TrainingPanel(session, runner)
    qtbot.addWidget(panel)
    panel.resize(380, 320)
    panel.show()
    yield panel
    panel.close()


def change(before, after):
    value = after - before
    difference = {"value": value, "low": value - 0.05, "high": value + 0.05}
    return {"before": before, "after": after, "difference": difference}


def write_version(project, version, before="", turned="") -> str:
    """A version as the training writes it: results that can be read again."""
    p, z = np.array([0.6, 0.4], np.float32), np.zeros(3, np.float32)
    slides = {s: SlideResult(s, p[::-1] if s == turned else p, z, z[None], True, 0) for s in LABELS}
    metrics = {"balanced_accuracy": {"value": 0.7, "low": 0.6, "high": 0.8}}
    if before:
        metrics["comparison"] = {
            "before": before,
            "n_slides": 4,
            "pairs": {"alpha | beta": {"confusion": change(0.4, 0.1), "margin": change(0.1, 0.3)}},
            "marked_pairs": {"confusion": change(0.4, 0.1)},
            "balanced_accuracy": change(0.7, 0.72),
            "per_class_recall": {
                "alpha": {**change(0.9, 0.6), "n": 2},
                "beta": {**change(0.5, 0.8), "n": 2},
            },
            "got_worse": ["alpha"],
        }
    folder = project.version_dir(version)
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    save_results(folder, ModelResults(version, ("alpha", "beta"), slides, metrics, {}))
    return version


def mark_a_pair(session):
    session.marks = (PairMark(1, "slide", "s1", "s2", "alpha", "beta", 0.75, expert="Dr A"),)


def train_first(qtbot, panel, runner, session):
    qtbot.mouseClick(panel.start, LEFT)
    runner.finish(write_version(session.project, "m001-supcon"))
    qtbot.waitUntil(lambda: session.results is not None)


def fine_tune(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    mark_a_pair(session)
    qtbot.mouseClick(panel.start, LEFT)
    runner.finish(write_version(session.project, "m002-expert", "m001-supcon"))
    qtbot.waitUntil(lambda: session.results_before is not None)


def test_without_a_project_it_says_so(qtbot):
    session = Session()
    panel = TrainingPanel(session, HandRunner(session))
    qtbot.addWidget(panel)
    assert not panel.start.isEnabled()
    assert "project" in panel.hint.text()


def test_a_first_model_is_trained_and_put_in_use(qtbot, panel, runner, session):
    assert panel.start.text() == "Train a first model"
    train_first(qtbot, panel, runner, session)
    function, args, more = runner.calls[0]
    assert function is train_project
    assert args[0] == session.project.root
    assert args[1].loss == "supcon"
    assert more["start_from"] is None
    assert session.project.current_version == "m001-supcon"
    assert not panel.choice.isVisible()
    assert "m001-supcon" in panel.model.text()


def test_fine_tuning_asks_for_a_mark_first(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    assert not panel.start.isEnabled()
    assert "Mark two look-alikes" in panel.hint.text()
    mark_a_pair(session)
    assert panel.start.isEnabled()
    assert panel.start.text() == "Fine-tune with these pairs"
    assert "1 active mark" in panel.used.text()


def test_fine_tuning_starts_from_the_model_in_use(qtbot, panel, runner, session):
    fine_tune(qtbot, panel, runner, session)
    _, args, more = runner.calls[1]
    assert args[1].loss == "expert"
    assert more["start_from"] == "m001-supcon"
    assert session.results.version == "m002-expert"
    assert session.project.current_version == "m001-supcon"


def test_before_and_after_are_side_by_side_with_what_fell_first(qtbot, panel, runner, session):
    fine_tune(qtbot, panel, runner, session)
    assert panel.outcome.fell.isVisible()
    assert "alpha: recall fell from 90\u00a0% to 60\u00a0%" in panel.outcome.fell.text()
    assert "better on the marked pairs" in panel.outcome.verdict.text()
    for text in ("Before", "After", "alpha / beta: confused", "40\u00a0%", "10\u00a0%"):
        assert text in panel.outcome.figures.text()
    assert panel.outcome.fell.y() < panel.outcome.verdict.y() < panel.outcome.figures.y()


def test_the_map_moves_while_it_learns_and_rests_afterwards(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    mark_a_pair(session)
    base = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    session.projection = Projection("m001-supcon", "pca", tuple(LABELS), base)
    qtbot.mouseClick(panel.start, LEFT)
    z = np.zeros((4, 3), np.float32)
    runner.calls[1][2]["on_value"](LiveFrame(tuple(LABELS), z, z, held_out=False))
    assert session.live is not None
    assert session.live.version == "m001-supcon"
    assert session.projection.parameters == {}
    runner.finish(write_version(session.project, "m002-expert", "m001-supcon"))
    qtbot.waitUntil(lambda: session.results_before is not None)
    assert session.live is None
    assert session.projection_before.version == "m001-supcon"


def test_a_cancelled_training_puts_the_map_back(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    mark_a_pair(session)
    base = np.zeros((4, 2), np.float32)
    session.projection = Projection("m001-supcon", "pca", tuple(LABELS), base)
    qtbot.mouseClick(panel.start, LEFT)
    z = np.zeros((4, 3), np.float32)
    runner.calls[1][2]["on_value"](LiveFrame(tuple(LABELS), z, z, held_out=False))
    runner.fail(JobCancelled("fold 1"))
    assert session.live is None


def test_results_that_cannot_be_read_are_said_and_the_button_comes_back(
    qtbot, panel, runner, session
):
    qtbot.mouseClick(panel.start, LEFT)
    runner.finish("m009-lost")
    qtbot.waitUntil(lambda: session.notice is not None)
    assert panel.start.isEnabled()


def test_slides_whose_prediction_changed_open_at_a_click(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    mark_a_pair(session)
    panel.start.click()
    version = write_version(session.project, "m002-expert", "m001-supcon", turned="s2")
    runner.finish(version)
    qtbot.waitUntil(lambda: session.results_before is not None)
    changed = panel.outcome.changed
    assert [changed.item(i).text() for i in range(changed.count())] == [
        "s2: alpha (60\u00a0%) → beta (60\u00a0%), not labelled"
    ]
    changed.itemClicked.emit(changed.item(0))
    assert session.slide_id == "s2"


def test_keep(qtbot, panel, runner, session):
    fine_tune(qtbot, panel, runner, session)
    qtbot.mouseClick(panel.keep, LEFT)
    assert session.project.current_version == "m002-expert"
    assert not panel.choice.isVisible()
    assert panel.start.isVisible()


def test_the_main_acts_have_keys(qtbot, panel, runner, session):
    alt = Qt.KeyboardModifier.AltModifier
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow, timeout=20_000)  # before that, keys have no shortcut
    panel.start.setFocus()
    qtbot.keyClick(panel.start, Qt.Key.Key_T, alt)
    assert len(runner.calls) == 1
    runner.finish(write_version(session.project, "m001-supcon"))
    qtbot.waitUntil(lambda: session.results is not None)
    for key, version in ((Qt.Key.Key_B, "m001-supcon"), (Qt.Key.Key_K, "m003-expert")):
        mark_a_pair(session)
        panel.train()
        name = session.project.next_version("expert")
        runner.finish(write_version(session.project, name, "m001-supcon"))
        qtbot.waitUntil(lambda: session.results_before is not None)
        panel.keep.setFocus()
        qtbot.keyClick(panel.keep, key, alt)
        assert session.project.current_version == version


def test_roll_back(qtbot, panel, runner, session):
    fine_tune(qtbot, panel, runner, session)
    qtbot.mouseClick(panel.roll_back, LEFT)
    assert session.project.current_version == "m001-supcon"
    assert session.results.version == "m001-supcon"
    assert not panel.outcome.isVisible()


def test_progress_shows_and_can_be_cancelled(qtbot, panel, runner, session):
    qtbot.mouseClick(panel.start, LEFT)
    session.jobs = (replace(session.jobs[0], done=3, total=10, what="fold 1 of 5"),)
    assert panel.progress.isVisible()
    assert panel.progress.bar.value() == 3
    assert "fold 1 of 5" in panel.progress.text.text()
    assert not panel.start.isEnabled()
    qtbot.mouseClick(panel.progress.cancel, LEFT)
    assert runner.cancelled == [1]
    runner.fail(JobCancelled("fold 1"))
    assert not panel.progress.isVisible()
    assert panel.start.isEnabled()
    assert session.notice.kind == "info"
    qtbot.mouseClick(panel.start, LEFT)
    assert panel.progress.cancel.isEnabled()


def test_another_job_is_not_shown_here(panel, session):
    session.jobs = (JobStatus(99, "Embedding", 1, 2),)
    assert not panel.progress.isVisible()


def test_why_there_is_no_new_model_is_read_after_the_notice_is_gone(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    mark_a_pair(session)
    qtbot.mouseClick(panel.start, LEFT)
    runner.fail(TrainingError("The model's weights are damaged.", "Go back to another version."))
    session.notice = None
    assert panel.problem.isVisible()
    assert "damaged. Go back to another version." in panel.problem.text()
    qtbot.mouseClick(panel.start, LEFT)  # tried again
    assert not panel.problem.isVisible()
    runner.fail(JobCancelled("fold 1"))
    assert not panel.problem.isVisible()


def test_an_error_is_a_sentence_and_the_button_comes_back(qtbot, panel, runner, session):
    qtbot.mouseClick(panel.start, LEFT)
    runner.fail(TrainingError("No slide has features yet.", "Embed the slides first."))
    assert session.notice.text == "No slide has features yet. Embed the slides first."
    assert panel.start.isEnabled()


def test_settings_are_used_and_kept_with_the_project(qtbot, panel, runner, session):
    assert not panel.settings.isVisible()
    qtbot.mouseClick(panel.advanced, LEFT)
    assert panel.settings.isVisible()
    panel.form.boxes["gamma"].setValue(4.0)
    panel.form.head.setCurrentIndex(panel.form.head.findData("clam_mb"))
    # tau * ln(gamma) = 0.1 * ln(4)
    assert "0.14" in panel.form.margin.text()
    qtbot.mouseClick(panel.start, LEFT)
    config = runner.calls[0][1][1]
    assert (config.gamma, config.head) == (4.0, "clam_mb")
    assert Project.open(session.project.root).settings.train.gamma == 4.0


def test_a_new_model_from_scratch_does_not_start_from_the_old_one(qtbot, panel, runner, session):
    train_first(qtbot, panel, runner, session)
    qtbot.mouseClick(panel.advanced, LEFT)
    panel.scratch.click()
    assert runner.calls[1][2]["start_from"] is None
    assert runner.calls[1][1][1].loss == "supcon"


def test_a_result_that_comes_after_another_project_was_opened_is_dropped(
    qtbot, panel, runner, session, tmp_path
):
    first = session.project
    qtbot.mouseClick(panel.start, LEFT)
    session.project = Project.create(tmp_path / "other", session.cohort)
    runner.finish(write_version(first, "m001-supcon"))
    qtbot.waitUntil(lambda: not panel.busy)
    assert session.results is None


def test_nothing_is_wider_than_a_narrow_dock(qtbot, panel, runner, session):
    fine_tune(qtbot, panel, runner, session)
    qtbot.mouseClick(panel.advanced, LEFT)
    assert panel.minimumSizeHint().width() <= 380
    inside = panel.outcome.parentWidget()
    assert inside.width() <= panel.width()
    for widget in (panel.keep, panel.roll_back, panel.scratch, panel.form.head):
        assert widget.width() >= widget.minimumSizeHint().width()


def test_a_closed_panel_lets_go_of_the_session(qtbot, panel, session):
    panel.close()
    mark_a_pair(session)
    assert "active mark" not in panel.used.text()


def test_a_training_can_be_stopped_and_kept(panel, runner, session, qtbot):
    assert not panel.progress.isVisible()
    qtbot.mouseClick(panel.start, LEFT)
    assert panel.progress.finish.isVisibleTo(panel.progress)
    assert panel.progress.finish.toolTip()
    qtbot.mouseClick(panel.progress.finish, LEFT)
    assert runner.ended == [1]
    assert runner.cancelled == []
    assert not panel.progress.finish.isEnabled()  # once is enough
    assert panel.progress.cancel.isEnabled()  # to throw it away after all
    qtbot.mouseClick(panel.progress.cancel, LEFT)
    assert runner.cancelled == [1]
