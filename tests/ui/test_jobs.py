"""Jobs: progress, cancel, errors, lanes, and what comes too late."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from tests.ui.python_processes import python_children

from napari_lookalike.core import child
from napari_lookalike.core.child import Child
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.progress import Job
from napari_lookalike.session.session import Notice, Session
from napari_lookalike.ui.jobs import JobRunner

SLOW_MS = 30_000


# ---- work; the child process imports this module to find it


def count_up(n: int, job: Job) -> int:
    for i in range(n):
        job.step(i, n, f"Step {i}")
        time.sleep(0.01)
    return os.getpid()


def show_twice(job: Job) -> str:
    job.show("first")
    job.show("second")
    return "third"


def until_cancelled(job: Job) -> None:
    while True:
        job.step(1, 3, "Going on")
        time.sleep(0.01)


def fail_as_we_do(job: Job) -> None:
    raise ProjectError("The folder is full.", "Make room.")


def fail_by_mistake(job: Job) -> None:
    raise ZeroDivisionError("by mistake")


def end_at_once(job: Job) -> None:
    os._exit(7)


# ---- tests


@pytest.fixture(autouse=True)
def child_finds_this_module(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


class Ear:
    """Remembers what a session said."""

    def __init__(self, session: Session) -> None:
        self.told: list[Notice] = []
        session.events.notice.connect(self.hear)

    def hear(self, notice: Notice | None) -> None:
        if notice is not None:
            self.told.append(notice)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def ear(session) -> Ear:
    return Ear(session)


@pytest.fixture
def runner(qapp, session):
    runner = JobRunner(session)
    yield runner
    runner.close()


def test_result_and_progress_arrive_in_the_windows_thread(qtbot, runner, session):
    seen, got = [], []
    session.events.jobs.connect(
        lambda jobs: seen.extend((threading.current_thread(), s.done, s.total) for s in jobs)
    )

    def take(value):
        got.append((threading.current_thread(), value))

    key = runner.run(count_up, 20, title="Counting", on_result=take)
    assert runner.busy
    assert [(s.key, s.title) for s in session.jobs] == [(key, "Counting")]
    qtbot.waitUntil(lambda: bool(got), timeout=SLOW_MS)
    assert {thread for thread, _, _ in seen} == {threading.main_thread()}
    steps = [done for _, done, total in seen if total == 20]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3
    [(thread, pid)] = got
    assert thread is threading.main_thread()
    assert pid != os.getpid()
    assert session.jobs == ()
    assert not runner.busy


def test_what_a_job_shows_arrives_before_its_result(qtbot, runner, session):
    seen: list[object] = []
    threads: list[object] = []

    def take(value):
        seen.append(value)
        threads.append(threading.current_thread())

    runner.run(show_twice, title="Showing", on_value=take, on_result=take)
    qtbot.waitUntil(lambda: len(seen) == 3, timeout=SLOW_MS)
    assert seen == ["first", "second", "third"]
    assert set(threads) == {threading.main_thread()}


def test_cancel_is_a_note_and_no_error(qtbot, runner, session, ear):
    key = runner.run(until_cancelled, title="Endless")
    qtbot.waitUntil(lambda: any(s.what == "Going on" for s in session.jobs), timeout=SLOW_MS)
    runner.cancel(key)
    qtbot.waitUntil(lambda: not runner.busy, timeout=SLOW_MS)
    [notice] = ear.told
    assert notice.kind == "info"
    assert "Stopped" in notice.text


def test_one_lane_takes_turns_in_one_process_and_two_run_side_by_side(qtbot, runner, session):
    got: dict[str, int] = {}
    endless = runner.run(until_cancelled, title="Endless")
    runner.run(count_up, 1, title="Behind", on_result=lambda pid: got.setdefault("behind", pid))
    runner.run(
        count_up, 1, title="Map", lane="map", on_result=lambda pid: got.setdefault("map", pid)
    )
    qtbot.waitUntil(lambda: "map" in got, timeout=SLOW_MS)
    assert "behind" not in got
    runner.cancel(endless)
    qtbot.waitUntil(lambda: "behind" in got, timeout=SLOW_MS)
    again: list[int] = []
    runner.run(count_up, 1, title="Again", on_result=again.append)
    qtbot.waitUntil(lambda: bool(again), timeout=SLOW_MS)
    assert again == [got["behind"]]
    assert got["map"] != got["behind"]


def test_a_job_that_waits_can_be_cancelled_at_once(qtbot, runner, session):
    runner.run(until_cancelled, title="Endless")
    waiting = runner.run(count_up, 1, title="Behind", on_result=lambda _: pytest.fail("it ran"))
    runner.cancel(waiting)
    qtbot.waitUntil(lambda: [s.title for s in session.jobs] == ["Endless"], timeout=SLOW_MS)


def test_our_error_is_a_sentence(qtbot, runner, ear):
    runner.run(fail_as_we_do, title="Failing")
    qtbot.waitUntil(lambda: bool(ear.told), timeout=SLOW_MS)
    assert ear.told == [Notice("The folder is full. Make room.", "error")]


def test_a_fault_of_the_program_is_told_with_its_details_in_the_log(qtbot, runner, ear, caplog):
    runner.run(fail_by_mistake, title="Failing")
    qtbot.waitUntil(lambda: bool(ear.told), timeout=SLOW_MS)
    [notice] = ear.told
    assert notice.kind == "error"
    assert "ZeroDivisionError: by mistake" in notice.text
    assert "please report it" in notice.text
    assert "fail_by_mistake" in caplog.text


def test_a_process_that_dies_is_told_and_the_next_job_has_a_new_one(qtbot, runner, ear):
    runner.run(end_at_once, title="Dying")
    qtbot.waitUntil(lambda: bool(ear.told), timeout=SLOW_MS)
    assert "ended unexpectedly (code 7)" in ear.told[0].text
    got: list[int] = []
    runner.run(count_up, 1, title="Next", on_result=got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=SLOW_MS)


def test_a_hook_decides_on_an_error(qtbot, runner, ear):
    got: list[BaseException] = []
    runner.run(fail_as_we_do, title="Failing", on_error=got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=SLOW_MS)
    assert isinstance(got[0], ProjectError)
    assert ear.told == []


def test_a_hook_that_fails_is_told_too(qtbot, runner, ear):
    def hook(_pid):
        raise ProjectError("It cannot be shown.", "Look elsewhere.")

    runner.run(count_up, 1, title="Counting", on_result=hook)
    qtbot.waitUntil(lambda: bool(ear.told), timeout=SLOW_MS)
    assert ear.told[0].text == "It cannot be shown. Look elsewhere."


def test_closing_ends_processes_and_drops_what_comes_late(qtbot, qapp, session):
    before = python_children()
    runner = JobRunner(session)
    runner.run(until_cancelled, title="Endless", on_result=lambda _: pytest.fail("late"))
    runner.run(count_up, 1, title="Behind", on_result=lambda _: pytest.fail("late"))
    runner.run(count_up, 1, title="Map", lane="map", on_result=lambda _: None)
    qtbot.waitUntil(lambda: any(s.what == "Going on" for s in session.jobs), timeout=SLOW_MS)
    assert python_children() - before
    runner.close()
    assert session.jobs == ()
    qtbot.waitUntil(lambda: python_children() - before == set(), timeout=SLOW_MS)
    runner.run(count_up, 1, title="After", on_result=lambda _: pytest.fail("ran after close"))
    runner.warm_up()
    runner.close()
    qtbot.wait(200)
    assert session.jobs == ()
    assert python_children() - before == set()


def test_a_process_that_is_being_started_meanwhile_ends_too(qtbot, qapp, session, monkeypatch):
    begun, go_on, made = threading.Event(), threading.Event(), []
    start = Child.start

    def slowly(self):
        begun.set()
        go_on.wait(SLOW_MS / 1e3)
        made.append(start(self))
        return made[-1]

    monkeypatch.setattr(Child, "start", slowly)
    monkeypatch.setattr(child._CancelWatcher, "GRACE_S", 1e6)  # else it may be killed for that
    runner = JobRunner(session)
    runner.run(until_cancelled, title="Endless", on_result=lambda _: pytest.fail("late"))
    qtbot.waitUntil(begun.is_set)
    runner.close()
    go_on.set()
    qtbot.waitUntil(lambda: bool(made) and made[0].poll() is not None)
