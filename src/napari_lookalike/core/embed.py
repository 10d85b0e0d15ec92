"""One slide to instances: tiles are read ahead by threads while the encoder works."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.errors import EncoderError, LookalikeError, TissueError
from napari_lookalike.core.features import Features
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.tiles import TileGrid, check_scale, make_grid, read_tiles
from napari_lookalike.core.tissue import TissueSettings, find_tissue

READERS: Final = 2
_BATCH: Final = {"cpu": 32, "cuda": 128, "mps": 64}


def embed_slide(
    slide: Slide,
    slide_id: str,
    encoder: Encoder,
    *,
    tissue: TissueSettings | None = None,
    level0_tiles: bool = False,
    job: Job = SILENT,
    readers: int = READERS,
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
    readers
        Threads that read. At most this many batches and one more wait in memory.

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
    """
    tissue = tissue or TissueSettings()
    try:
        grid = _grid(slide, encoder, tissue, level0_tiles, job, slide_id)
        instances = _encoded(slide, grid, encoder, job, slide_id, readers)
    except LookalikeError as error:
        if error.slide in (None, slide.name):  # say the slide by the name that the user knows
            raise type(error)(error.what, error.remedy, slide_id) from error
        raise
    scale = slide.scale
    known = scale.mpp_x is not None and scale.mpp_y is not None
    return Features(
        slide_id=slide_id,
        fingerprint=slide.fingerprint,
        instances=instances,
        grid=grid,
        encoder=encoder.identity,
        slide_mpp=(scale.mpp_x or 0.0, scale.mpp_y or 0.0) if known else None,
        tissue=json.dumps(asdict(tissue), sort_keys=True),
    )


def _grid(
    slide: Slide,
    encoder: Encoder,
    tissue: TissueSettings,
    level0_tiles: bool,
    job: Job,
    slide_id: str,
) -> TileGrid:
    mpp = None if level0_tiles else encoder.spec.mpp
    check_scale(slide, mpp)  # before the work of finding tissue
    job.step(0, 0, f"Finding tissue on {slide_id}")
    grid = make_grid(
        slide,
        find_tissue(slide, tissue),
        tile_px=encoder.spec.tile_px,
        mpp=mpp,
        min_tissue=tissue.min_tissue,
        max_pen=tissue.max_pen,
    )
    if not len(grid):
        raise TissueError(
            f"No tile is at least {tissue.min_tissue:.0%} tissue.",
            "Lower the share of tissue that a tile needs, or exclude the slide.",
        )
    return grid


def _encoded(
    slide: Slide, grid: TileGrid, encoder: Encoder, job: Job, slide_id: str, readers: int
) -> NDArray[np.float32]:
    parts = []
    done, what = 0, f"Embedding {slide_id}"
    job.step(0, len(grid), what)
    for tiles in _read_ahead(slide, grid, _BATCH.get(encoder.device, 32), readers):
        vectors = np.asarray(encoder.encode(tiles), dtype=np.float32)
        if vectors.shape != (len(tiles), encoder.spec.dim):
            raise EncoderError(
                f"The encoder gave an array of {vectors.shape} for {len(tiles)} tiles, "
                f"where {encoder.spec.dim} numbers a tile were to come.",
                "Check that its weights belong to this encoder.",
            )
        parts.append(vectors)
        done += len(tiles)
        job.step(done, len(grid), what)
    return np.concatenate(parts)


def _read_ahead(slide: Slide, grid: TileGrid, batch: int, readers: int) -> Iterator[RGB]:
    """Batches in order, of which at most ``readers + 1`` are read and not yet taken."""
    starts = iter(range(0, len(grid), batch))
    waiting: deque[Future[RGB]] = deque()
    pool = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="tiles")

    def submit() -> None:
        start = next(starts, None)
        if start is not None:
            indices = range(start, min(start + batch, len(grid)))
            waiting.append(pool.submit(read_tiles, slide, grid, indices))

    try:
        for _ in range(readers + 1):
            submit()
        while waiting:
            tiles = waiting.popleft().result()
            submit()
            yield tiles
    finally:
        # the slide must not be closed while a thread still reads from it
        pool.shutdown(wait=True, cancel_futures=True)
