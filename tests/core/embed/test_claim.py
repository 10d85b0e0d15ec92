"""One worker per slide: held, refused, released, taken over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_lookalike.core.embed import claim as module
from napari_lookalike.core.embed.claim import Watch, claim, claim_file, is_claimed

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")


def test_one_holds_it_and_the_next_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "S01.h5"
    assert not is_claimed(path)
    with claim(path) as mine:
        assert mine and is_claimed(path)
        with claim(path) as other, claim(path.with_name("S02.h5")) as elsewhere:
            assert not other and elsewhere
        assert mine and is_claimed(path)  # the other one's end did not take it away
    assert not is_claimed(path) and not claim_file(path).exists()
    with claim(path) as again:
        assert again


def test_an_error_lets_go_of_it(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    with pytest.raises(ValueError, match="x"), claim(path):
        raise ValueError("x")
    assert not list(tmp_path.iterdir())


def test_only_one_of_many_gets_it(tmp_path: Path) -> None:
    path, held, start = tmp_path / "S01.h5", [], threading.Barrier(8)
    end = threading.Event()

    def work() -> None:
        start.wait()
        with claim(path) as mine:
            held.append(bool(mine))
            end.wait(60)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(held) < 8:
        time.sleep(0.01)
    end.set()
    for thread in threads:
        thread.join()
    assert sorted(held) == [False] * 7 + [True]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that tells what stands still; move it by adding seconds to its item."""
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def foreign(path: Path, beats: int = 1) -> None:
    """A claim of a process on another machine."""
    facts = {"token": "theirs", "beats": beats, "machine": "elsewhere", "pid": 1}
    claim_file(path).write_text(json.dumps(facts))


def test_one_of_another_machine_is_stale_when_it_stands_still(
    tmp_path: Path, clock: list[float]
) -> None:
    path, watch = tmp_path / "S01.h5", Watch(stale_s=20)
    foreign(path)
    with claim(path, watch) as mine:
        assert not mine
    clock[0] += 15
    foreign(path, beats=2)  # it lives
    for _ in range(2):
        with claim(path, watch) as mine:
            assert not mine
        clock[0] += 15
    with claim(path) as unaware:  # who has not watched cannot tell
        assert not unaware
    with claim(path, watch) as mine:
        assert mine
        assert json.loads(claim_file(path).read_text())["token"] != "theirs"


def test_a_holder_tells_that_it_lives_and_notices_that_it_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.05)
    path = tmp_path / "S01.h5"
    with claim(path) as mine:
        first = json.loads(claim_file(path).read_text())
        later: dict[str, object] = {}

        def beaten() -> bool:
            later.update(module._read(claim_file(path)))
            return later.get("beats", 0) > first["beats"]

        def lost() -> bool:
            if module._read(claim_file(path)).get("token") == first["token"]:
                foreign(path)  # again, if a beat came between
            return mine.lost

        wait_until(beaten)
        assert later["token"] == first["token"]
        wait_until(lost)
        assert not mine
    assert json.loads(claim_file(path).read_text())["token"] == "theirs"


def test_a_torn_claim_is_stale_in_the_end(tmp_path: Path, clock: list[float]) -> None:
    path, watch = tmp_path / "S01.h5", Watch(stale_s=20)
    claim_file(path).write_bytes(b"")
    with claim(path, watch) as mine:
        assert not mine
    clock[0] += 21
    with claim(path, watch) as mine:
        assert mine


def test_a_claim_taken_over_by_another_meanwhile_is_given_back(tmp_path: Path) -> None:
    """Two saw the same stale claim; the slower one grips the quicker one's new claim."""
    path = tmp_path / "S01.h5"
    foreign(path)
    stale = {"token": "the one before"}
    assert not module._remove(claim_file(path), stale)
    assert json.loads(claim_file(path).read_text())["token"] == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


HOLD = """
import sys, time
from pathlib import Path
from napari_lookalike.core.embed.claim import claim
with claim(Path(sys.argv[1])) as mine:
    print(bool(mine), flush=True)
    time.sleep(600)
"""


@posix
def test_that_of_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "S01.h5"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "True\n"
    with claim(path) as mine:
        assert not mine
    holder.send_signal(signal.SIGKILL)
    wait_until(lambda: module._is_dead(module._read(claim_file(path))))
    with claim(path) as mine:  # not even waited for: a zombie is dead
        assert mine
    holder.communicate()
