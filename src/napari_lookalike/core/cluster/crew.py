"""The workers of a cluster that can do the work of a run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, Final

from napari_lookalike.core.cluster.tasks import check
from napari_lookalike.core.cluster.values import Order
from napari_lookalike.core.errors import ClusterError, SlideError
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Calls to the scheduler: what they raise if it is gone becomes a sentence.

    Raises
    ------
    ClusterError
        If the connection is lost.
    """
    try:
        yield
    except (OSError, TimeoutError, CancelledError, RuntimeError):
        raise ClusterError(
            "The connection to the Dask scheduler was lost.",
            "What was embedded is kept: start it again, and it goes on from there.",
        ) from None


_FIRST_WORKER_S: Final = 60.0
_LOOK_EVERY_S: Final = 1.0


class Crew:
    """Workers, each asked once whether it can do the work.

    Parameters
    ----------
    client
        A `distributed.Client`.
    order
        The run.
    project
        The project.
    slide_ids
        Its slides; the first that can be read here is the one that is compared.
    """

    def __init__(
        self, client: Any, order: Order, project: Project, slide_ids: Sequence[str]
    ) -> None:
        self._client, self._order = client, order
        self._sample = _sample(project, slide_ids)
        self._asked: dict[str, Any] = {}
        self._looked = 0.0
        self.fit: set[str] = set()
        self.unfit: dict[str, str] = {}

    def check_all(self, job: Job) -> None:
        """Ask all workers that are there, and wait for the first one if there is none.

        Raises
        ------
        ClusterError
            If one cannot do the work, or none comes.
        """
        until = time.monotonic() + _FIRST_WORKER_S
        while True:
            self.look(again=True)
            job.step(0, 0, f"Checking {len(self.fit) + len(self._asked)} workers")
            if self.unfit and not self._asked:
                raise self.refused()
            if self.fit and not self._asked:
                return
            if not self._asked and time.monotonic() > until:
                raise ClusterError(
                    "The cluster has no workers.",
                    "Start some (dask worker ADDRESS), and check that they reach the scheduler.",
                )
            time.sleep(0.05)

    def refused(self) -> ClusterError:
        """Which workers cannot do the work, and why."""
        lines = [f"{worker}: {why}" for worker, why in sorted(self.unfit.items())]
        more = f" (and {len(lines) - 3} more)" if len(lines) > 3 else ""
        n = len(self.fit) + len(self._asked) + len(self.unfit)
        return ClusterError(
            f"{len(self.unfit)} of {n} workers cannot do it. {' '.join(lines[:3])}{more}",
            "Put that right or stop those workers, then start again. Nothing was changed.",
        )

    def look(self, again: bool = False) -> set[str]:
        """See who has come and who has gone; those who have gone."""
        if not again and time.monotonic() - self._looked < _LOOK_EVERY_S:
            return set()
        self._looked = time.monotonic()
        with reaching():
            there = set(self._client.nthreads())
        for worker in there - self.fit - set(self.unfit) - set(self._asked):
            self._asked[worker] = self._client.submit(
                check, self._order, *self._sample, workers=[worker], pure=False, priority=10
            )
        for worker, future in list(self._asked.items()):
            if worker not in there:
                future.cancel()
                del self._asked[worker]
            elif future.done():
                self._heard(worker, self._asked.pop(worker))
        gone = self.fit - there
        self.fit -= gone
        for worker in set(self.unfit) - there:
            del self.unfit[worker]
        return gone

    def _heard(self, worker: str, future: Any) -> None:
        why = f"It does not answer ({future.status})."
        if future.status == "finished":
            why = future.result()
        elif future.status == "error":  # its version of the package is another one
            why = (
                f"It cannot run this version of the program ({type(future.exception()).__name__})."
            )
        if why:
            self.unfit[worker] = why
        else:
            self.fit.add(worker)

    @property
    def hopeless(self) -> bool:
        """Whether all workers that are there cannot do the work."""
        return bool(self.unfit) and not self.fit and not self._asked

    def dismiss(self, worker: str, why: str) -> None:
        """A worker turned out to be unfit after all."""
        self.fit.discard(worker)
        self.unfit[worker] = why


def _sample(project: Project, slide_ids: Sequence[str]) -> tuple[str, str]:
    """A slide that can be read here, and its fingerprint; empty if none can."""
    for slide_id in slide_ids[:5]:
        with contextlib.suppress(SlideError), project.open_slide(slide_id) as slide:
            return slide_id, slide.fingerprint
    return "", ""
