"""``bench twin``: what a linked step of two slides side by side costs, from times to figures.

The ratio is of one run: a step of both panes together, over the sum of the same steps of each
pane by itself. Both arms draw the same places of the same slides, in the same panes, so the
machine, the decoder and the way of drawing hit both; what is left is what the link itself
costs. 1 = nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from napari_lookalike.core.bench.report import NotMeasured, Row

MOST = 1.25
"""Most that a linked step may cost, in steps of the two panes one by one."""

Ground = Literal["seen", "new"]
WORDS: dict[Ground, str] = {
    "seen": "over ground that was seen before",
    "new": "over new ground",
}


@dataclass(frozen=True)
class Steps:
    """Times of one way through the two slides, ms, one per step, in the same places.

    Parameters
    ----------
    ground
        Whether the tiles were in memory ("seen"), or were decoded meanwhile ("new").
    turned
        Whether the second slide was turned by 90°.
    linked
        Both panes moved by one drag, until both are painted.
    first, second
        Each pane moved by itself, until it is painted.
    """

    ground: Ground
    turned: bool
    linked: tuple[float, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]


@dataclass(frozen=True)
class TwinTimes:
    """What the measuring process found.

    Parameters
    ----------
    steps
        One for each way.
    pane_px
        (width, height) of a pane, screen pixels.
    problem
        Why nothing could be measured; empty if it was.
    """

    steps: tuple[Steps, ...] = ()
    pane_px: tuple[int, int] = (0, 0)
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "steps": [vars(s) for s in self.steps],
            "pane_px": list(self.pane_px),
            "problem": self.problem,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> TwinTimes:
        """From what `to_json` gave."""
        steps = tuple(
            Steps(
                s["ground"],
                s["turned"],
                tuple(s["linked"]),
                tuple(s["first"]),
                tuple(s["second"]),
            )
            for s in said["steps"]
        )
        width, height = said["pane_px"]
        return cls(steps, (width, height), said["problem"])


def rows_of(times: TwinTimes) -> tuple[list[Row], list[NotMeasured]]:
    """Figures beside their targets."""
    rows = [_row(steps, times.pane_px) for steps in times.steps]
    return rows, [NotMeasured("twin", times.problem)] if times.problem else []


def _row(steps: Steps, pane_px: tuple[int, int]) -> Row:
    """How many steps of single panes a linked step costs.

    Over new ground nothing is asked: what is decoded meanwhile is the engine's and the
    disk's doing, and differs from way to way.
    """
    alone = np.asarray(steps.first) + np.asarray(steps.second)
    ratio = float(np.median(steps.linked)) / float(np.median(alone))
    turned = ", the second slide turned" if steps.turned else ""
    name = f"linked step, {WORDS[steps.ground]}{turned}: part of two single steps"
    beside = (
        f"panes of {pane_px[0]} x {pane_px[1]} px; linked {_ms(steps.linked)};"
        f" one by one {_ms(alone)}: {_ms(steps.first)} and {_ms(steps.second)}"
    )
    target = MOST if steps.ground == "seen" else None
    row = Row.of(name, ratio, "", target, "at most")
    return row.among(*_between(steps.linked, alone), beside)


def _between(linked: Sequence[float], alone: Any) -> tuple[float, float]:
    """The ratio's middle half: of each quarter of the times, since one late step is no figure."""
    low, high = np.percentile(linked, (25, 75))
    alone_low, alone_high = np.percentile(alone, (25, 75))
    return float(low / alone_high), float(high / alone_low)


def _ms(times: Any) -> str:
    return f"{float(np.median(times)):.3g} ms (p95 {float(np.percentile(times, 95)):.3g})"
