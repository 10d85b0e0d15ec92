"""Networks that learn by turns, an epoch each, within one job."""

from __future__ import annotations

from collections.abc import Sequence

from napari_lookalike.core.mil.networks import NetworkInTraining
from napari_lookalike.core.progress import Job


class Share(Job):
    """A network's steps within those of all networks that take turns."""

    def __init__(self, whole: Job, index: int, prefix: str, *, parts: int) -> None:
        super().__init__()
        self._whole, self._index, self._prefix, self._parts = whole, index, prefix, parts
        self._cancelled, self._on_value = whole._cancelled, whole._on_value

    def step(self, done: int, total: int, what: str) -> None:
        """An epoch of this network, ``done`` of ``total``."""
        scale = 1000
        so_far = (done - 1 + (self._index + 1) / self._parts) / total
        self._whole.step(round(scale * so_far), scale, f"{self._prefix}{what}")


def in_rounds(networks: Sequence[NetworkInTraining], job: Job) -> int:
    """Train all, an epoch each in turn, so that all are as far whenever somebody stops.

    Returns
    -------
    int
        After how many epochs the job was asked to finish; 0: all were trained to their end.
    """
    going, rounds = list(networks), 0
    while going:
        going = [network for network in going if network.advance()]
        rounds += 1
        if going and job.finishing:
            return rounds
    return 0
