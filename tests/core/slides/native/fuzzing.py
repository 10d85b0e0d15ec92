"""Open and read damaged copies of slides. Run as a program: a crash must not end the tests.

``python -m tests.core.slides.native.fuzzing SEED COUNT FILE...`` prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import tifffile
from tests.core.slides.peak_memory import peak_bytes

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.slides import open_slide

_WORST = (0, 1, 0x7F, 0x80, 0xFF)


def targets(path: Path) -> list[tuple[int, int]]:
    """Places (start, stop) that matter: header, directories, tables, starts of tiles."""
    found = [(0, 16)]
    with tifffile.TiffFile(path) as tif:
        for page in tif.pages:
            found.append((page.offset, page.offset + 20 * len(page.tags)))
            for tag in page.tags:
                found.append((tag.valueoffset, tag.valueoffset + min(tag.valuebytecount, 400)))
            starts = [offset for offset in page.dataoffsets if offset]
            found += [(offset, offset + 120) for offset in starts[:: max(1, len(starts) // 12)]]
            found.append((starts[0], starts[0] + page.databytecounts[0]))
    return found


def damage(data: bytes, places: list[tuple[int, int]], rng: np.random.Generator) -> bytes:
    """A copy with a few bytes changed, or cut short."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        start, stop = places[rng.integers(len(places))]
        at = int(rng.integers(start, max(start + 1, min(stop, len(out)))))
        width = int(rng.choice([1, 1, 2, 4, 8]))
        value = rng.choice(_WORST) if rng.random() < 0.5 else None
        for i in range(at, min(at + width, len(out))):
            out[i] = value if value is not None else rng.integers(256)
    return bytes(out[: rng.integers(len(out))] if rng.random() < 0.04 else out)


def look(path: Path) -> str:
    """Open, and read a few tiles of every level in the file, also reduced."""
    try:
        with open_slide(path) as slide:
            for index, level in enumerate(slide.levels):
                if level.synthetic:
                    continue
                width, height = min(level.width, 400), min(level.height, 400)
                for x, y in ((0, 0), (level.width - width, level.height - height)):
                    slide.read_level(index, x, y, width, height)
            slide.icc_profile()
            return slide.properties().get("lookalike.decoder", "").split(" (")[0]
    except LookalikeError as error:
        if path.name in str(error):
            raise AssertionError("a message names the file") from error
        return type(error).__name__


def main() -> None:
    """Do it, and say what happened."""
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    files = [(data, targets(path)) for path in map(Path, sys.argv[3:])
             for data in [path.read_bytes()]]  # fmt: skip
    rng = np.random.default_rng(seed)
    results: Counter[str] = Counter()
    slowest = (0.0, -1)  # seconds of the processor: they do not depend on what else runs
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "patient_4711.tif"
        for i in range(count):
            path.write_bytes(damage(*files[i % len(files)], rng))
            started = time.process_time()
            results[look(path)] += 1
            slowest = max(slowest, (time.process_time() - started, i))
    found = {"results": results, "slowest": slowest, "peak": peak_bytes()}
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
