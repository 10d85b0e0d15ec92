"""Which tiles a person may want to see next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari_lookalike.core.slides.view_levels import ViewLevel

Box = tuple[int, int, int, int]
"""(x, y, width, height) in pixels of a view level."""

Place = tuple[int, int, int]


def places_in(levels: Sequence[ViewLevel], index: int, box: Box) -> list[Place]:
    """Tiles (view level, column, row) under a box, nearest to its centre first."""
    view = levels[index]
    x, y, width, height = box
    first_column, first_row = max(0, x // view.tile_width), max(0, y // view.tile_height)
    last_column = min(view.columns - 1, (x + width - 1) // view.tile_width)
    last_row = min(view.rows - 1, (y + height - 1) // view.tile_height)
    centre_x = (x + width / 2) / view.tile_width - 0.5
    centre_y = (y + height / 2) / view.tile_height - 0.5
    places = [
        (index, column, row)
        for row in range(first_row, last_row + 1)
        for column in range(first_column, last_column + 1)
    ]
    return sorted(places, key=lambda p: (p[1] - centre_x) ** 2 + (p[2] - centre_y) ** 2)


def next_view(
    levels: Sequence[ViewLevel], index: int, box: Box, before: tuple[int, Box] | None
) -> list[Place]:
    """Tiles under the view if it went on as it did; none if it jumped or stood.

    Parameters
    ----------
    levels
        View levels.
    index, box
        What is on the screen.
    before
        What was on the screen before: ``(index, box)``.

    Returns
    -------
    list of tuple of int
        As far again if it moved; the next level about the centre if it came to this one by
        zooming, and what surrounds the view if it cannot go closer: there it will move.
    """
    if before is None:
        return []
    if before[0] != index:
        further = index + (1 if index > before[0] else -1)
        if further < 0:
            return places_in(levels, index, _with_rim(levels, index, box))
        if further == len(levels):
            return []
        spread = 2.0 if further > index else 0.5
        return places_in(levels, further, _scaled(levels, box, index, further, spread))
    x, y, width, height = box
    dx, dy = x - before[1][0], y - before[1][1]
    if (dx, dy) == (0, 0) or abs(dx) > width or abs(dy) > height:
        return []
    return places_in(levels, index, (x + dx, y + dy, width, height))


def look_ahead(
    levels: Sequence[ViewLevel], index: int, box: Box, before: tuple[int, Box] | None
) -> Iterator[Place]:
    """Tiles to make when the view is complete, the likeliest first; they may repeat.

    Parameters
    ----------
    levels, index, box, before
        As for `next_view`.

    Yields
    ------
    tuple of int
        (view level, column, row): first where the view would move to if it went on as it
        did, then one level coarser, one level finer, and a rim around the view.
    """
    x, y, width, height = box
    further = next_view(levels, index, box, before)
    yield from further
    if before is not None and before[0] == index and further:
        dx, dy = x - before[1][0], y - before[1][1]
        yield from places_in(levels, index, (x + 2 * dx, y + 2 * dy, width, height))
    if index + 1 < len(levels):
        yield from places_in(levels, index + 1, _scaled(levels, box, index, index + 1, 2.0))
    if index > 0:
        yield from places_in(levels, index - 1, _scaled(levels, box, index, index - 1, 0.5))
    yield from places_in(levels, index, _with_rim(levels, index, box))


def _with_rim(levels: Sequence[ViewLevel], index: int, box: Box) -> Box:
    """A box, a tile larger on every side."""
    x, y, width, height = box
    rim_x, rim_y = levels[index].tile_width, levels[index].tile_height
    return x - rim_x, y - rim_y, width + 2 * rim_x, height + 2 * rim_y


def _scaled(levels: Sequence[ViewLevel], box: Box, index: int, other: int, spread: float) -> Box:
    """A box in another view level, made ``spread`` times as large around its centre."""
    x, y, width, height = box
    factor_x = levels[other].width / levels[index].width
    factor_y = levels[other].height / levels[index].height
    centre_x, centre_y = (x + width / 2) * factor_x, (y + height / 2) * factor_y
    wide, high = max(1.0, width * factor_x * spread), max(1.0, height * factor_y * spread)
    return int(centre_x - wide / 2), int(centre_y - high / 2), int(wide), int(high)
