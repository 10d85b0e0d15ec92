"""The way through a slide on which readers are compared: the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Action = Literal["look", "drag", "wheel"]

BACK = "pan_back_1x"
"""The kind that goes back over fields that were just seen."""

_STEPS = 20
_QUICK_STEPS = 6


@dataclass(frozen=True)
class Step:
    """One thing a person does.

    Parameters
    ----------
    action
        "look": the camera is set. "drag" and "wheel": real events of mouse and wheel.
    x, y
        Where the view is centred by "look", level-0 pixels.
    zoom
        Screen pixels per level-0 pixel that "look" sets.
    by
        (x, y) screen pixels: how far "drag" pulls the slide, or where, from the centre,
        "wheel" is turned.
    notches
        How far the wheel is turned; towards the slide is positive.
    """

    action: Action
    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    by: tuple[int, int] = (0, 0)
    notches: int = 0


@dataclass(frozen=True)
class Leg:
    """Steps of one kind, and where they start if that is not where the last kind ended."""

    kind: str
    steps: tuple[Step, ...]
    start: Step | None = None


def navigation_trace(width: int, height: int, *, quick: bool = False) -> tuple[Leg, ...]:
    """The legs of the way, in their order.

    Parameters
    ----------
    width, height
        Of level 0. On a slide that is too small for a leg, the way is folded back at its
        edges; on a large one nothing is folded.
    quick
        A few steps of each kind.
    """
    cx, cy = width / 2, height / 2
    rng = np.random.default_rng(1)
    pan = [Step("look", cx + i * 300, cy + i * 200, 1.0) for i in range(_STEPS)]
    jumps = rng.uniform(0.3, 0.7, (_STEPS, 2)) * (height, width)
    zooms = np.geomspace(0.015, 1, 24)[:: 4 if quick else 1]
    legs = [
        Leg("zoom_in", tuple(Step("look", cx, cy, float(z)) for z in zooms)),
        Leg("pan_1x", tuple(pan)),
        Leg(BACK, tuple(pan[::-1])),
        Leg("pan_quarter", _line(cx, cy, 900, 600, 0.25)),
        Leg("zoom_0.3", _line(cx, cy, -700, -500, 0.3)),
        Leg("jump_1x", tuple(Step("look", float(x), float(y), 1.0) for y, x in jumps)),
        Leg(
            "drag_1x",
            (Step("drag", by=(-300, -200)),) * _STEPS,
            Step("look", 0.45 * width, 0.58 * height, 1.0),
        ),
        Leg(
            "wheel",
            tuple(Step("wheel", by=(120, -80), notches=n) for n in [2] * 7 + [-2] * 6 + [2] * 7),
            Step("look", 0.56 * width, 0.43 * height, 0.06),
        ),
    ]
    return tuple(_inside(_cut(leg, quick), width, height) for leg in legs)


def _line(cx: float, cy: float, dx: int, dy: int, zoom: float) -> tuple[Step, ...]:
    return tuple(Step("look", cx + i * dx, cy + i * dy, zoom) for i in range(_STEPS))


def _cut(leg: Leg, quick: bool) -> Leg:
    return replace(leg, steps=leg.steps[:_QUICK_STEPS]) if quick else leg


def _inside(leg: Leg, width: int, height: int) -> Leg:
    def folded(step: Step) -> Step:
        return replace(step, x=_fold(step.x, width), y=_fold(step.y, height))

    return Leg(leg.kind, tuple(folded(s) for s in leg.steps), leg.start and folded(leg.start))


def _fold(value: float, size: int) -> float:
    """A coordinate, mirrored at both edges until it lies in the slide."""
    value = value % (2 * size)
    return 2 * size - value if value > size else value
