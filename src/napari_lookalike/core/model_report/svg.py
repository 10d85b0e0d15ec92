"""Small drawings as SVG text: axes, lines, bands, bars. No library, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

Point = tuple[float, float]

# Okabe and Ito's colours, which most colour-blind people tell apart.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#767676"
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 26, 42
LETTER = 6.2
"""Width of a letter, about, in pixels."""


class Plot:
    """A plot with two axes; `text` gives it as an ``<svg>`` element.

    Parameters
    ----------
    title
        Above it, and what a screen reader says.
    x, y
        Range of each axis.
    x_title, y_title
        Of the axes.
    width, height
        In pixels, with the margins.
    left
        Margin for the numbers or names of the rows, in pixels.
    """

    def __init__(
        self,
        title: str,
        x: Point,
        y: Point,
        x_title: str = "",
        y_title: str = "",
        width: int = 360,
        height: int = 300,
        left: int = LEFT,
    ) -> None:
        self.width, self.height, self._left = width, height, left
        self._below = 0
        self._x, self._y = x, y
        self._title = title
        self._parts: list[str] = []
        self._label(left + (width - left - RIGHT) / 2, height - 8, x_title)
        self._label(14, TOP + (height - TOP - BOTTOM) / 2, y_title, turned=True)
        self._parts.append(
            f'<text x="8" y="16" font-weight="bold" font-size="12">{escape(title)}</text>'
        )

    def at(self, point: Point) -> Point:
        """Pixels of a point."""
        (x0, x1), (y0, y1) = self._x, self._y
        inner_x, inner_y = self.width - self._left - RIGHT, self.height - TOP - BOTTOM
        px = self._left + (point[0] - x0) / (x1 - x0) * inner_x
        py = self.height - BOTTOM - (point[1] - y0) / (y1 - y0) * inner_y
        return round(px, 2), round(py, 2)

    def ticks(self, x: Iterable[tuple[float, str]] = (), y: Iterable[float] = ()) -> None:
        """Marks with words along x and with numbers along y, and a grid."""
        (x0, x1), (y0, y1) = self._x, self._y
        for value in y:
            self._stroke([(x0, value), (x1, value)], "#e4e4e4", 1)
            px, py = self.at((x0, value))
            self._label(px - 6, py + 4, f"{value:g}", anchor="end")
        for value, word in x:
            px, py = self.at((value, y0))
            self._stroke([(value, y0), (value, y1)], "#f0f0f0", 1)
            self._label(px, py + 15, word)
        self._stroke([(x0, y1), (x0, y0), (x1, y0)], "#333333", 1)

    def line(
        self, points: Sequence[Point], colour: str, *, width: float = 2, dashed: bool = False
    ) -> None:
        """A line through points."""
        self._stroke(points, colour, width, dashed)

    def band(self, low: Sequence[Point], high: Sequence[Point], colour: str) -> None:
        """A pale area between two lines."""
        corners = [self.at(p) for p in (*low, *reversed(high))]
        where = " ".join(f"{x:g},{y:g}" for x, y in corners)
        self._parts.append(f'<polygon points="{where}" fill="{colour}" fill-opacity="0.18"/>')

    def dot(self, point: Point, colour: str, radius: float = 4, tip: str = "") -> None:
        """A dot; its tip shows where a pointer rests on it."""
        x, y = self.at(point)
        self._parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}">'
            f"<title>{escape(tip)}</title></circle>"
        )

    def whisker(self, x: float, low: float, high: float, colour: str) -> None:
        """An upright interval."""
        self._stroke([(x, low), (x, high)], colour, 1.5)

    def flat_whisker(self, y: float, low: float, high: float, colour: str) -> None:
        """A lying interval."""
        self._stroke([(low, y), (high, y)], colour, 1.5)

    def row_name(self, y: float, words: str) -> None:
        """What a row is called, left of the axis; cut if the margin is too small."""
        px, py = self.at((self._x[0], y))
        most = int((self._left - 12) / LETTER)
        short = words if len(words) <= most else f"{words[: most - 1]}…"
        self._label(px - 8, py + 4, short, anchor="end")

    def bar(self, x: Point, top: float, colour: str, opacity: float = 1.0) -> None:
        """An upright bar from the lower edge."""
        x0, y0 = self.at((x[0], top))
        x1, y1 = self.at((x[1], self._y[0]))
        self._parts.append(
            f'<rect x="{x0:g}" y="{y0:g}" width="{x1 - x0:g}" height="{max(y1 - y0, 0):g}" '
            f'fill="{colour}" fill-opacity="{opacity:g}"/>'
        )

    def note(
        self, point: Point, words: str, anchor: str = "start", colour: str = "#333333"
    ) -> None:
        """Words at a point."""
        x, y = self.at(point)
        self._label(x, y, words, anchor=anchor, colour=colour)

    def legend(self, entries: Iterable[tuple[str, str]]) -> None:
        """Colours and their names, in rows below the axis: nothing that is drawn lies there."""
        x, y = float(self._left), self.height + self._below + 8
        for colour, name in entries:
            wide = 14 + len(name) * LETTER + 14
            if x > self._left and x + wide > self.width:
                x, y = self._left, y + 15
            self._parts.append(
                f'<rect x="{x:g}" y="{y - 4:g}" width="10" height="8" fill="{colour}"/>'
            )
            self._label(x + 14, y + 4, name, anchor="start")
            x += wide
        self._below = int(y + 10 - self.height)

    def text(self) -> str:
        """The drawing."""
        body, height = "".join(self._parts), self.height + self._below
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(self._title)}"'
            f' width="{self.width}" height="{height}" viewBox="0 0 {self.width} {height}"'
            f' font-family="sans-serif" font-size="11">'
            f'<rect width="{self.width}" height="{height}" fill="#ffffff"/>{body}</svg>'
        )

    def _stroke(
        self, points: Sequence[Point], colour: str, width: float, dashed: bool = False
    ) -> None:
        where = " ".join(f"{x:g},{y:g}" for x, y in map(self.at, points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(
            f'<polyline points="{where}" fill="none" stroke="{colour}" '
            f'stroke-width="{width:g}"{dash}/>'
        )

    def _label(
        self,
        x: float,
        y: float,
        words: str,
        anchor: str = "middle",
        colour: str = "#333333",
        *,
        turned: bool = False,
    ) -> None:
        if not words:
            return
        turn = f' transform="rotate(-90 {x:g} {y:g})"' if turned else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}"{turn}>'
            f"{escape(words)}</text>"
        )
