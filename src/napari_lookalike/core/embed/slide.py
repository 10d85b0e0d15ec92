"""One slide to features: tissue, grid, tiles coarse to fine, and nothing lost on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.part_writer import PartWriter
from napari_lookalike.core.embed.parts import PartStore
from napari_lookalike.core.embed.prepare import Prepared, prepare_slide
from napari_lookalike.core.embed.stages import encode_tiles
from napari_lookalike.core.embed.stopping import stop_is_wanted
from napari_lookalike.core.embed.timing import Rate, Timing
from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.features import Features
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.tissue import TissueSettings

OnPart = Callable[[float], None]
"""Told the coverage (0 to 1) whenever more vectors are on the disk."""


def embed_slide(
    slide: Slide,
    slide_id: str,
    encoder: Encoder,
    *,
    tissue: TissueSettings | None = None,
    level0_tiles: bool = False,
    job: Job = SILENT,
    store: Path | None = None,
    on_part: OnPart | None = None,
    stain: str = "none",
    stop_at: float = 1.0,
    readers: int | None = None,
    batch: int | None = None,
    timing: Timing | None = None,
) -> Features:
    """Find the tissue of a slide, cut it into tiles and encode them.

    Parameters
    ----------
    slide
        An open slide.
    slide_id
        Its name in the features and in errors.
    encoder
        A loaded encoder; its spec gives the tile's pixels and µm per pixel.
    tissue
        Thresholds; the defaults if ``None``.
    level0_tiles
        Cut tiles in level-0 pixels, whatever the scale. Recorded in the features, and
        never mixed with tiles cut by scale.
    job
        Progress (in tiles) and cancel.
    store
        Folder of parts (`parts_folder`): tiles that are there are not encoded again, and
        those encoded here are there at once. Left as it is; see `PartStore.finish`.
    on_part
        Called after each part is on the disk. Without a store, never.
    stain
        Name of a stain normalisation, fitted to this slide (`core.normalise`).
    stop_at
        Stop once this share of the tiles is there; the features say so in their ``coverage``.
    readers
        Threads that read; ``None`` for as many as suit the encoder's device.
    batch
        Tiles that the encoder gets at once; ``None`` asks the encoder.
    timing
        Filled in: where the time went.

    Returns
    -------
    Features

    Raises
    ------
    ScaleError
        If the slide has no mpp: give it one, or choose tiles in level-0 pixels.
    TissueError
        If there is no tissue, or no tile holds enough of it.
    RegionError
        If the file's data cannot be decoded somewhere.
    EncoderError
        If the encoder's output has another shape than its spec says.
    FeatureError
        If the numbers are not finite, or the store cannot be written.
    JobCancelled
        If the job was cancelled; what is encoded is then in the store.
    """
    timing = Timing() if timing is None else timing
    with named(slide, slide_id):
        prepared = prepare_slide(
            slide, slide_id, encoder, tissue=tissue, level0_tiles=level0_tiles, stain=stain,
            store=store, job=job,
        )  # fmt: skip
        if store is None:
            kept = _Memory(prepared, stop_at)
            kept.fill(slide, job, readers, batch, timing)
            return kept.features()
        parts = PartStore(store, prepared.plan)
        fill(
            slide, prepared, parts, job=job, on_part=on_part, stop_at=stop_at, readers=readers,
            batch=batch, timing=timing,
        )  # fmt: skip
        indices, vectors = parts.load()
        about = prepared.plan.features(None if len(indices) == len(prepared.plan.grid) else indices)
        return dataclasses.replace(about, instances=vectors)


def fill(
    slide: Slide,
    prepared: Prepared,
    store: PartStore,
    *,
    job: Job = SILENT,
    on_part: OnPart | None = None,
    stop_at: float = 1.0,
    readers: int | None = None,
    batch: int | None = None,
    timing: Timing | None = None,
) -> None:
    """Encode the tiles that a store lacks, coarse to fine, and keep them there.

    Parameters
    ----------
    slide
        The open slide.
    prepared
        From `prepare_slide`.
    store
        A store of its plan.
    job, on_part, stop_at, readers, batch, timing
        As for `embed_slide`. It stops early, too, if `stopping.ask_to_stop` was called.

    Raises
    ------
    RegionError, EncoderError, FeatureError, JobCancelled
        As `embed_slide`; what is encoded is then in the store.
    """
    timing = Timing() if timing is None else timing
    total, missing = len(prepared.plan.grid), store.missing()
    there = total - len(missing)
    wanted = missing[: max(0, count_of(total, stop_at) - there)]
    rate, done = Rate(), 0
    _say(job, prepared.plan.slide_id, rate, there, total)
    with PartWriter(store, on_part, timing) as writer:
        stream = encode_tiles(
            slide, prepared.plan.grid, wanted, prepared.encoder, colours=prepared.colours,
            readers=readers, batch=batch, timing=timing, job=job,
        )  # fmt: skip
        try:
            for indices, vectors in stream:
                writer.take(indices, vectors)
                done += len(indices)
                rate.note(done)
                _say(job, prepared.plan.slide_id, rate, there + done, total)
                if stop_is_wanted(store.folder):
                    break  # what was taken is in the store at the end of the block
        finally:
            stream.close()


class _Memory:
    """Vectors of a slide that is not kept on the disk: one array, filled in place."""

    def __init__(self, prepared: Prepared, stop_at: float) -> None:
        self._prepared = prepared
        grid = prepared.plan.grid
        self._wanted = coarse_to_fine(grid)[: count_of(len(grid), stop_at)]
        self._rows = np.sort(self._wanted)
        self._vectors = np.empty((len(self._wanted), prepared.plan.dim), np.float32)

    def fill(
        self, slide: Slide, job: Job, readers: int | None, batch: int | None, timing: Timing
    ) -> None:
        """Encode all that is wanted."""
        plan, rate, done = self._prepared.plan, Rate(), 0
        _say(job, plan.slide_id, rate, 0, len(plan.grid))
        stream = encode_tiles(
            slide, plan.grid, self._wanted, self._prepared.encoder,
            colours=self._prepared.colours, readers=readers, batch=batch, timing=timing, job=job,
        )  # fmt: skip
        try:
            for indices, vectors in stream:
                self._vectors[self._place(indices)] = vectors
                done += len(indices)
                rate.note(done)
                _say(job, plan.slide_id, rate, done, len(plan.grid))
        finally:
            stream.close()

    def _place(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._rows, indices)

    def features(self) -> Features:
        plan = self._prepared.plan
        all_there = len(self._rows) == len(plan.grid)
        about = plan.features(None if all_there else self._rows)
        return dataclasses.replace(about, instances=self._vectors)


def count_of(total: int, share: float) -> int:
    """So many tiles are that share of all, at least one."""
    return max(1, min(total, -int(-total * share // 1)))


def _say(job: Job, slide_id: str, rate: Rate, done: int, total: int) -> None:
    job.step(done, total, f"{slide_id}: {rate.text(done, total)}")


@contextmanager
def named(slide: Slide, slide_id: str) -> Iterator[None]:
    """Errors say the slide by the name that the user knows."""
    try:
        yield
    except LookalikeError as error:
        if error.slide in (None, slide.name):
            raise type(error)(error.what, error.remedy, slide_id) from error
        raise
