"""What is asked of, and answered by, the process that replays a trace with one reader."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

FLOOR = "floor"
OURS = "napari-lookalike"
PEER = "napari-wsi"

Task = Literal["time", "check", "cohort"]


@dataclass(frozen=True)
class Request:
    """One run of one reader, in a process of its own.

    Parameters
    ----------
    task
        "time": replay the trace. "check": verify what is shown on the way. "cohort": change
        from slide to slide of a project.
    reader
        `FLOOR`, `OURS`, `PEER`, or the name of another napari plugin that reads slides.
    path
        The slide, or the project.
    quick
        A few steps of each kind.
    step_s
        Seconds that a step may take to settle.
    """

    task: Task
    reader: str
    path: Path
    quick: bool = False
    step_s: float = 10.0

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "path": str(self.path)}

    @staticmethod
    def from_json(values: dict[str, Any]) -> Request:
        """What `to_json` gave."""
        return Request(**{**values, "path": Path(values["path"])})


@dataclass(frozen=True)
class Measured:
    """The steps of one kind.

    Parameters
    ----------
    settled_ms
        Until the view was final, a step each.
    block_ms
        Longest time for which the event loop was not served, a step each.
    unsettled
        How many steps had not settled when their time was up.
    errors
        Mean difference in grey levels from what should be seen, for the steps that were
        verified.
    """

    settled_ms: tuple[float, ...]
    block_ms: tuple[float, ...]
    unsettled: int = 0
    errors: tuple[float, ...] = ()

    @staticmethod
    def from_json(values: dict[str, Any]) -> Measured:
        """What ``Replay.to_json`` made of it."""
        settled, block = tuple(values["settled_ms"]), tuple(values["block_ms"])
        return Measured(settled, block, values["unsettled"], tuple(values["errors"]))


@dataclass(frozen=True)
class Replay:
    """The answer to a `Request`.

    Parameters
    ----------
    reader
        Who read.
    problem
        Why there are no figures, as a sentence; else empty.
    first_paint_ms
        From the wish to open the slide until something of it is drawn.
    open_ms
        The same until the whole slide is shown as it stays.
    legs
        Kind of step -> what was measured.
    growth_mb
        Memory at its highest between the legs, above that of the empty window.
    cache_mb
        What the reader may keep of decoded pixels, as it says itself; else 0.
    changes_ms
        Changes of slide until the slide and its overlay are there in full.
    """

    reader: str
    problem: str = ""
    first_paint_ms: float = 0.0
    open_ms: float = 0.0
    legs: dict[str, Measured] = field(default_factory=dict)
    growth_mb: float = 0.0
    cache_mb: float = 0.0
    changes_ms: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> Replay:
        """What `to_json` gave."""
        legs = {kind: Measured.from_json(leg) for kind, leg in values["legs"].items()}
        return Replay(**{**values, "legs": legs, "changes_ms": tuple(values["changes_ms"])})
