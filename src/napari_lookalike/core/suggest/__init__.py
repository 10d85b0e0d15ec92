"""Which pairs an expert should look at next, and which slides: pure, without torch.

`find_hints` gathers what speaks for a pair; `rank` makes one list of it; `coverage` says
which confusions nobody has looked at; `review_next` chooses slides to review;
`decisions` reads what was accepted, rejected or put off.
"""

from napari_lookalike.core.suggest.coverage import Coverage, PairCoverage, coverage
from napari_lookalike.core.suggest.decisions import (
    Decision,
    append_decision,
    latest,
    read_decisions,
)
from napari_lookalike.core.suggest.everything import Found, look
from napari_lookalike.core.suggest.find import find_hints
from napari_lookalike.core.suggest.material import Material, gather
from napari_lookalike.core.suggest.rank import SOURCE_WEIGHTS, rank
from napari_lookalike.core.suggest.review import ReviewPlan, review_next
from napari_lookalike.core.suggest.textbook import Textbook, read_textbook
from napari_lookalike.core.suggest.types import Hint, Hints, Suggestion

__all__ = [
    "SOURCE_WEIGHTS",
    "Coverage",
    "Decision",
    "Found",
    "Hint",
    "Hints",
    "Material",
    "PairCoverage",
    "ReviewPlan",
    "Suggestion",
    "Textbook",
    "append_decision",
    "coverage",
    "find_hints",
    "gather",
    "latest",
    "look",
    "rank",
    "read_decisions",
    "read_textbook",
    "review_next",
]
