"""A slide whose parts are out: what of it has come back, and its way into the feature file."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cluster.drop import Drop, UrlDrop
from napari_lookalike.core.cluster.values import PartDone
from napari_lookalike.core.embed.parts import PartStore, parts_folder, seed
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.embed.stopping import forget_to_stop, stop_is_wanted
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome

_ROUNDS: Final = 2
_LAG_S: Final = 60.0


@dataclass(eq=False)
class SlideInHand:
    """A slide that is being embedded.

    Parameters
    ----------
    learnt
        What its preparation found.
    store
        Its parts that are here.
    path
        The feature file that they become.
    drop
        Where workers leave its parts.
    wanted
        Tiles that it is to have.
    names
        Parts that workers say they have left since the last round.
    tiles
        Tiles that they have embedded.
    error
        Why it cannot be embedded; empty if it can.
    rounds, since
        How often parts were lost, and since when some are waited for.
    stopped
        Whether somebody asked to stop it here.
    """

    learnt: Outcome
    store: PartStore
    path: Path
    drop: Drop
    wanted: int
    names: list[str] = field(default_factory=list)
    tiles: int = 0
    error: str = ""
    rounds: int = 0
    since: float = 0.0
    stopped: bool = False

    @classmethod
    def begin(
        cls, learnt: Outcome, plan: Plan, path: Path, drop: Drop, options: EmbedOptions
    ) -> SlideInHand:
        """With the parts that an earlier run left.

        Raises
        ------
        FeatureError
            If the folder of its parts cannot be written.
        """
        store = PartStore(parts_folder(path), plan)
        if not options.again:
            seed(store, path)
        forget_to_stop(store.folder)
        if isinstance(drop, UrlDrop) and not options.again:
            drop.fetch_left(plan)
        wanted = math.ceil(len(plan.grid) * options.stop_at - 1e-9)
        return cls(learnt, store, path, drop, wanted)

    def missing(self) -> NDArray[np.int64]:
        """Tiles that are to be embedded yet; looks at the folder again.

        Returns
        -------
        ndarray of int64 (n,)
        """
        return self.store.missing()[: max(0, self.wanted - self.store.done)]

    def take(self, answer: PartDone) -> None:
        """A worker has done a part."""
        with contextlib.suppress(OSError):  # tried again at the end of the slide
            self.drop.arrived(answer.names)
        self.names += answer.names
        self.tiles += answer.tiles

    def is_enough(self) -> bool:
        """Whether somebody asked to stop it here (`stopping.ask_to_stop`)."""
        some = bool(self.names) or self.store.done > 0
        return some and not self.stopped and stop_is_wanted(self.store.folder)

    def lost(self) -> NDArray[np.int64] | None:
        """Tiles that workers have done and that did not arrive.

        Returns
        -------
        ndarray of int64 (n,) or None
            ``None``: wait a little, a shared folder shows some files late.

        Raises
        ------
        FeatureError
            If that happens again and again.
        """
        if not self.drop.arrived(self.names):
            self.since = self.since or time.monotonic()
            if time.monotonic() - self.since < _LAG_S:
                return None
        missing = self.missing()
        if len(missing):
            self.rounds, self.since, self.names = self.rounds + 1, 0.0, []
            if self.rounds >= _ROUNDS:
                raise FeatureError(
                    "Parts of its features are lost again and again.",
                    "Check the folder or the place that the workers write to.",
                )
        return missing

    def finish(self) -> None:
        """Make the feature file of what is there."""
        self.store.finish(self.path, partial=True)
        self.drop.close(self.path)

    def outcome(self, slide_id: str) -> Outcome:
        """What is said of it at its end."""
        if self.error:
            return Outcome(slide_id, error=self.error)
        return replace(self.learnt, tiles=self.store.done, coverage=self.store.coverage, error="")
