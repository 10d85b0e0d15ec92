"""Tasks that are out at Dask: given to it, and answered, lost or forgotten by it."""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, Final

from napari_lookalike.core.cluster.crew import reaching
from napari_lookalike.core.cluster.values import Answer, Order, Part
from napari_lookalike.core.errors import ClusterError

_ANSWER_S: Final = 60.0
_RESCUE_S: Final = 2.0
_POLL_S: Final = 0.2


@dataclass(eq=False)
class Errand:
    """A task that is out.

    Parameters
    ----------
    worker
        Address of the worker that it was meant for.
    slide_id
        The slide.
    part
        The part of it that is to be embedded; ``None``: the slide is to be prepared.
    missed
        How often it was looked for since and Dask had it with nobody.
    """

    worker: str
    slide_id: str
    part: Part | None = None
    missed: int = 0


class Errands:
    """What a run has out.

    Parameters
    ----------
    client
        A `distributed.Client`.
    order
        The run.
    """

    def __init__(self, client: Any, order: Order) -> None:
        self._client, self._order = client, order
        self._out: dict[str, Errand] = {}
        self._futures: dict[str, Any] = {}
        self._answered: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._rescued = 0.0

    def __len__(self) -> int:
        return len(self._out)

    def __iter__(self) -> Iterator[Errand]:
        return iter(self._out.values())

    def submit(self, errand: Errand, task: Callable[..., Any], *arguments: Any) -> None:
        """Give a task to Dask, for the errand's worker or, if that one goes, for another.

        Raises
        ------
        ClusterError
            If the connection is lost.
        """
        key = f"{self._order.run}-{errand.slide_id}-{uuid.uuid4().hex[:8]}"
        with reaching():
            future = self._client.submit(
                task,
                self._order,
                errand.slide_id,
                *arguments,
                key=key,
                pure=False,
                workers=[errand.worker],
                allow_other_workers=True,
            )
        self._out[key], self._futures[key] = errand, future
        future.add_done_callback(self._answered.put)

    def answered(self) -> Iterator[tuple[Errand, Answer | None, Any]]:
        """What has come, after a little wait if nothing has.

        Yields
        ------
        tuple[Errand, Answer | None, Any]
            The errand, its answer (``None`` if it was lost), and Dask's future.
        """
        wait = _POLL_S
        while True:
            try:
                future = self._answered.get(timeout=wait)
            except queue.Empty:
                return
            wait = 0.0
            errand = self._out.pop(future.key, None)
            if errand is not None:
                answer = _answer(future)
                del self._futures[future.key]
                yield errand, answer, future

    def forgotten(self, fit: Collection[str]) -> list[Errand]:
        """Take back, now and then, tasks that Dask has with nobody.

        It gives the tasks of a worker that died to others; but if there is none at that
        moment, they wait for that worker's address for ever, whoever comes later.

        Parameters
        ----------
        fit
            Addresses of the workers that are there.

        Raises
        ------
        ClusterError
            If the connection is lost.
        """
        orphans = {k: o for k, o in self._out.items() if o.worker not in fit}
        if not orphans or not fit or time.monotonic() - self._rescued < _RESCUE_S:
            return []
        self._rescued = time.monotonic()
        with reaching():
            held = {key for keys in self._client.processing().values() for key in keys}
        taken_back = []
        for key, errand in orphans.items():
            errand.missed = 0 if key in held else errand.missed + 1
            if errand.missed > 1 and self._futures[key].status == "pending":
                with reaching():
                    self._client.cancel([self._futures.pop(key)], force=True)
                taken_back.append(self._out.pop(key))
        return taken_back

    def close(self) -> None:
        """Take back what is out, and hear no more of the run."""
        with contextlib.suppress(ClusterError), reaching():
            self._client.unsubscribe_topic(self._order.run)
            self._client.cancel(list(self._futures.values()))
        self._futures.clear()


def _answer(future: Any) -> Answer | None:
    if future.status != "finished":
        return None
    try:
        answer = future.result(timeout=_ANSWER_S)
    except (OSError, TimeoutError, CancelledError, RuntimeError):
        return None  # it died with the answer in its hands
    return answer if isinstance(answer, Answer) else None
