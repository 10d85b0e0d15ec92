"""The worker process: results, progress, cancel, errors, sudden death."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_lookalike.core.child import Child, ChildDied, ChildFailed, _CancelWatcher
from napari_lookalike.core.errors import SlideError
from napari_lookalike.core.progress import SILENT, Job, JobCancelled

pytestmark = pytest.mark.processes

# The child imports these by name, so they live in a module that both sides can find.
JOBS = """
import os, time
from napari_lookalike.core.errors import SlideError

def add(a, b, job):
    print("a library that prints")
    for i in range(3):
        job.step(i, 3, f"step {i}")
    return a + b

def shows(job):
    if job.watched:
        part = job.part(0, 2)
        part.show({"half": [1, 2]})
    return job.watched

def pid(job):
    return os.getpid()

def ends_well(job):
    while not job.finishing:
        job.step(0, 0, "waiting")
        time.sleep(0.01)
    return "kept"

def forever(marker, job):
    try:
        while True:
            job.step(0, 0, "waiting")
            time.sleep(0.01)
    finally:
        open(marker, "w").write("cleaned up")

def ours(job):
    raise SlideError("The slide is torn.", "Scan it again.", "S1")

def torch_like(job):
    raise RuntimeError("CUDA out of memory")

def names_a_file(job):
    open("/data/DOE-JANE/slide.svs")

def unpicklable(job):
    return lambda: None

def die(job):
    os._exit(9)
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "child_jobs.py").write_text(JOBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    import child_jobs

    return child_jobs


@pytest.fixture
def child():
    worker = Child()
    yield worker
    worker.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that a cancel does not reach would go on for long, and be killed without its end."""
    monkeypatch.setattr(_CancelWatcher, "GRACE_S", 300.0)


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_result_progress_and_one_warm_process(child: Child, jobs) -> None:
    steps = []
    assert child.call(jobs.add, 2, 3, job=Job(lambda *s: steps.append(s))) == 5
    assert steps == [(0, 3, "step 0"), (1, 3, "step 1"), (2, 3, "step 2")]
    first = child.call(jobs.pid)
    assert first != os.getpid()
    assert child.call(jobs.pid) == first


def test_what_libraries_print_is_in_the_log(child: Child, jobs, monkeypatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # as on a user's computer
    assert child.call(jobs.add, 2, 3) == 5
    # It comes through a pipe of its own, read by a thread: the answer may be here before it.
    wait_until(lambda: "a library that prints" in child.log)


def test_what_the_work_shows_arrives_only_where_somebody_looks(child: Child, jobs) -> None:
    seen: list[object] = []
    assert child.call(jobs.shows, job=Job(on_value=seen.append)) is True
    assert seen == [{"half": [1, 2]}]
    assert child.call(jobs.shows, job=Job()) is False


@pytest.mark.usefixtures("patient")
def test_cancel_reaches_the_work_and_its_finally_runs(child: Child, jobs, tmp_path: Path) -> None:
    job = Job(lambda *_: job.cancel())  # when it works
    with pytest.raises(JobCancelled):
        child.call(jobs.forever, str(tmp_path / "marker"), job=job)
    assert (tmp_path / "marker").read_text() == "cleaned up"
    assert child.call(jobs.add, 1, 1) == 2  # and it goes on working


def test_a_wish_to_finish_reaches_the_work_which_ends_by_itself(child: Child, jobs) -> None:
    job = Job(lambda *_: job.finish())
    assert child.call(jobs.ends_well, job=job) == "kept"
    assert not job.cancelled


@pytest.mark.usefixtures("patient")
def test_a_cancel_before_the_child_is_ready_is_not_lost(child: Child, jobs, tmp_path: Path) -> None:
    marker, first = tmp_path / "marker", child.call(jobs.pid)
    for _ in range(20):  # as close behind the request as it can come
        job = Job()
        threading.Timer(0.0, job.cancel).start()
        with pytest.raises(JobCancelled):
            child.call(jobs.forever, str(marker), job=job)
    assert child.call(jobs.pid) == first  # it was never killed
    child.stop()
    marker.unlink()
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        child.call(jobs.forever, str(marker), job=job)
    assert marker.read_text() == "cleaned up"


def test_our_errors_arrive_whole(child: Child, jobs) -> None:
    with pytest.raises(SlideError) as caught:
        child.call(jobs.ours)
    assert str(caught.value) == "Slide S1: The slide is torn. Scan it again."


@pytest.mark.parametrize(
    ("name", "says"), [("torch_like", "CUDA out of memory"), ("unpicklable", "pickle")]
)
def test_foreign_errors_arrive_with_their_traceback(
    child: Child, jobs, name: str, says: str
) -> None:
    with pytest.raises(ChildFailed) as caught:
        child.call(getattr(jobs, name))
    assert says in (str(caught.value) + caught.value.details)
    assert "Traceback" in caught.value.details
    assert child.call(jobs.add, 1, 1) == 2


def test_a_foreign_error_loses_the_paths_that_it_quotes(child: Child, jobs) -> None:
    with pytest.raises(ChildFailed, match="FileNotFoundError") as caught:
        child.call(jobs.names_a_file)
    assert "DOE" not in str(caught.value) + caught.value.details


def test_sudden_death_is_a_sentence_and_the_next_call_works(child: Child, jobs) -> None:
    with pytest.raises(ChildDied, match="ended unexpectedly"):
        child.call(jobs.die)
    assert child.call(jobs.add, 1, 1) == 2


def test_silent_job_is_never_cancelled() -> None:
    assert not SILENT.cancelled
