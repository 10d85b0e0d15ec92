"""Which tiles are framed on the two slides: rows thin, what experts said of tiles bold."""

from __future__ import annotations

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.twin import Comparison
from napari_lookalike.session.twin_view import TileView, TwinView
from napari_lookalike.ui.twin.marks_paint import Frame, Look
from napari_lookalike.ui.twin.tile_list import look_of

SAYS = {"confirmed": "✓", "disputed": "✗"}


def frames_of(
    view: TwinView | None, compared: Comparison | None, row: int | None
) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """Frames of A and of B; what experts said lies above the rows.

    Parameters
    ----------
    view
        With the evidence tiles.
    compared
        With the rows.
    row
        The row that was gone to.
    """
    frames: tuple[list[Frame], list[Frame]] = ([], [])
    for n, match in enumerate(compared.rows if compared is not None else ()):
        look: Look = "chosen-row" if n == row else "row"
        if compared is not None:
            frames[0].append(Frame(compared.a.region(match.a), look, str(n + 1)))
            frames[1].append(Frame(compared.b.region(match.b), look, str(n + 1)))
    for tile in view.tiles if view is not None else ():
        frames[0 if tile.letter == "A" else 1].append(_of_tile(tile))
    return tuple(frames[0]), tuple(frames[1])


def region_of(tile: EvidenceTile) -> Region:
    """Where an evidence tile lies."""
    return Region(tile.x, tile.y, tile.size, tile.size)


def _of_tile(view: TileView) -> Frame:
    letter = "D" if view.tile.kind == "diagnostic" else "S"
    said = SAYS.get(view.tile.second_says, "")
    return Frame(region_of(view.tile), look_of(view), letter + said)
