"""Slides that were embedded after the model was trained are asked about, one job at a time."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.locked_test import FILE, LockedTest
from napari_lookalike.core.pipeline.predict import PredictReport, predict_slides
from napari_lookalike.core.results import load_results
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.asking import Asker


class Runner:
    def __init__(self):
        self.asked, self.cancelled = [], []

    def run(self, function, *args, title, on_result, on_error, lane):
        self.asked.append(
            SimpleNamespace(
                function=function, args=args, answer=on_result, fail=on_error, lane=lane
            )
        )
        return len(self.asked)

    def cancel(self, key):
        self.cancelled.append(key)


@pytest.fixture
def session(tiny):
    session = Session()
    open_project(session, tiny.root)
    return session


@pytest.fixture
def runner():
    return Runner()


@pytest.fixture
def asker(session, runner):
    asker = Asker(session, runner)
    yield asker
    asker.close()


def test_what_was_embedded_is_asked_about(asker, session, runner):
    before = session.results
    session.results = replace(before, slides={s: r for s, r in before.slides.items() if s != "S02"})
    session.unasked = frozenset({"S02", "S01"})
    [job] = runner.asked
    assert job.function is predict_slides
    assert job.args == (session.project.root, session.results.version, ("S01", "S02"))
    assert job.lane == "early"
    job.answer(PredictReport(("S01", "S02")))
    assert "S02" in session.results.slides  # read again from the disk
    assert session.unasked == frozenset()
    assert session.notice.text == "2 slides predicted."
    assert len(runner.asked) == 1


def test_a_prediction_from_a_part_of_a_slide_says_so_at_once(asker, session, runner):
    """Never for a moment may seven tiles of a hundred pass for all of them."""
    session.slide_id = "S01"
    seen = []
    session.events.results.connect(lambda *_: seen.append(session.coverage))
    session.unasked = frozenset({"S01", "S02"})
    runner.asked[0].answer(PredictReport(("S01", "S02"), (), {"S01": 0.07, "S02": 1.0}))
    assert seen == [0.07]
    session.slide_id = "S03"
    session.unasked = frozenset({"S01"})
    runner.asked[1].answer(PredictReport(("S01",), (), {"S01": 0.5}))
    assert session.coverage == 0.07  # nothing was said of the slide on the screen


def test_one_job_at_a_time(asker, session, runner):
    session.unasked = frozenset({"S01"})
    session.unasked |= {"S02"}
    assert len(runner.asked) == 1
    runner.asked[0].answer(PredictReport(("S01",)))
    assert runner.asked[1].args[-1] == ("S02",)


def test_what_cannot_be_predicted_is_told_and_not_asked_again(asker, session, runner):
    session.unasked = frozenset({"S01"})
    runner.asked[0].answer(PredictReport((), ("Slide S01: another encoder.",)))
    assert session.notice.kind == "warning"
    assert "another encoder" in session.notice.text
    session.unasked = frozenset({"S02"})
    runner.asked[1].fail(ModelError("The model is damaged.", "Train again."))
    assert session.notice.kind == "error"
    assert session.unasked == frozenset()


def test_nobody_is_asked_while_a_model_is_on_trial(asker, session, runner, tiny):
    session.results_before = session.results
    session.unasked = frozenset({"S01"})
    assert runner.asked == []
    session.results_before = None
    assert len(runner.asked) == 1


def test_without_a_model_nobody_is_asked_until_there_is_one(asker, session, runner):
    results, session.results = session.results, None
    session.unasked = frozenset({"S01"})
    assert runner.asked == []
    session.results = results
    assert len(runner.asked) == 1


def test_an_answer_about_another_model_is_dropped(asker, session, runner, tiny):
    session.unasked = frozenset({"S01"})
    session.results = load_results(tiny.version_dir("m002-expert"))
    shown = session.results
    runner.asked[0].answer(PredictReport(("S01",)))
    assert session.results is shown
    assert runner.asked[1].args[1] == "m002-expert"  # and the model that is shown is asked


def test_an_answer_about_a_project_that_was_left_is_dropped(asker, session, runner):
    session.unasked = frozenset({"S01"})
    close_project(session)
    runner.asked[0].answer(PredictReport(("S01",)))
    assert session.results is None
    assert session.notice is None
    runner.asked[0].fail(ModelError("Gone.", ""))
    assert session.notice is None


def test_the_locked_test_set_is_left_alone(asker, session, runner):
    lock = LockedTest(("S01",), (), 0, 0.2, "now")  # and S02, of the same patient
    (session.project.root / FILE).write_text(json.dumps(asdict(lock)))
    session.unasked = frozenset({"S01", "S02", "S03"})
    assert [job.args[-1] for job in runner.asked] == [("S03",)]
    runner.asked[0].answer(PredictReport(("S03",)))
    session.unasked = frozenset({"S01"})
    assert len(runner.asked) == 1
    assert session.unasked == frozenset()


def test_closing_stops_it(asker, session, runner):
    session.unasked = frozenset({"S01"})
    asker.close()
    assert runner.cancelled == [1]
    session.unasked = frozenset({"S02"})
    assert len(runner.asked) == 1
