"""The expert's table of look-alikes.

`columns` declares the columns, `table` keeps the rows (`sqlite`, `postgres`), with the answers
to suggestions (`answers`, `answer_store`); `log` tells of every change and `replay` makes the
table of it again, `csv_io` brings rows in and out, and `weights` turns them into what the
expert-guided loss reads.
"""

from napari_lookalike.core.hard_negatives.agreement import (
    Agreement,
    Disagreement,
    agreement,
    disagreements,
)
from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.columns import PairMark, columns, version_of
from napari_lookalike.core.hard_negatives.csv_io import ImportReport, export_csv, import_csv
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.log import LogEntry
from napari_lookalike.core.hard_negatives.merge import MergeReport, merge
from napari_lookalike.core.hard_negatives.replay import differences, replay
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.hard_negatives.weights import (
    RULES,
    PairWeights,
    aggregate,
    margin_cosine,
    reveal,
    weights_for,
)

__all__ = [
    "RULES",
    "Agreement",
    "Decision",
    "Disagreement",
    "EvidenceTile",
    "HardNegativeTable",
    "ImportReport",
    "LogEntry",
    "MergeReport",
    "PairMark",
    "PairWeights",
    "aggregate",
    "agreement",
    "columns",
    "differences",
    "disagreements",
    "export_csv",
    "import_csv",
    "margin_cosine",
    "merge",
    "replay",
    "reveal",
    "version_of",
    "weights_for",
]
