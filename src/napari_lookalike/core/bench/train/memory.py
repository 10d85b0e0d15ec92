"""Memory of training on a memory-mapped cohort, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.bench.train.material import CLASSES, DIM, SLIDES, mapped, write_bags
from napari_lookalike.core.progress import Job

NAME = "peak memory of training on all instances of the mapped cohort, above the model"
TARGET_MB = 2000.0
_QUICK_SLIDES = 24
_SAMPLE_S = 0.02
_LIMIT_S = 1800.0


def memory(folder: Path, quick: bool, threads: int, job: Job) -> Row | NotMeasured:
    """One pass of `training.fit` over 237 slides, with everything that comes before and after.

    What counts is memory that cannot be given back: pages of the mapped files are the
    system's cache, and are told beside it.

    Parameters
    ----------
    folder
        For the features, 2.9 GB.
    quick
        A tenth of the slides: no figure.
    threads
        Of torch.
    job
        Progress and cancel.
    """
    slides = _QUICK_SLIDES if quick else SLIDES
    job.step(0, 0, f"writing features of {slides} slides")
    write_bags(folder, slides)
    job.step(0, 0, f"one pass over {slides} slides, all instances")
    words = [sys.executable, "-W", "ignore", "-m", __name__, str(folder), str(slides)]
    try:
        done = subprocess.run(
            [*words, str(threads)], capture_output=True, timeout=_LIMIT_S, check=False
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return NotMeasured(NAME, f"it had not ended after {_LIMIT_S:.0f} s")
    except ValueError:
        return NotMeasured(NAME, f"its process ended with code {done.returncode}")
    if not found["peak_mb"]:
        return NotMeasured(NAME, "this system does not tell a process's own memory")
    above = found["peak_mb"] - found["before_mb"]
    features = sum(file.stat().st_size for file in folder.glob("bag*.npy")) / 1e6
    beside = (
        f"features {features:.0f} MB on the disk; files in memory, those of libraries too, "
        f"at most {found['mapped_mb']:.0f} MB; {found['seconds']:.0f} s"
    )
    return Row.of(NAME, above, "MB", TARGET_MB, "at most").among(above, above, beside)


def own_and_mapped_mb() -> tuple[float, float]:
    """(memory of its own, mapped files) of this process in MB; zeros where not told."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0, 0.0
    told = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
    own = sum(float(told[key][0]) for key in ("RssAnon", "RssShmem") if key in told)
    return own * 1024 / 1e6, float(told.get("RssFile", ["0"])[0]) * 1024 / 1e6


class _Peak:
    """Both at their highest, looked at fifty times a second."""

    def __init__(self) -> None:
        self.own, self.mapped = own_and_mapped_mb()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.wait(_SAMPLE_S):
            own, files = own_and_mapped_mb()
            self.own, self.mapped = max(self.own, own), max(self.mapped, files)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


def _measure(folder: Path, slides: int, threads: int) -> dict[str, float]:
    """In the process of its own: train, and say what it took."""
    import torch

    from napari_lookalike.core.bags import Bag
    from napari_lookalike.core.config import TrainConfig
    from napari_lookalike.core.hard_negatives.weights import PairWeights
    from napari_lookalike.core.mil import default_arguments, make_head
    from napari_lookalike.core.model import FeatureSource
    from napari_lookalike.core.training import fit

    torch.set_num_threads(threads)
    # The model and the libraries: everything that is there before the first feature.
    head = make_head("clam_sb", default_arguments(DIM, len(CLASSES)))
    with torch.inference_mode():
        head.eval()(torch.zeros(1, 4, DIM), torch.ones(1, 4, dtype=torch.bool))
    before, _ = own_and_mapped_mb()
    bags = []
    for i in range(slides):
        features = mapped(folder / f"bag{i:03d}.npy")
        bags.append(Bag(f"S{i}", f"P{i}", features, CLASSES[i % len(CLASSES)]))
    config = TrainConfig(
        head="clam_sb", epochs=1, max_instances=0, precision="half", device="cpu", threads=threads
    )
    source = FeatureSource("made", DIM, 224, 0.5)
    started, peak = time.perf_counter(), _Peak()
    fit(bags, CLASSES, config, PairWeights.none(CLASSES), source=source)
    peak.stop()
    return {
        "before_mb": before,
        "peak_mb": peak.own,
        "mapped_mb": peak.mapped,
        "seconds": time.perf_counter() - started,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
