"""The drawn fields on disk: drawn once, read again in every pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.pretrain.field import FIELD_PX, draw_field
from napari_lookalike.core.pretrain.recipe import TARGETS
from napari_lookalike.core.processes import WorkerPool
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.synth.banks import build_banks

_SHARD = 50


@dataclass(frozen=True, eq=False)
class Fields:
    """Drawn fields and their factors.

    Parameters
    ----------
    conc
        uint8 (n, FIELD_PX, FIELD_PX, 3), from `field.draw_field`; mapped from the disk.
    architectures
        int (n,).
    factors
        float32 (n, len(TARGETS)).
    """

    conc: NDArray[np.uint8]
    architectures: NDArray[np.intp]
    factors: NDArray[np.float32]


def drawn_fields(
    folder: Path, seed: int, count: int, *, workers: int = 1, job: Job = SILENT
) -> Fields:
    """Fields from the folder; those that are not there yet are drawn.

    Parameters
    ----------
    folder
        Where they are kept: 0.6 MB a field.
    seed, count
        Field ``i`` is a function of the seed and of ``i``.
    workers
        Processes that draw.
    job
        Progress and cancel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = folder / f"fields-{seed}-{count}.npy", folder / f"factors-{seed}-{count}.npz"
    if not names[1].is_file():
        _draw(names, seed, count, workers, job)
    with np.load(names[1]) as table:
        return Fields(np.load(names[0], mmap_mode="r"), table["architectures"], table["factors"])


def _draw(names: tuple[Path, Path], seed: int, count: int, workers: int, job: Job) -> None:
    shape = (count, FIELD_PX, FIELD_PX, 3)
    conc = np.lib.format.open_memmap(names[0], mode="w+", dtype=np.uint8, shape=shape)
    architectures = np.zeros(count, dtype=np.intp)
    factors = np.zeros((count, len(TARGETS)), dtype=np.float32)
    starts = range(0, count, _SHARD)
    with WorkerPool(workers) as pool:
        shards = pool.map(
            _shard, [seed] * len(starts), starts, [min(s + _SHARD, count) for s in starts]
        )
        for start, (pictures, kinds, numbers) in zip(starts, shards, strict=True):
            job.step(start, count, "drawing fields")
            part = slice(start, start + len(kinds))
            conc[part], architectures[part], factors[part] = pictures, kinds, numbers
    conc.flush()
    # Written last: where it is, the fields are complete.
    np.savez(names[1], architectures=architectures, factors=factors)


def _shard(
    seed: int, start: int, stop: int
) -> tuple[NDArray[np.uint8], NDArray[np.intp], NDArray[np.float32]]:
    banks = build_banks(seed)
    drawn = [draw_field([seed, i], banks) for i in range(start, stop)]
    return (
        np.stack([d[0] for d in drawn]),
        np.array([d[1] for d in drawn], dtype=np.intp),
        np.stack([d[2] for d in drawn]),
    )
