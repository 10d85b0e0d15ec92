"""What a pane of the twin review shows of its slide, and how two panes move together. Pure.

Each slide may lie otherwise on the screen (turned, mirrored). "Together" then means: by the
same µm on the *screen*. Both pictures follow the hand, and each slide moves along its own
axes as it lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_lookalike.session.orientation import UPRIGHT, Orientation

FINEST = 1 / 8
"""A pixel of the slide is enlarged to eight screen pixels at most."""

ROOM = 1.25
"""Zoomed out, a slide still fills the pane but for a rim."""


@dataclass(frozen=True)
class Field:
    """A view of one slide.

    Parameters
    ----------
    x_px0, y_px0
        Its centre, level-0 pixels.
    pixel
        Size of a screen pixel on the slide: µm, or level-0 pixels if mpp is not known.
    size_px0
        (width, height) of the slide, level-0 pixels.
    mpp
        µm per level-0 pixel (x, y); ``None`` if not known.
    orientation
        How the slide lies on the screen.
    """

    x_px0: float
    y_px0: float
    pixel: float
    size_px0: tuple[int, int]
    mpp: tuple[float, float] | None = None
    orientation: Orientation = UPRIGHT

    @property
    def step(self) -> tuple[float, float]:
        """Level-0 pixels per screen pixel, along the slide's (x, y)."""
        mx, my = self.mpp or (1.0, 1.0)
        return self.pixel / mx, self.pixel / my

    def place(self, dx: float, dy: float) -> tuple[float, float]:
        """(x, y) in level-0 pixels, so many screen pixels right of and below the centre."""
        sx, sy = self.step
        along_x, along_y = self.orientation.to_slide(dx, dy)
        return self.x_px0 + along_x * sx, self.y_px0 + along_y * sy

    def offset(self, x_px0: float, y_px0: float) -> tuple[float, float]:
        """The inverse of `place`: screen pixels from the centre."""
        sx, sy = self.step
        return self.orientation.to_screen((x_px0 - self.x_px0) / sx, (y_px0 - self.y_px0) / sy)

    def moved(self, dx: float, dy: float) -> Field:
        """So many screen pixels further right and down; the centre stays on the slide."""
        x, y = self.place(dx, dy)
        return self.centred(x, y)

    def centred(self, x_px0: float, y_px0: float) -> Field:
        """About another place, kept on the slide."""
        width, height = self.size_px0
        return replace(self, x_px0=min(max(x_px0, 0), width), y_px0=min(max(y_px0, 0), height))

    def scaled(self, pixel: float, dx: float = 0.0, dy: float = 0.0) -> Field:
        """With another size of a screen pixel; what lies at (dx, dy) from the centre stays."""
        x, y = self.place(dx, dy)
        now = replace(self, pixel=pixel)
        there_x, there_y = now.place(dx, dy)
        return now.centred(self.x_px0 + x - there_x, self.y_px0 + y - there_y)

    def laid(self, orientation: Orientation) -> Field:
        """The slide turned or mirrored about the centre of the pane; the zoom stays."""
        return replace(self, orientation=orientation)

    def limits(self, screen: tuple[int, int]) -> tuple[float, float]:
        """(finest, coarsest) size of a screen pixel.

        Parameters
        ----------
        screen
            (width, height) of the pane in screen pixels.
        """
        mx, my = self.mpp or (1.0, 1.0)
        rooms = (screen[1], screen[0]) if self.orientation.transposed else screen
        coarsest = max(
            edge * mpp / max(room, 1)
            for edge, mpp, room in zip(self.size_px0, (mx, my), rooms, strict=True)
        )
        finest = min(mx, my) * FINEST
        return finest, max(finest, coarsest * ROOM)


def whole(
    size_px0: tuple[int, int],
    mpp: tuple[float, float] | None,
    screen: tuple[int, int],
    orientation: Orientation = UPRIGHT,
) -> Field:
    """The whole slide, as it lies."""
    field = Field(size_px0[0] / 2, size_px0[1] / 2, 1.0, size_px0, mpp, orientation)
    return replace(field, pixel=field.limits(screen)[1] / ROOM)


def zoomed_together(
    fields: tuple[Field | None, Field | None],
    screens: tuple[tuple[int, int], tuple[int, int]],
    factor: float,
    leader: int,
    anchor: tuple[float, float] = (0.0, 0.0),
    both_anchored: bool = False,
) -> tuple[Field | None, Field | None]:
    """Zoom two panes by one factor, so that both keep showing the same µm per screen pixel.

    Parameters
    ----------
    fields
        What the panes show; ``None``: the slide is not there yet.
    screens
        (width, height) of the panes.
    factor
        By how much a screen pixel grows on the slide; below 1 zooms in.
    leader
        The pane that the user zooms (0 or 1).
    anchor
        What stays in its place there, screen pixels from its centre.
    both_anchored
        Whether the other pane keeps the same spot of its screen (panes that also move
        together); else its centre.

    Returns
    -------
    tuple of Field or None
        Out until both slides are seen whole, in until the pixels of one are as large as may
        be: both stop together, or they would drift apart.
    """
    there = [(f, s) for f, s in zip(fields, screens, strict=True) if f is not None]
    if not there:
        return fields
    bounds = [(f.limits(s), f.pixel) for f, s in there]
    lowest = max(low / pixel for (low, _), pixel in bounds)
    highest = max(high / pixel for (_, high), pixel in bounds)
    # What is beyond a bound already (a smaller pane) may come back, not go further.
    factor = min(max(factor, min(lowest, 1.0)), max(highest, 1.0))
    found: list[Field | None] = []
    for i, field in enumerate(fields):
        about = anchor if i == leader or both_anchored else (0.0, 0.0)
        found.append(None if field is None else field.scaled(field.pixel * factor, *about))
    return found[0], found[1]


def moved_together(
    fields: tuple[Field | None, Field | None], by: tuple[float, float], leader: int, linked: bool
) -> tuple[Field | None, Field | None]:
    """Move one pane by so many screen pixels, and the other by as many µm if they are linked.

    Right and down are the screen's, whichever way each of the slides lies.
    """
    found: list[Field | None] = []
    for i, field in enumerate(fields):
        moves = field is not None and (linked or i == leader)
        found.append(field.moved(*by) if field is not None and moves else field)
    return found[0], found[1]


def same_scale(
    fields: tuple[Field | None, Field | None], leader: int
) -> tuple[Field | None, Field | None]:
    """Give the other pane the leader's µm per screen pixel, where both know theirs."""
    one, other = fields[leader], fields[1 - leader]
    if one is None or other is None or one.mpp is None or other.mpp is None:
        return fields
    matched = other.scaled(one.pixel)
    return (one, matched) if leader == 0 else (matched, one)


def view_index(downsamples: tuple[float, ...], step: float) -> int:
    """Which view level to draw: the coarsest that is fine enough for the screen.

    Parameters
    ----------
    downsamples
        Level-0 pixels per pixel of each view level, from fine to coarse.
    step
        Level-0 pixels per pixel of the screen.
    """
    fitting = [i for i, down in enumerate(downsamples) if down <= step * 1.001]
    return max(fitting, default=0)
