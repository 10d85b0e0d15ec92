"""Two slides side by side: which tiles of one look like tiles of the other."""

from napari_lookalike.core.twin.compare import Comparison, SideTiles, compare_slides
from napari_lookalike.core.twin.matching import Match, best_matches, candidates

__all__ = [
    "Comparison",
    "Match",
    "SideTiles",
    "best_matches",
    "candidates",
    "compare_slides",
]
