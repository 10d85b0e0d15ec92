"""What a worker process keeps between tasks: the encoder, and the slides that it has open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from napari_lookalike.core.cluster.values import Order
from napari_lookalike.core.embed.prepare import Prepared
from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.pipeline.embed_state import feature_file
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.base import Slide

OPEN_SLIDES: Final = 3
"""A worker has one of its own, and helps with another."""

_TILE_BYTES: Final = 256 << 20


@dataclass(frozen=True, eq=False)
class OpenSlide:
    """A slide that is open, and what is fitted to it.

    Parameters
    ----------
    slide
        The slide.
    prepared
        Its plan, the encoder and the stain normalisation for it.
    """

    slide: Slide
    prepared: Prepared


class Desk:
    """What one run needs in one process.

    Parameters
    ----------
    order
        The run.

    Raises
    ------
    ProjectError
        If the project cannot be seen from here.
    EncoderError
        If the encoder cannot be loaded here, or is another one.
    """

    def __init__(self, order: Order) -> None:
        from napari_lookalike.core.slides.tile_cache import tile_cache

        self.order = order
        self.project = Project.open(Path(order.root))
        self.project.settings = order.settings  # of the client: a shared folder may lag behind
        self.encoder = _encoder(order)
        self.work = threading.Lock()
        """Held while a part is done: encoders need not bear two threads."""
        self._slides: OrderedDict[str, OpenSlide] = OrderedDict()
        tile_cache().resize(_TILE_BYTES)

    def feature_file(self, slide_id: str) -> Path:
        """Where a slide's features come to lie."""
        record = self.project.cohort[slide_id]
        return feature_file(self.project, record, self.encoder.spec, self.encoder.identity)

    def opened(self, slide_id: str) -> OpenSlide | None:
        """A slide that is open already."""
        found = self._slides.get(slide_id)
        if found is not None:
            self._slides.move_to_end(slide_id)
        return found

    def keep(self, slide_id: str, opened: OpenSlide) -> OpenSlide:
        """Keep a slide open; the one that was used longest ago is closed."""
        former = self._slides.pop(slide_id, None)
        if former is not None:
            former.slide.close()
        self._slides[slide_id] = opened
        while len(self._slides) > OPEN_SLIDES:
            self._slides.popitem(last=False)[1].slide.close()
        return opened

    def close(self) -> None:
        """Close all slides."""
        while self._slides:
            self._slides.popitem()[1].slide.close()


_desk: Desk | None = None
_changing = threading.Lock()
_stopped: set[str] = set()


def desk_for(order: Order) -> Desk:
    """The desk of a run, made at its first task; the one of the run before is cleared."""
    global _desk
    with _changing:
        if _desk is None or _desk.order.run != order.run:
            desk = Desk(order)
            if _desk is not None:
                with _desk.work:
                    _desk.close()
            _desk = desk
        return _desk


def stop(run: str) -> None:
    """End the tasks of a run at their next step, then close its slides.

    Dask calls it in the worker's own thread, beside the tasks: it must not wait.
    """
    _stopped.add(run)
    threading.Thread(target=_clear, args=(run,), daemon=True).start()


def _clear(run: str) -> None:
    with _changing:
        if _desk is not None and _desk.order.run == run:
            with _desk.work:
                _desk.close()


def is_stopped(run: str) -> bool:
    """Whether a run was cancelled."""
    return run in _stopped


def _encoder(order: Order) -> Encoder:
    settings, options = order.settings, order.options
    weights = str(settings.weights_path or "")
    return _load(settings.encoder, weights, order.identity, options.device, options.compiled)


@lru_cache(maxsize=1)  # the next run, too
def _load(name: str, weights: str, identity: str, device: str, compiled: bool) -> Encoder:
    from napari_lookalike.core.encoders import load_encoder
    from napari_lookalike.core.errors import EncoderError

    encoder = load_encoder(name, weights=Path(weights) if weights else None, device=device)
    if encoder.identity != identity:
        raise EncoderError(
            "Its weights or its version of the encoder are others.",
            "Give all machines the same weight file and the same version of napari-lookalike.",
        )
    if compiled:
        encoder.compile()
    return encoder
