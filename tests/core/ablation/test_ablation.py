"""The grid, the shuffled table, and above all what is concluded from the intervals."""

import json

import numpy as np
import pytest
from tests.core.test_evaluation import Y, make_cv

from napari_lookalike.core.ablation.grid import LAMBDAS, TAUS, Run, planned
from napari_lookalike.core.ablation.outcome import summary
from napari_lookalike.core.ablation.shuffled import shuffled_rows
from napari_lookalike.core.ablation.verdict import outcome, verdict
from napari_lookalike.core.evaluation import compare, evaluate
from napari_lookalike.core.hard_negatives import PairMark, aggregate

ALL = ("supcon", "expert", "shuffled")


def test_the_grid_is_the_papers_and_every_setting_has_its_controls():
    runs = planned(LAMBDAS, TAUS, (1.0, 0.1), ALL)
    assert len(runs) == len(set(runs)) == len({r.name for r in runs})
    assert {r.lam for r in runs} == {0, 0.05, 0.1, 0.2, 0.5, 1.0}
    assert sum(r.arm == "ce" for r in runs) == 1
    for run in runs:
        if run.arm == "expert" and run.lam:
            assert Run("supcon", run.lam, run.tau) in runs
            assert Run("shuffled", run.lam, run.tau) in runs
    assert len(runs) == 1 + 5 * 3 * 3 + 2
    # what is judged comes first, so a cancelled ablation has it
    assert set(runs[:4]) == {Run("ce", 0.0, 0.1)} | {Run(a, 1.0, 0.1) for a in ALL}


def test_the_projects_own_setting_is_in_the_grid_whether_named_or_not():
    runs = planned([0.1], [0.2], (0.7, 0.15), ("supcon",))
    assert Run("supcon", 0.7, 0.15) in runs
    assert Run("supcon", 0.7, 0.2) in runs


# -- the shuffled table ----------------------------------------------------------------

SLIDES = {c: [f"{c}{i}" for i in range(4)] for c in "ABCD"}
LABELS = {s: c for c, slides in SLIDES.items() for s in slides}


def subtype(a, b, **kw):
    return PairMark(level="subtype", subtype_a=a, subtype_b=b, **kw)


def slides(a, b, **kw):
    return PairMark(slide_a=a, slide_b=b, subtype_a=LABELS[a], subtype_b=LABELS[b], **kw)


@pytest.mark.parametrize("seed", range(8))
def test_a_shuffled_table_marks_other_pairs_as_strongly(seed):
    rows = [subtype("A", "B", strength=0.5), slides("A0", "B1", strength=0.9)]
    moved, note = shuffled_rows(rows, [("A", "B")], SLIDES, LABELS, seed)
    assert note == ""
    assert [r.strength for r in moved] == [0.5, 0.9]
    assert {r.level for r in moved} == {"subtype", "slide"}
    was, now = (aggregate(r, tuple("ABCD"), LABELS) for r in (rows, moved))
    assert not (was * now).any()
    assert sorted(was[was > 0]) == pytest.approx(sorted(now[now > 0]))
    assert shuffled_rows(rows, [("A", "B")], SLIDES, LABELS, seed) == (moved, note)


def test_the_seed_chooses_the_pairs():
    found = {
        tuple(
            sorted(shuffled_rows([subtype("A", "B")], [("A", "B")], SLIDES, LABELS, s)[0][0].sides)
        )
        for s in range(12)
    }
    assert len(found) > 1
    assert ("A", "B") not in found


def test_pairs_that_cannot_move_are_said():
    two = {"A": ["A0"], "B": ["B0"]}
    moved, note = shuffled_rows([subtype("A", "B")], [("A", "B")], two, LABELS, 0)
    assert moved == ()
    assert "the same table" in note
    three = {c: SLIDES[c] for c in "ABC"}
    marked = [("A", "B"), ("A", "C")]
    moved, note = shuffled_rows([subtype(*p) for p in marked], marked, three, LABELS, 0)
    assert len(moved) == 2
    assert "1 of the 2 pairs stay" in note
    assert shuffled_rows([], [], SLIDES, LABELS, 0)[0] == ()


def test_many_subtypes_are_shuffled_in_time():
    names = [f"c{i:02d}" for i in range(12)]
    many = {n: [n] for n in names}
    moved, note = shuffled_rows([subtype("c00", "c01")], [("c00", "c01")], many, {}, 0)
    assert len(moved) == 1 and not note


# -- what came out ---------------------------------------------------------------------

PAIRS = [("A", "B")]


def metrics(confused):
    """So many of 20 slides of A are taken for B."""
    said = np.array(Y)
    said[:confused] = 1
    return evaluate(make_cv(Y, said), PAIRS)


def summed(ce=12, supcon=8, expert=8, shuffled=8):
    runs = {Run("ce", 0.0, 0.1): metrics(ce), Run("supcon", 0.2, 0.1): metrics(supcon + 1)}
    for arm, n in (("supcon", supcon), ("expert", expert), ("shuffled", shuffled)):
        if n is not None:
            runs[Run(arm, 1.0, 0.1)] = metrics(n)
    return summary(runs, PAIRS, (1.0, 0.1), 0)


def test_the_figures_of_a_run_are_those_of_its_slides():
    found = summed()
    ce = next(r for r in found["runs"] if r["arm"] == "ce")
    assert ce["confusion"]["value"] == pytest.approx(12 / 40)
    assert ce["balanced_accuracy"] == metrics(12)["balanced_accuracy"]
    assert ce["margin"] == metrics(12)["pairs"]["A | B"]["margin"]
    wanted = compare(metrics(8), metrics(8), PAIRS)
    assert found["comparisons"]["expert against supcon"] == wanted
    assert found["best_supcon"] == {"lambda": 1.0, "tau": 0.1}
    json.dumps(found, allow_nan=False)


def test_an_answer_that_is_no_answer_is_called_a_negative_result():
    said = verdict(summed())
    assert said[0].startswith("Negative result: it is not shown that the marks help")
    text = " ".join(said)
    assert "less than cross-entropy alone" not in text or "says nothing about the marks" in text


def test_better_than_supcon_but_not_than_a_shuffled_table_is_a_negative_result():
    said = verdict(summed(supcon=12, expert=2, shuffled=2))
    assert said[0].startswith("Negative result")
    assert "marks of the wrong pairs" in said[0]


def test_better_than_both_is_said_without_negation():
    said = verdict(summed(ce=14, supcon=12, expert=1, shuffled=12))
    assert said[0].startswith("The marks helped")
    assert any("but so does" in s or "says nothing about the marks" in s for s in said)


def test_worse_is_said_first():
    assert "more often" in verdict(summed(supcon=1, expert=14, shuffled=3))[0]


def test_beating_cross_entropy_is_never_taken_for_proof():
    said = verdict(summed(ce=16, supcon=2, expert=2, shuffled=2))
    assert said[0].startswith("Negative result")
    sentence = next(s for s in said if "cross-entropy alone" in s)
    assert "so does a shuffled table and SupCon" in sentence
    assert "says nothing about the marks" in sentence


def test_without_a_shuffled_table_nothing_is_proved():
    said = verdict(summed(supcon=12, expert=1, shuffled=None))
    assert said[0].startswith("Negative result")
    assert any("no shuffled table" in s for s in said)


def test_nothing_marked_and_nothing_done():
    assert "Nothing is marked" in verdict({**summed(), "marked_pairs": []})[0]
    assert "not done yet" in verdict(summed(expert=None))[0]


def test_many_settings_are_counted_with_what_chance_gives():
    cell = {"confusion": {"value": -0.1, "low": -0.2, "high": -0.05}}
    flat = {"confusion": {"value": 0.0, "low": -0.2, "high": 0.2}}
    text = verdict({**summed(), "cells": [cell] * 3 + [flat] * 12})[-1]
    assert "all 15 pairs" in text and "better than SupCon in 3" in text and "0.4" in text


@pytest.mark.parametrize(
    ("low", "high", "said"), [(-0.2, -0.1, "better"), (0.1, 0.2, "worse"), (-0.1, 0.1, "open")]
)
def test_outcomes(low, high, said):
    change = {"value": (low + high) / 2, "low": low, "high": high}
    assert outcome(change, lower_is_better=True) == said
    turned = {"better": "worse", "worse": "better", "open": "open"}[said]
    assert outcome(change, lower_is_better=False) == turned
    assert outcome(None, lower_is_better=True) == "unknown"
    assert outcome({"value": 0.1, "low": None, "high": None}, lower_is_better=True) == "open"
