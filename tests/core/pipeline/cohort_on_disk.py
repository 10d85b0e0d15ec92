"""A small cohort of pictures, and an encoder slow enough to be killed at work."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.core.mean_colour import MeanColour

from napari_lookalike.core import encoders
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.embed import part_writer
from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project, ProjectSettings
from napari_lookalike.core.tissue import TissueSettings

TISSUE = TissueSettings(pixel_um=4.0, min_area_um2=100.0)


class SlowColour(MeanColour):
    """The mean colour, in numbers whose last bits tell a tile, and a nap per batch."""

    def __init__(self, nap: float) -> None:
        super().__init__()
        self._nap = nap

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(self._nap)
        return np.sqrt(super().encode(tiles)).astype(np.float32)

    def best_batch(self) -> int:
        return 16


def picture(path: Path, seed: int, size: int = 900) -> Path:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(243, 1, (size, size, 3))
    inside = np.s_[80:-80, 80:-80]
    spots = rng.random(pixels[inside].shape[:2]) > 0.8
    tissue = np.where(spots[..., None], (105, 75, 150), (205, 120, 175))
    pixels[inside] = tissue + rng.normal(0, 10, tissue.shape)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, compress_level=1)
    return path


def make_project(folder: Path, slides: int) -> Project:
    records = [
        SlideRecord(f"S{i}", picture(folder / f"{i}.png", i), mpp=0.5, mpp_source="manifest",
                    stain="H&E")
        for i in range(1, slides + 1)
    ]  # fmt: skip
    settings = ProjectSettings(encoder="slow-colour", tissue=TISSUE)
    return Project.create(folder / "project", Cohort(tuple(records)), settings)


def use(encoder: Encoder) -> None:
    """Make it the encoder of this process, which works alone and writes parts all the time."""
    registry = type(encoders.ENCODERS)("encoder", EncoderError)
    registry.register("slow-colour", encoder.spec)
    encoders.ENCODERS = registry
    encoders.load_encoder = lambda *_, **__: encoder
    encoders.encoder_identity = lambda *_: encoder.identity
    embed_pool.cores = lambda: 1
    part_writer.EVERY_S = 0.02


def main() -> None:
    """``python -m tests.core.pipeline.cohort_on_disk ROOT NAP``: embed, say what was done.

    With a third word it says that it is ready, and begins when it is sent a line.
    """
    from napari_lookalike.core.pipeline.embed import embed_project

    use(SlowColour(float(sys.argv[2])))
    if len(sys.argv) > 3:
        print("ready", flush=True)  # noqa: T201
        sys.stdin.readline()
    report = embed_project(Path(sys.argv[1]), job=Job(lambda *_: None))
    print("done", *report.done, flush=True)  # noqa: T201
    print("skipped", *report.skipped, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
