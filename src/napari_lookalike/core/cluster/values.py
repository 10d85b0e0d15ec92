"""What goes between the client and its workers: small frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome
from napari_lookalike.core.settings import ProjectSettings


@dataclass(frozen=True)
class Order:
    """What all tasks of one run share.

    Parameters
    ----------
    run
        Its name, new for every run.
    root
        The project's folder, at the same place for all.
    settings
        The project's settings: the client's, as a shared folder may lag behind.
    identity
        `Encoder.identity` that every worker must have.
    version
        Of this package.
    url
        Where workers leave their parts; empty for the project's folder.
    options
        How it embeds.
    """

    run: str
    root: str
    settings: ProjectSettings
    identity: str
    version: str
    url: str = ""
    options: EmbedOptions = field(default_factory=EmbedOptions)


@dataclass(frozen=True)
class Answer:
    """What every task answers; errors come as sentences, since Dask logs what is raised.

    Parameters
    ----------
    error
        Why the slide cannot be embedded; empty if it can.
    unfit
        Why this worker cannot do it, though another one may.
    stopped
        Whether the run was cancelled meanwhile.
    worker
        Address of the worker that answers.
    """

    error: str = ""
    unfit: str = ""
    stopped: bool = False
    worker: str = ""


@dataclass(frozen=True)
class SlidePlan(Answer):
    """A slide before its first tile.

    Parameters
    ----------
    plan
        Its tiles and all that decides their numbers; ``None`` if it is not embedded.
    learnt
        What was learnt of it, and the reason if it is passed over.
    """

    plan: Plan | None = None
    learnt: Outcome | None = None


@dataclass(frozen=True)
class PartDone(Answer):
    """Some tiles of a slide.

    Parameters
    ----------
    tiles
        How many were embedded.
    names
        File names of the parts that hold them.
    seconds
        How long it took.
    """

    tiles: int = 0
    names: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Part:
    """Some tiles of a slide that a worker does in one go.

    Parameters
    ----------
    slide_id
        The slide.
    indices
        int64 (n,): which tiles, in the order in which they are visited.
    tries
        How often it was given out without an answer: with a worker that died. Whether it
        was this part that killed it is only known if it is alone there next time.
    """

    slide_id: str
    indices: NDArray[np.int64]
    tries: int = 0
