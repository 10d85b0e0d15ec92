"""What the map shows, as frozen values. Knows nothing of mouse, session or how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.ui.map.grid import PointGrid

GREY = "#9A9A9A"


@dataclass(frozen=True)
class PairLine:
    """A line between two marked slides.

    Parameters
    ----------
    a, b
        Keys of the two points.
    strength
        0 to 1: how thick it is.
    dashed
        Whether it stands for all slides of the two's subtypes.
    """

    a: str
    b: str
    strength: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Places:
    """Where the points are; made once for a map, whatever their colours.

    Parameters
    ----------
    keys
        One name per point.
    points
        (n, 2) data coordinates.
    """

    keys: tuple[str, ...] = ()
    points: NDArray[np.floating] = field(default_factory=lambda: np.empty((0, 2)))

    @cached_property
    def index(self) -> dict[str, int]:
        """Key -> row of ``points``."""
        return {key: i for i, key in enumerate(self.keys)}

    @cached_property
    def grid(self) -> PointGrid:
        """For looking up parts of the plane."""
        return PointGrid(self.points)


@dataclass(frozen=True, eq=False)
class Dots:
    """The points with their looks.

    Parameters
    ----------
    places
        Where they are.
    of
        int (n,): the category of each.
    palette
        "#RRGGBB" per category.
    shapes
        int (n,): shape number of each (`palette.shape_path`); empty = all circles.
    only
        Categories that are not filtered out; ``None`` = all are shown.
    """

    places: Places = field(default_factory=Places)
    of: NDArray[np.integer] = field(default_factory=lambda: np.empty(0, np.int64))
    palette: tuple[str, ...] = (GREY,)
    shapes: NDArray[np.integer] = field(default_factory=lambda: np.empty(0, np.int64))
    only: frozenset[int] | None = None

    @cached_property
    def shown(self) -> NDArray[np.bool_]:
        """Bool (n,): which points are not filtered out."""
        if self.only is None:
            return np.ones(len(self.of), bool)
        return np.isin(self.of, list(self.only))

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """uint8 (n_categories, 3) of the palette."""
        values = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in self.palette]
        return np.array(values, np.uint8).reshape(-1, 3)


@dataclass(frozen=True, eq=False)
class Scene:
    """All that the map shows.

    Parameters
    ----------
    dots
        The points.
    before
        (n, 2) where each point was before; NaN where it was nowhere; ``None`` = do not show.
    lines
        Marked pairs.
    selected
        Keys that are ringed; the first two are lettered A and B.
    current
        Key of the slide on the canvas.
    """

    dots: Dots = field(default_factory=Dots)
    before: NDArray[np.floating] | None = None
    lines: tuple[PairLine, ...] = ()
    selected: tuple[str, ...] = ()
    current: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """One name per point."""
        return self.dots.places.keys

    @property
    def points(self) -> NDArray[np.floating]:
        """(n, 2) data coordinates."""
        return self.dots.places.points

    @property
    def index(self) -> dict[str, int]:
        """Key -> row of ``points``."""
        return self.dots.places.index

    @property
    def colours(self) -> tuple[str, ...]:
        """The colour of each point, `#RRGGBB`."""
        return tuple(self.dots.palette[i] for i in self.dots.of.tolist())

    @property
    def filtered_out(self) -> frozenset[str]:
        """Keys of the points that stand back, and cannot be chosen."""
        return frozenset(k for k, on in zip(self.keys, self.dots.shown, strict=True) if not on)

    @property
    def extent(self) -> NDArray[np.floating]:
        """All coordinates that a fitted view must hold."""
        return self.points if self.before is None else np.concatenate([self.points, self.before])


def same(a: Scene, b: Scene) -> bool:
    """Whether two scenes are made of the same values."""
    return (
        a.dots is b.dots
        and a.before is b.before
        and (a.lines, a.selected, a.current) == (b.lines, b.selected, b.current)
    )


def same_plane(a: Scene, b: Scene) -> bool:
    """Whether two scenes show the same points at the same places."""
    alike = a.dots.places is b.dots.places or (
        a.keys == b.keys and np.array_equal(a.points, b.points, equal_nan=True)
    )
    if not alike or (a.before is None) != (b.before is None):
        return False
    return a.before is b.before or np.array_equal(a.extent, b.extent, equal_nan=True)
