"""More figures of a cross-validated model, each of held-out slides only.

What `core.evaluation` gives at every training is joined here by ranking (AUC), calibration,
selective accuracy, geometry of the embeddings, robustness to the centre, and an exact test
between two models. Where a figure does not exist, a sentence says why.
"""

from __future__ import annotations

from napari_lookalike.core.measures.answers import Answers
from napari_lookalike.core.measures.every import every_figure
from napari_lookalike.core.measures.paired import permutation_test

__all__ = ["Answers", "every_figure", "permutation_test"]
