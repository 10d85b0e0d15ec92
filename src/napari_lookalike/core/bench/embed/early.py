"""How soon a slide's first prediction is there, and how far it is from the last one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.embed.material import opened, slide_with_tiles
from napari_lookalike.core.bench.report import NotMeasured, Row, none_measured
from napari_lookalike.core.embed import embed_slide
from napari_lookalike.core.embed.partial import partial_features
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.encoders import DEFAULT_ENCODER, load_encoder
from napari_lookalike.core.progress import Job

WHEN = "first prediction on a slide with 10,000 tiles: part of the full time"
AGREES = "first prediction: largest difference of a probability to the last one"
EMBEDDING = "first prediction: cosine of its slide embedding to the last one"
NAMES = (WHEN, AGREES, EMBEDDING)
TARGET = 0.10
_TILES, _QUICK_TILES = 10_000, 1_500
_CLASSES = 4

Figures = tuple[list[Row], list[NotMeasured]]


@dataclass(frozen=True)
class _Said:
    after_s: float
    tiles: int
    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]


class _Asker:
    """Asks a gated attention head about the tiles that are there so far.

    The head is untrained: it attends and mixes as a trained one does, and its agreement
    with itself says how much of a slide the first tiles stand for.
    """

    def __init__(self, dim: int) -> None:
        import torch

        from napari_lookalike.core.mil import default_arguments, make_head

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._head = make_head("abmil", default_arguments(dim, _CLASSES)).eval()
        self._moments: Any = None

    def __call__(self, instances: NDArray[np.float32], started: float) -> _Said:
        import torch

        from napari_lookalike.core.mil.apply import apply_head, moments

        if self._moments is None:  # as of a training set: the same for all its answers
            self._moments = [torch.from_numpy(m) for m in moments([instances])]
        said = apply_head(self._head, instances, *self._moments)
        seconds = time.perf_counter() - started
        return _Said(seconds, len(instances), said.probabilities, said.embedding)


def early(folder: Path, quick: bool, job: Job) -> Figures:
    """Embed one slide with the shipped encoder, asking as soon as a first part is there.

    Parameters
    ----------
    folder
        For a slide that is made here.
    quick
        Fewer tiles: fixed costs (finding tissue) weigh more then.
    job
        Progress and cancel.
    """
    path = slide_with_tiles(folder / "early.tif", _QUICK_TILES if quick else _TILES)
    encoder = load_encoder(DEFAULT_ENCODER)
    ask = _Asker(encoder.spec.dim)
    first: list[_Said] = []
    kept = folder / "S1.h5"
    started = time.perf_counter()

    def on_part(_coverage: float) -> None:
        some = None if first else partial_features(kept)
        if some is not None:
            first.append(ask(some.instances, started))

    with opened(path) as slide:
        features = embed_slide(
            slide, "S1", encoder, store=parts_folder(kept), on_part=on_part, job=job
        )
    last = ask(features.instances, started)
    if not first:
        return [], list(none_measured(NAMES, "the slide was done at once"))
    return _rows(first[0], last), []


def _rows(first: _Said, last: _Said) -> list[Row]:
    share = first.after_s / last.after_s
    beside = (
        f"{first.tiles} of {last.tiles} tiles after {first.after_s:.1f} s, all after"
        f" {last.after_s:.1f} s"
    )
    apart = float(np.abs(first.probabilities - last.probabilities).max())
    lengths = np.linalg.norm(first.embedding) * np.linalg.norm(last.embedding)
    return [
        Row.of(WHEN, share, "", TARGET, "at most").among(share, share, beside),
        Row.of(AGREES, apart),
        Row.of(EMBEDDING, float(first.embedding @ last.embedding / lengths)),
    ]
