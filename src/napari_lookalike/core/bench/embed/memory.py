"""Memory of embedding a slide of 100,000 tiles, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from napari_lookalike.core.bench.embed.material import MPP, Thumbs, opened
from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.features import save_features
from napari_lookalike.core.progress import Job

NAME = "peak memory at 100,000 tiles, above model and cache"
TARGET_MB = 1000.0
_TILE_PX, _DIM = 112, 1024
_SIZE, _QUICK_SIZE = (44_800, 44_800), (8_960, 8_960)
_SAMPLE_S = 0.02
_LIMIT_S = 1800.0


def memory(folder: Path, quick: bool, job: Job) -> Row | NotMeasured:
    """Embed a slide of 160,000 places, 90,000 to 110,000 of them tissue, with 1,024 numbers each.

    Tiles are of 112 px, so that the slide is a quarter of the size, and the encoder costs
    next to nothing: what grows is what embedding itself holds.

    Parameters
    ----------
    folder
        For the slide and the features.
    quick
        A slide of a twenty-fifth of the size: the figure is then no answer.
    job
        Progress and cancel.
    """
    job.step(0, 1, "writing a large slide")
    path = write_slide(folder / "large.tif", *(_QUICK_SIZE if quick else _SIZE), mpp=MPP)
    job.step(0, 1, "embedding a large slide")
    words = [sys.executable, "-W", "ignore", "-m", __name__, str(path), str(folder / "large.h5")]
    try:
        done = subprocess.run(words, capture_output=True, timeout=_LIMIT_S, check=False)
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return NotMeasured(NAME, f"it had not ended after {_LIMIT_S:.0f} s")
    except ValueError:
        return NotMeasured(NAME, f"its process ended with code {done.returncode}")
    if not found["peak_mb"]:
        return NotMeasured(NAME, "this system does not tell a process's memory")
    above = found["peak_mb"] - found["before_mb"] - found["cache_mb"]
    features = found["tiles"] * _DIM * 4 / 1e6
    beside = (
        f"{found['tiles']} tiles in {found['seconds']:.0f} s; the features themselves"
        f" {features:.0f} MB, cache {found['cache_mb']:.0f} MB, before {found['before_mb']:.0f} MB"
    )
    return Row.of(NAME, above, "MB", TARGET_MB, "at most").among(above, above, beside)


class _Peak:
    """The process's memory at its highest, looked at fifty times a second."""

    def __init__(self) -> None:
        self.mb = _rss_mb()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.wait(_SAMPLE_S):
            self.mb = max(self.mb, _rss_mb())

    def stop(self) -> float:
        self._stopped.set()
        self._thread.join()
        return self.mb


def _rss_mb() -> float:
    """Memory of this process in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _measure(path: Path, out: Path) -> dict[str, float]:
    """In the process of its own: embed, write, and say what it took."""
    from napari_lookalike.core.embed import embed_slide
    from napari_lookalike.core.slides.tile_cache import tile_cache

    encoder = Thumbs(_TILE_PX, _DIM)
    with opened(path) as slide:
        before, started = _rss_mb(), time.perf_counter()
        peak = _Peak()
        features = embed_slide(slide, "S1", encoder)
        save_features(out, features)
        return {
            "before_mb": before,
            "peak_mb": peak.stop(),
            "cache_mb": tile_cache().nbytes / 1e6,
            "seconds": time.perf_counter() - started,
            "tiles": len(features),
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[1]), Path(sys.argv[2]))))
