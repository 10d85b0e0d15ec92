"""Opens damaged slides, each in a process of its own, and tells what became of them.

``python -m tests.core.slides.fuzz_worker FOLDER FROM STEP COUNT`` prints a line of JSON for
each mutation that is a failure, and one at the end. To see one again, with a traceback::

    python -m tests.core.slides.fuzz_worker FOLDER NAME NUMBER
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.core.slides.mutations import damage
from tests.core.slides.peak_memory import peak_bytes

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.pyramid import LevelArray
from napari_lookalike.core.slides.tile_source import TileSource

LIMIT_S = 300.0
"""Who is not done then hangs. The processor's time has a limit of its own, which a busy
machine does not reach."""
LIMIT_CPU_S = 20
LIMIT_BYTES = 1 << 30
_THREADS_BYTES = 1 << 29  # stacks and arenas of threads are reserved, not used
_SMALL_PX = 1 << 22
_OUT_OF_MEMORY = ("MemoryError", "Unable to allocate", "annot allocate", "out of memory")


def exercise(path: Path) -> str:
    """Do with a slide what the program does; returns what became of it.

    Raises
    ------
    MemoryError
        If an error says that memory had ended: no damaged file may ask for that much.
    """
    told: list[str] = []
    try:
        with open_slide(path, raster=True) as slide:
            _tolerant(lambda: slide_info(slide), told)
            _read(slide, told)
    except LookalikeError as error:
        told.append(str(error))
        return _judged("refused", told)
    return _judged("opened", told)


def _judged(what: str, told: list[str]) -> str:
    for text in told:
        if any(word in text for word in _OUT_OF_MEMORY):
            raise MemoryError(text)
    return f"{what}, damaged" if told else what


def _tolerant(act: Callable[[], object], told: list[str]) -> None:
    try:
        act()
    except LookalikeError as error:
        told.append(str(error))


def _read(slide: Slide, told: list[str]) -> None:
    """Tiles at the corners and in the middle of each level; thumbnail; arrays; other images."""
    for index, level in enumerate(slide.levels):
        if level.synthetic:
            continue
        for x, y in (
            (0, 0),
            (level.width // 2, level.height // 2),
            (level.width - 9, level.height - 9),
        ):
            _tolerant(lambda i=index, x=x, y=y: slide.read_level(i, x, y, 64, 64), told)
    if slide.size[0] * slide.size[1] <= _SMALL_PX:
        _tolerant(lambda: slide.thumbnail(128), told)
    for name in slide.associated_names():
        _tolerant(lambda name=name: slide.associated_image(name), told)
    slide.icc_profile()
    slide.properties()
    source = TileSource(slide, on_error=lambda error: told.append(str(error)))
    try:
        for index, view in enumerate(source.levels):
            array = LevelArray(source, index)
            height, width = min(view.height, 200), min(view.width, 200)
            if view.width * view.height <= _SMALL_PX or index == 0:
                got = array[view.height - height :, view.width - width :]
                assert got.shape == (height, width, 3), got.shape
    finally:
        source.close()


def one(sound: Path, number: int, folder: Path) -> dict[str, object] | None:
    """Damage, and open in a child; a description if that is a failure."""
    victim = folder / f"damaged{sound.suffix}"
    note = folder / "note"
    note.unlink(missing_ok=True)
    before = peak_bytes()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(sound, number, victim, note)
    status, usage = _wait(pid, started)
    found = {"name": sound.name, "number": number, "seconds": round(time.monotonic() - started, 1)}
    grown = usage.ru_maxrss * 1024 - before if usage is not None else 0
    problem = _problem(status, note)
    if not problem and grown > LIMIT_BYTES:
        problem = f"memory grew by {grown >> 20} MiB"
    for path in (victim,):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return {**found, "problem": problem} if problem else None


def _child(sound: Path, number: int, victim: Path, note: Path) -> None:
    """Never returns."""
    code = 0
    try:
        with note.open("w") as said:
            what = damage(sound, victim, number)
            said.write(f"{what}\n")
            said.flush()
            faulthandler.enable(said)
            _limit()
            exercise(victim)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what we look for
        code = 1
        with note.open("a") as said:
            import traceback

            said.write("".join(traceback.format_exception(error))[-1500:])
    os._exit(code)


def _limit() -> None:
    """Memory and the processor's time; beyond it the system ends the process (signal 9 or 24)."""
    words = Path("/proc/self/statm").read_text().split()
    there = int(words[0]) * resource.getpagesize()
    most = there + LIMIT_BYTES + _THREADS_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    most = int(used) + LIMIT_CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def _wait(pid: int, started: float) -> tuple[int | None, resource.struct_rusage | None]:
    """How the child ended; ``None`` if it had to be ended."""
    while time.monotonic() - started < LIMIT_S:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.wait4(pid, 0)
    return None, None


def _problem(status: int | None, note: Path) -> str:
    if status == 0:
        return ""
    said = note.read_text(errors="replace") if note.exists() else ""
    if status is None:
        return f"not done after {LIMIT_S:.0f} s: {said}"
    if os.WIFSIGNALED(status):
        return f"ended by signal {os.WTERMSIG(status)}: {said}"
    return said or f"exit status {status}"


def main() -> None:
    """See above."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as temporary:
        if not words[0].isdigit():
            sound, number = folder / words[0], int(words[1])
            victim = Path(temporary) / f"damaged{sound.suffix}"
            sys.stdout.write(damage(sound, victim, number) + "\n")
            faulthandler.enable()
            faulthandler.dump_traceback_later(LIMIT_S, exit=True)
            sys.stdout.write(exercise(victim) + "\n")
            return
        # All that is imported late, once for all children.
        from napari_lookalike.core.slides import openslide_source, raster_source, zarr_source

        del openslide_source, raster_source, zarr_source
        start, step, count = map(int, words)
        names = sorted(path.name for path in folder.iterdir())
        for number in range(start, count, step):
            found = one(folder / names[number % len(names)], number, Path(temporary))
            if found is not None:
                sys.stdout.write(json.dumps(found) + "\n")
                sys.stdout.flush()
    sys.stdout.write(json.dumps({"done": len(range(start, count, step))}) + "\n")


if __name__ == "__main__":
    main()
