"""Kappa against worked examples, and what experts have yet to settle."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    agreement,
    disagreements,
)
from napari_lookalike.core.hard_negatives.agreement import cohen_kappa, fleiss_kappa

CLASSES = ("A", "B", "C")


def of_subtypes(expert, a, b, strength=1.0, **more):
    return PairMark(
        level="subtype", subtype_a=a, subtype_b=b, strength=strength, expert=expert, **more
    )


def test_cohen_on_a_worked_example():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: agreement 0.7, by chance 0.5.
    a = [True] * 25 + [False] * 25
    b = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert cohen_kappa(a, b) == pytest.approx(0.4)
    assert cohen_kappa(a, a) == 1.0
    assert math.isnan(cohen_kappa([True] * 3, [True] * 3))
    assert math.isnan(cohen_kappa([], []))


def test_fleiss_on_a_worked_example():
    # Ten items, fourteen raters, five categories: the example that textbooks print, 0.210.
    counts = np.array([
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ])  # fmt: skip
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)
    assert math.isnan(fleiss_kappa(np.array([[2, 0], [2, 0]])))
    assert math.isnan(fleiss_kappa(np.array([[1, 0], [0, 1]])))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_fleiss_of_two_raters_is_scotts_pi(pairs):
    counts = np.array([[a + b, 2 - a - b] for a, b in pairs])
    share = np.mean([a for pair in pairs for a in pair])
    chance = share**2 + (1 - share) ** 2
    found = fleiss_kappa(counts)
    if chance == 1:
        assert math.isnan(found)
    else:
        agreed = np.mean([a == b for a, b in pairs])
        assert found == pytest.approx((agreed - chance) / (1 - chance))


def test_agreement_counts_pairs_of_subtypes_by_present_labels():
    rows = [
        of_subtypes("Dr A", "A", "B"),
        PairMark(slide_a="s1", slide_b="s2", expert="Dr B"),  # A and B now
        of_subtypes("Dr C", "A", "C"),
        of_subtypes("Dr C", "A", "B", 0.0),  # looked at, and not alike
        of_subtypes("Dr D", "A", "B", status="retired"),
    ]
    found = agreement(rows, CLASSES, {"s1": "B", "s2": "A"})
    assert found.experts == ("Dr A", "Dr B", "Dr C")
    assert found.n_pairs == 3
    assert found.cohen["Dr A", "Dr B"] == 1.0
    assert found.cohen["Dr A", "Dr C"] == pytest.approx(-0.5)
    assert found.fleiss == pytest.approx((5 / 9 - 5 / 9) / (4 / 9))
    one = agreement(rows[:1], CLASSES, {})
    assert (one.cohen, math.isnan(one.fleiss)) == ({}, True)
    assert math.isnan(agreement([], CLASSES, {}).fleiss)


def test_what_is_yet_to_settle(tmp_path):
    table = HardNegativeTable(tmp_path / "marks.sqlite")
    seen = table.add(replace(of_subtypes("Dr A", "A", "B"), reason="pale"))
    table.update(1, by="Dr B", reason="clear")
    table.update(1, by="Dr A", seen=seen, reason="dark")
    table.add(of_subtypes("Dr A", "A", "C", 0.9))
    table.add(of_subtypes("Dr B", "C", "A", 0.0))
    table.add(of_subtypes("Dr A", "B", "C", 0.9))
    table.add(of_subtypes("Dr B", "B", "C", 0.3))
    table.add(of_subtypes("Dr C", "B", "C", 0.1, status="retired"))
    table.add_evidence(EvidenceTile(mark=2, slide_id="S1", size=9, expert="Dr A"))
    table.second_opinion(1, "Dr B", "disputed")
    rows, tiles, _ = table.held()
    assert [(d.marks, d.what) for d in disagreements(rows, tiles, table.log())] == [
        ((1,), "A and B: Dr A wanted reason 'dark' instead of 'clear'."),
        ((2, 3), "A and C: look alike to Dr A and not to Dr B."),
        ((4, 5), "B and C: strength 0.90 by Dr A and 0.30 by Dr B."),
        ((2,), "Dr B disputes a tile of S1 that Dr A calls diagnostic."),
    ]
    table.update(1, by="Dr A", status="agreed")
    assert disagreements(table.rows()[:1], (), table.log()) == ()
