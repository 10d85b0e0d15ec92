"""Which pairs count as marked: as the rule says that several marks of one pair count."""

from pathlib import Path

import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives import PairMark
from napari_lookalike.core.pipeline.mark_weights import marked_pairs

CLASSES = ("alpha", "beta", "gamma")
COHORT = Cohort(
    tuple(
        SlideRecord(name, Path(f"{name}.svs"), label=label)
        for name, label in (("S1", "alpha"), ("S2", "beta"), ("S3", "gamma"))
    )
)
BY_ONE = PairMark(slide_a="S1", slide_b="S2", expert="Dr A")
BY_TWO = (
    PairMark(slide_a="S1", slide_b="S3", expert="Dr A"),
    PairMark(slide_a="S3", slide_b="S1", expert="Dr B"),
)


@pytest.mark.parametrize(
    ("rule", "pairs"),
    [
        ("max", [("alpha", "beta"), ("alpha", "gamma")]),
        ("share", [("alpha", "beta"), ("alpha", "gamma")]),
        ("agreed", [("alpha", "gamma")]),  # nothing is learnt of what one expert alone says
    ],
)
def test_a_pair_without_weight_is_not_marked(rule, pairs):
    assert marked_pairs(COHORT, (BY_ONE, *BY_TWO), CLASSES, rule) == pairs
