"""Features of the slow peers, kept between runs of a bench."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project_file import write_atomic

_CHUNK = 64


def cache_folder() -> Path:
    """Where they are kept; may be deleted at any time."""
    return platformdirs.user_cache_path("napari-lookalike", appauthor=False) / "bench"


def embedded(
    encoder: Encoder, tiles: NDArray[np.uint8], *, keep: bool, job: Job
) -> NDArray[np.float32]:
    """Features of tiles.

    Parameters
    ----------
    encoder
        What embeds them.
    tiles
        uint8 (n, 224, 224, 3).
    keep
        Whether they are looked for in the cache, and put there: under the checksum of the
        tiles and the identity of the encoder. Not for our own, whose code may have changed.
    job
        Progress and cancel.
    """
    if not keep:
        return _embed(encoder, tiles, job)
    digest = hashlib.sha256(np.ascontiguousarray(tiles).tobytes()).hexdigest()
    path = cache_folder() / f"{encoder.spec.name}-{encoder.identity}-{digest[:24]}.npy"
    with suppress(OSError, ValueError):
        kept: NDArray[np.float32] = np.load(path)
        if kept.shape == (len(tiles), encoder.spec.dim):
            return kept
    features = _embed(encoder, tiles, job)

    def write(file: Path) -> None:
        with file.open("wb") as stream:
            np.save(stream, features)

    with suppress(ProjectError):  # computed again next time
        write_atomic(path, write)
    return features


def _embed(encoder: Encoder, tiles: NDArray[np.uint8], job: Job) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(tiles), _CHUNK):
        job.step(start, len(tiles), "embedding")
        parts.append(encoder.encode(tiles[start : start + _CHUNK]))
    return np.concatenate(parts)
