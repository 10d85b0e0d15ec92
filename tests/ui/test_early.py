"""The slide on the screen is watched: early answers come, refine, are dropped, and end."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.project_fixtures import tiny_features
from tests.session.test_early_view import early

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.parts import PartStore, parts_folder
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.pipeline.early import early_prediction
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import JobStatus, Session
from napari_lookalike.ui import early as module
from napari_lookalike.ui.early import EarlyKeeper


class Runner:
    """Remembers what it was asked for."""

    def __init__(self):
        self.asked, self.cancelled = [], []

    def run(self, function, *args, title, on_result, on_error, lane="work"):
        self.asked.append(
            SimpleNamespace(
                function=function, args=args, answer=on_result, fail=on_error, lane=lane
            )
        )
        return len(self.asked)

    def cancel(self, key):
        self.cancelled.append(key)


class Slide:
    """One slide of a project that somebody embeds: there are no features yet."""

    def __init__(self, project, slide_id):
        self.made = tiny_features(slide_id)
        self.path = project.features_path(slide_id)
        self.path.unlink(missing_ok=True)
        made = self.made
        plan = Plan(slide_id, "", made.encoder, made.instances.shape[1], made.grid, None, "")
        self.store = PartStore(parts_folder(self.path), plan)

    def add(self, share):
        order = coarse_to_fine(self.made.grid)[: round(share * len(self.made))]
        self.store.add(order, self.made.instances[order])

    def finish(self, partial=False):
        self.store.finish(self.path, partial=partial)


@pytest.fixture
def session(tiny):
    session = Session()
    open_project(session, tiny.root)
    return session


@pytest.fixture
def runner():
    return Runner()


@pytest.fixture
def keeper(qtbot, session, runner, monkeypatch):
    monkeypatch.setattr(module, "REST", 0.0)
    keeper = EarlyKeeper(session, runner)
    qtbot.waitUntil(lambda: not keeper._background.busy)
    keeper._timer.setInterval(10)
    yield keeper
    keeper.close()


@pytest.fixture
def seen(qtbot, keeper):
    """Waits until the keeper has looked at the disk as it is now."""

    def wait(times=2):
        for _ in range(times):
            qtbot.waitUntil(lambda: not keeper._background.busy)
            keeper.look()
        qtbot.waitUntil(lambda: not keeper._background.busy)

    return wait


@pytest.fixture
def slide(session):
    """S01 (on the screen), begun."""
    begun = Slide(session.project, "S01")
    session.embedded -= {"S01"}
    return begun


def test_a_slide_with_all_features_is_left_alone(keeper, session, runner, seen):
    seen()
    assert runner.asked == []
    assert session.early is None
    assert session.unasked == frozenset()
    assert session.coverage == 1.0


def test_parts_on_the_disk_are_asked_about_one_question_at_a_time(
    qtbot, keeper, session, runner, slide, seen
):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    [job] = runner.asked
    assert job.function is early_prediction
    assert job.args == (session.project.root, session.results.version, "S01", None)
    assert job.lane == "early"
    slide.add(0.5)
    seen()
    assert len(runner.asked) == 1  # the first one has not answered
    found = early(session)
    job.answer(found)
    assert session.early is found
    qtbot.waitUntil(lambda: len(runner.asked) == 2)
    assert runner.asked[1].args[-1] is found.said  # to be held against
    runner.asked[1].answer(replace(found, coverage=0.5))
    seen()
    assert len(runner.asked) == 2  # nothing new on the disk


def test_the_model_is_loaded_before_there_is_a_tile(qtbot, keeper, session, runner, seen):
    session.project.features_path("S01").unlink()
    session.embedded -= {"S01"}
    seen()
    assert runner.asked == []  # nobody embeds
    session.jobs = (JobStatus(9, "Embedding"),)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    runner.asked[0].answer(None)
    seen()
    assert len(runner.asked) == 1
    slide = Slide(session.project, "S01")
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 2)


def test_the_cores_are_for_embedding(qtbot, keeper, session, runner, slide, seen, monkeypatch):
    monkeypatch.setattr(module, "REST", 1e6)
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    runner.asked[0].answer(replace(early(session), seconds=0.1))
    slide.add(0.5)
    seen()
    assert len(runner.asked) == 1


@pytest.mark.parametrize("change", ["slide", "model", "project"])
def test_an_answer_that_comes_too_late_is_dropped(
    qtbot, keeper, session, runner, slide, seen, change
):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    found = early(session)
    if change == "slide":
        session.slide_id = "S02"
    elif change == "model":
        session.results = replace(session.results, version="m009-other")
    else:
        close_project(session)
    assert runner.cancelled == [1]
    runner.asked[0].answer(found)
    assert session.early is None
    runner.asked[0].fail(JobCancelled("stopped"))
    assert session.notice is None


def test_another_slide_takes_the_early_answer_away(qtbot, keeper, session, runner, slide):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    runner.asked[0].answer(early(session))
    session.slide_id = "S02"
    assert session.early is None
    session.slide_id = "S01"  # and it is asked for again when the user comes back
    qtbot.waitUntil(lambda: len(runner.asked) == 2)
    assert runner.asked[1].args[-1] is None


def test_when_it_is_finished_the_model_is_asked_about_all_of_it(
    qtbot, keeper, session, runner, slide
):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    found = early(session)
    runner.asked[0].answer(found)
    slide.add(1.0)
    slide.finish()
    qtbot.waitUntil(lambda: session.unasked == {"S01"})
    assert "S01" in session.embedded
    assert session.early is found  # until the answer in full is there
    session.results = replace(session.results)
    assert session.early is None


def test_without_a_model_only_the_coverage_is_told(qtbot, keeper, session, runner, slide):
    session.results = None
    slide.add(0.25)
    qtbot.waitUntil(lambda: bool(runner.asked))
    job = runner.asked[-1]
    assert job.args[1] == ""
    job.answer(early(session, with_result=False))
    assert session.early.coverage == 0.25
    slide.add(1.0)
    slide.finish()
    qtbot.waitUntil(lambda: "S01" in session.embedded)
    assert session.early is None


def test_a_slide_that_was_stopped_tells_its_share(qtbot, keeper, session, runner, slide):
    slide.add(0.25)
    slide.finish(partial=True)
    qtbot.waitUntil(lambda: session.coverage == 0.25)
    qtbot.waitUntil(lambda: session.unasked == {"S01"})
    session.slide_id = "S02"
    assert session.coverage == 1.0


def test_parts_that_are_thrown_away_take_the_early_answer_with_them(
    qtbot, keeper, session, runner, slide
):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    runner.asked[0].answer(early(session))
    shutil.rmtree(slide.store.folder)
    qtbot.waitUntil(lambda: session.early is None)


def test_a_slide_that_is_embedded_again_is_asked_about_again(
    qtbot, keeper, session, runner, seen, tiny
):
    from napari_lookalike.core.features import save_features

    seen()
    save_features(tiny.features_path("S01"), tiny_features("S01"))
    qtbot.waitUntil(lambda: session.unasked == {"S01"})


def test_a_fault_is_told_once(qtbot, keeper, session, runner, slide, seen):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    runner.asked[0].fail(ModelError("The worker process ended.", "Close other programs."))
    assert session.notice.kind == "error"
    slide.add(0.5)
    seen()
    assert len(runner.asked) == 1


def test_an_answer_of_nothing_changes_nothing(qtbot, keeper, session, runner, slide):
    slide.add(0.25)
    qtbot.waitUntil(lambda: len(runner.asked) == 1)
    runner.asked[0].answer(None)
    assert session.early is None


def test_a_closed_keeper_looks_no_more(qtbot, keeper, session, runner, slide, seen):
    keeper.close()
    slide.add(0.25)
    session.slide_id = "S02"
    session.slide_id = "S01"
    qtbot.wait(50)
    assert runner.asked == []


def test_tiles_are_those_of_the_tests():
    assert np.array_equal(np.sort(coarse_to_fine(tiny_features("S01").grid)), np.arange(48))
