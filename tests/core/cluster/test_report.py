"""What a person reads while a cluster works."""

from __future__ import annotations

from napari_lookalike.core.cluster.report import Progress


def test_tiles_count_once_whoever_tells_of_them() -> None:
    progress = Progress(2)
    progress.begin("S1", 10, 100)
    progress.heard((0.0, {"slide_id": "S1", "tiles": 30}))
    progress.has("S1", 30)  # the part comes back
    assert progress.step(3)[:2] == (400, 2000)
    progress.has("S1", 60)
    done, total, text = progress.step(3)
    assert (done, total) == (700, 2000)
    assert text.startswith("3 workers: 0 of 2 slides, 60 tiles")
    progress.end("S1")
    progress.finished = 1
    assert progress.step(1, left_out=2)[0] == 1000
    assert progress.step(1, left_out=2)[2].startswith("1 worker (2 left out): 1 of 2 slides")


def test_it_never_says_more_than_all() -> None:
    progress = Progress(1)
    progress.begin("S1", 0, 10)
    for _ in range(3):  # a part that was done twice
        progress.heard((0.0, {"slide_id": "S1", "tiles": 8}))
    assert progress.step(1)[0] == 1000


def test_without_a_worker_it_waits() -> None:
    assert progress_text(0) == "Waiting for a worker of the cluster"


def progress_text(workers: int) -> str:
    return Progress(1).step(workers)[2]


def test_words_on_slides_that_are_finished_are_no_harm() -> None:
    Progress(1).heard((0.0, {"slide_id": "S9", "tiles": 8}))
