"""How a slide lies on the screen: the eight ways to turn and mirror it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

Mirror = Literal["left-right", "top-bottom"]


@dataclass(frozen=True)
class Orientation:
    """A slide's x and y on the screen, whose u grows to the right and v downwards.

    Parameters
    ----------
    transposed
        Whether the slide's x runs along the screen's height.
    left
        Whether what runs along the screen's width grows to the left.
    up
        Whether what runs along its height grows upwards.
    """

    transposed: bool = False
    left: bool = False
    up: bool = False

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """A step on the slide (x right, y down) as a step (u, v) on the screen."""
        u, v = (y, x) if self.transposed else (x, y)
        return (-u if self.left else u), (-v if self.up else v)

    def to_slide(self, u: float, v: float) -> tuple[float, float]:
        """A step on the screen as a step (x, y) on the slide."""
        u, v = (-u if self.left else u), (-v if self.up else v)
        return (v, u) if self.transposed else (u, v)

    @classmethod
    def _of(cls, x_axis: tuple[float, float], y_axis: tuple[float, float]) -> Self:
        """The orientation in which x and y run along these directions of the screen."""
        transposed = x_axis[0] == 0
        along_u, along_v = (y_axis, x_axis) if transposed else (x_axis, y_axis)
        return cls(transposed, left=along_u[0] < 0, up=along_v[1] < 0)

    def turned(self, quarters: int) -> Self:
        """Turned clockwise on the screen by quarters of a circle (negative: anticlockwise)."""
        found = self
        for _ in range(quarters % 4):
            (a, b), (c, d) = found.to_screen(1, 0), found.to_screen(0, 1)
            found = found._of((-b, a), (-d, c))
        return found

    def mirrored(self, how: Mirror) -> Self:
        """Mirrored on the screen."""
        (a, b), (c, d) = self.to_screen(1, 0), self.to_screen(0, 1)
        if how == "left-right":
            return self._of((-a, b), (-c, d))
        return self._of((a, -b), (c, -d))

    @property
    def is_mirrored(self) -> bool:
        """Whether no turning alone leads here: what is left and right is exchanged."""
        (a, b), (c, d) = self.to_screen(1, 0), self.to_screen(0, 1)
        return a * d - b * c < 0

    @property
    def quarters(self) -> int:
        """Quarters clockwise, before which it was mirrored left to right if it `is_mirrored`."""
        start = type(self)().mirrored("left-right") if self.is_mirrored else type(self)()
        return next(n for n in range(4) if start.turned(n) == self)

    @property
    def words(self) -> str:
        """For a person; empty if the slide lies as it was scanned."""
        if self == type(self)().mirrored("top-bottom"):
            return "Mirrored top to bottom"
        turn = ("", "turned 90° right", "turned upside down", "turned 90° left")[self.quarters]
        parts = ["mirrored left to right"] if self.is_mirrored else []
        text = ", ".join([*parts, turn] if turn else parts)
        return text[:1].upper() + text[1:]


UPRIGHT = Orientation()
