"""What is known of a slide that is still being embedded: plain values.

Tiles are embedded coarse to fine (`embed.order`), so that the first quarter of them is spread
over all of the tissue: its answer is an estimate of the answer of all, and not the answer of
one corner. The rest follows region by region, and regions that are done count more until all
are. How sure the estimate is, is told by how much it moves from one early answer to the next
(`Said`), never claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lookalike.core.results import SlideResult
from napari_lookalike.core.tiles import TileGrid


@dataclass(frozen=True)
class Said:
    """The gist of an early answer, to hold the next one against.

    Parameters
    ----------
    tiles
        How many tiles it came from.
    probabilities
        (n_classes,) of the model's subtypes.
    in_a_row
        How many early answers one after another, this one included, had the same first
        subtype.
    moved
        By how much the probability of its first subtype differs from the early answer
        before, 0 to 1; ``None`` for the first one.
    """

    tiles: int
    probabilities: tuple[float, ...]
    in_a_row: int = 1
    moved: float | None = None

    @property
    def first(self) -> int:
        """Index of the most probable subtype."""
        return int(np.argmax(self.probabilities))


@dataclass(frozen=True, eq=False)
class EarlyAnswer:
    """What is known of a slide that is not embedded in full.

    Parameters
    ----------
    slide_id
        The slide.
    coverage
        Share of its tiles that are embedded, 0 to 1.
    grid
        The tiles that are, as a part of the slide's grid.
    version
        The model version that was asked; empty if there is none.
    result
        What it says of these tiles; ``None`` if no model could be asked.
    said
        The gist of ``result``, and how it agrees with the early answer before.
    obstacle
        Why no model could be asked, as a sentence; empty if one was, or there is none.
    seconds
        How long reading the tiles and asking took, the model's loading left out.
    """

    slide_id: str
    coverage: float
    grid: TileGrid
    version: str = ""
    result: SlideResult | None = None
    said: Said | None = None
    obstacle: str = ""
    seconds: float = 0.0


def compared(result: SlideResult, tiles: int, before: Said | None) -> Said:
    """The gist of an early answer, held against the one before.

    Parameters
    ----------
    result
        What the model says now.
    tiles
        From how many tiles.
    before
        The gist of the answer before; ``None`` if this is the first.
    """
    now = Said(tiles, tuple(float(p) for p in result.probabilities))
    if before is None or len(before.probabilities) != len(now.probabilities):
        return now
    same = now.first == before.first
    moved = abs(now.probabilities[now.first] - before.probabilities[now.first])
    return Said(tiles, now.probabilities, before.in_a_row + 1 if same else 1, moved)
