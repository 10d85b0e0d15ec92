"""A cohort on real worker processes: the same features as without them, whoever dies."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.cluster.cohort import TILES, project

from napari_lookalike.core.cluster import dispatch, foreman
from napari_lookalike.core.cluster.run import embed_on_cluster
from napari_lookalike.core.embed.claim import claim
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.embed.stopping import ask_to_stop
from napari_lookalike.core.errors import ClusterError
from napari_lookalike.core.features import Features, load_features
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.processes]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes, without a dashboard, on the loopback device."""
    with two_workers() as started:
        yield started


def two_workers(**options: Any) -> Any:
    return distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
        **options,
    )


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Features]:
    """What one process makes of the cohort."""
    made = project(tmp_path_factory.mktemp("truth"))
    embed_project(made.root)
    made.reload()
    return {r.slide_id: load_features(made.features_path(r.slide_id)) for r in made.cohort}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "FIRST_TILES", 10)
    monkeypatch.setattr(dispatch, "LEAST_TILES", 5)
    monkeypatch.setattr(dispatch, "PART_S", 0.1)


def everything(made: Project, address: str, **options: Any) -> dict[str, Outcome]:
    job, url = options.pop("job", Job()), options.pop("url", "")
    todo = [r.slide_id for r in made.cohort]
    outcomes = list(embed_on_cluster(made, todo, address, url, EmbedOptions(**options), job))
    assert sorted(o.slide_id for o in outcomes) == todo
    return {o.slide_id: o for o in outcomes}


def same(made: Project, truth: dict[str, Features]) -> None:
    for slide_id, wanted in truth.items():
        found = load_features(made.features_path(slide_id), slide_id)
        np.testing.assert_allclose(found.instances, wanted.instances, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(found.grid.cells, wanted.grid.cells)
        for name in ("fingerprint", "encoder", "slide_mpp", "tissue", "stain", "coverage"):
            assert getattr(found, name) == getattr(wanted, name)
        assert not parts_folder(made.features_path(slide_id)).exists()


def test_features_are_those_of_one_process(
    cluster: Any, truth: dict[str, Features], tmp_path: Path
) -> None:
    made = project(tmp_path)
    steps: list[tuple[int, int, str]] = []
    outcomes = everything(
        made, cluster.scheduler_address, job=Job(lambda *step: steps.append(step))
    )
    assert {o.tiles for o in outcomes.values()} == {TILES}
    assert {o.stain for o in outcomes.values()} == {"H&E"}
    same(made, truth)
    done = [d for d, total, _ in steps if total]
    assert done == sorted(done) and any("2 workers" in what for *_, what in steps)
    assert all((made.root / "thumbnails" / f"{s}.png").exists() for s in truth)


def test_one_worker_is_killed_and_nothing_is_lost(
    truth: dict[str, Features], tmp_path: Path
) -> None:
    made = project(tmp_path)
    killed: list[int] = []

    def kill_one(done: int, total: int, what: str) -> None:
        """As soon as the first part is on the disk."""
        if not killed and list(made.root.glob("features/*/*/.*.parts/*.npz")):
            killed.append(next(iter(local.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    with two_workers() as local:
        outcomes = everything(made, local.scheduler_address, job=Job(kill_one))
    assert killed and not [o.error for o in outcomes.values() if o.error]
    same(made, truth)


def test_a_url_takes_the_parts_and_the_features(
    cluster: Any, truth: dict[str, Features], tmp_path: Path
) -> None:
    made = project(tmp_path)
    bucket = tmp_path / "bucket"
    everything(made, cluster.scheduler_address, url=bucket.as_uri())
    same(made, truth)
    found = sorted(p for p in bucket.rglob("*") if p.is_file())
    assert [p.name for p in found] == [f"{s}.h5" for s in truth]
    assert load_features(found[0]).coverage == 1


def test_a_run_goes_on_where_the_former_one_was_stopped(
    cluster: Any, truth: dict[str, Features], tmp_path: Path
) -> None:
    made = project(tmp_path, "ABC")

    def stop_soon(done: int, total: int, what: str) -> None:
        if list(made.root.glob("features/*/*/.*.parts/*.npz")):
            job.cancel()

    job = Job(stop_soon)
    with pytest.raises(JobCancelled):
        everything(made, cluster.scheduler_address, job=job)
    kept = {p.parent.name for p in made.root.glob("features/*/*/.*.parts/*.npz")}
    assert kept
    assert not list(made.root.glob("features/*/*/.*.claim"))
    everything(made, cluster.scheduler_address)
    same(made, truth)


def test_enough_is_enough(cluster: Any, truth: dict[str, Features], tmp_path: Path) -> None:
    made = project(tmp_path, "A")
    everything(made, cluster.scheduler_address, stop_at=0.3)
    found = load_features(made.features_path("S-A"))
    assert 0.3 <= found.coverage < 0.7 and len(found) >= 15
    everything(made, cluster.scheduler_address)
    assert load_features(made.features_path("S-A")).coverage == 1


def test_somebody_asks_to_stop_a_slide(cluster: Any, tmp_path: Path) -> None:
    made = project(tmp_path, "A")
    path = made.features_path("S-A")

    def ask(done: int, total: int, what: str) -> None:
        if list(parts_folder(path).glob("*.npz")):
            ask_to_stop(path)

    everything(made, cluster.scheduler_address, job=Job(ask))
    found = load_features(path)
    assert 0 < found.coverage < 1 and len(found) < TILES
    everything(made, cluster.scheduler_address)
    assert load_features(path).coverage == 1


def test_errors_of_one_slide_are_its_own(cluster: Any, tmp_path: Path) -> None:
    made = project(tmp_path)
    gone, other = made.cohort["S-A"], made.cohort["S-B"]
    gone.path.write_bytes(b"no slide at all")
    cohort = made.cohort.with_record(replace(other, stain="PAS"))
    made.save(cohort=cohort)
    outcomes = everything(made, cluster.scheduler_address)
    assert outcomes["S-A"].error and not outcomes["S-A"].tiles
    assert "PAS" in outcomes["S-B"].reason
    assert outcomes["S-C"].tiles == TILES
    assert "file-of" not in str(outcomes) and str(tmp_path) not in str(outcomes)


def test_a_slide_that_another_program_embeds_is_waited_for(cluster: Any, tmp_path: Path) -> None:
    made = project(tmp_path, "AB")
    with ExitStack() as other:
        assert other.enter_context(claim(made.features_path("S-A")))

        def let_go(done: int, total: int, what: str) -> None:
            assert not list(parts_folder(made.features_path("S-A")).glob("*.npz")) or not other_has
            if made.features_path("S-B").exists():
                other_has.clear()
                other.close()

        other_has = [True]
        outcomes = everything(made, cluster.scheduler_address, job=Job(let_go))
    assert [o.tiles for o in outcomes.values()] == [TILES, TILES]


def test_what_another_program_finished_is_not_done_again(
    cluster: Any, truth: dict[str, Features], tmp_path: Path
) -> None:
    made = project(tmp_path, "A")
    everything(made, cluster.scheduler_address)
    written = made.features_path("S-A").stat().st_mtime_ns
    assert everything(made, cluster.scheduler_address)["S-A"].elsewhere
    assert made.features_path("S-A").stat().st_mtime_ns == written
    assert everything(made, cluster.scheduler_address, again=True)["S-A"].tiles == TILES
    assert made.features_path("S-A").stat().st_mtime_ns != written


def test_a_slide_s_parts_stay_with_the_worker_that_has_it_open(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(tmp_path, "AB")
    did: dict[str, list[str]] = {}
    taken = foreman.Foreman._part_done

    def noted(self: Any, part: Any, answer: Any) -> None:
        did.setdefault(answer.worker, []).append(part.slide_id)
        taken(self, part, answer)

    monkeypatch.setattr(foreman.Foreman, "_part_done", noted)
    everything(made, cluster.scheduler_address)
    assert sorted(slides[0] for slides in did.values()) == ["S-A", "S-B"]  # each began one
    for slides in did.values():  # and helps with the other when its own has no parts left
        assert slides == sorted(slides, key=lambda slide_id: slide_id != slides[0]), did


# -- before the run ----------------------------------------------------------------


def refused(made: Project, cluster: Any, words: str) -> None:
    with pytest.raises(ClusterError, match=words) as error:
        everything(made, cluster.scheduler_address)
    assert "2 of 2 workers" in error.value.what and error.value.remedy
    assert not list(made.root.glob("features/*/*/*"))


def test_workers_that_cannot_see_the_project(cluster: Any, tmp_path: Path) -> None:
    made = project(tmp_path, "A")
    hidden = tmp_path / "elsewhere"
    made.root.rename(hidden)
    hidden.mkdir(exist_ok=True)
    made.root = tmp_path / "project"
    refused(made, cluster, "cannot read the project")


def test_workers_with_another_version(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_lookalike.core.cluster.run.__version__", "99.0")
    refused(project(tmp_path, "A"), cluster, "not 99.0")


def test_workers_with_other_weights(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_lookalike.core.cluster.run.encoder_identity", lambda *_: "x-w1")
    refused(project(tmp_path, "A"), cluster, "weights")


def test_workers_that_read_another_file(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_lookalike.core.cluster.crew._sample", lambda *_: ("S-A", "0" * 32))
    refused(project(tmp_path, "A"), cluster, "another file")


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_lookalike.core.cluster.connect._PATIENCE_S", 0.5)
    with pytest.raises(ClusterError, match="No Dask scheduler answers"):
        everything(project(tmp_path, "A"), "127.0.0.1:9")


DEADLY = """
import os
from napari_lookalike.core.cluster import slide_work

plain = slide_work.vectors

def deadly(desk, slide_id, *others):
    if slide_id == "S-A":
        os._exit(1)
    return plain(desk, slide_id, *others)

def dask_setup(worker):
    slide_work.vectors = deadly
"""


def test_a_slide_that_kills_its_workers_takes_no_other_with_it(tmp_path: Path) -> None:
    import dask

    made = project(tmp_path)
    (tmp_path / "deadly.py").write_text(DEADLY)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        two_workers(preload=[str(tmp_path / "deadly.py")]) as local,
    ):
        outcomes = everything(made, local.scheduler_address)
    assert "ended unexpectedly" in outcomes["S-A"].error
    assert [outcomes[s].tiles for s in ("S-B", "S-C")] == [TILES, TILES]


def test_the_scheduler_goes_away(tmp_path: Path) -> None:
    made = project(tmp_path, "AB")
    local = two_workers()
    ended: list[threading.Thread] = []

    def end(done: int, total: int, what: str) -> None:
        if done and not ended:
            ended.append(threading.Thread(target=local.close))
            ended[0].start()

    with pytest.raises(ClusterError, match="connection to the Dask scheduler was lost"):
        everything(made, local.scheduler_address, job=Job(end))
    ended[0].join()


def test_embed_project_with_processes_of_its_own(
    truth: dict[str, Features], tmp_path: Path
) -> None:
    made = project(tmp_path)
    report = embed_project(made.root, dask="local:1")
    assert sorted(report.done) == sorted(truth) and not report.failed
    same(made, truth)
    made.reload()
    assert {r.stain for r in made.cohort} == {"H&E"}
    assert embed_project(made.root, dask="local:1").done == ()  # nothing is started for it
