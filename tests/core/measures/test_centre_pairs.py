"""Whether a pair lies near each other by its centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.core.measures.answers import make_answers

from napari_lookalike.core.heldout import unit
from napari_lookalike.core.measures.centre_pairs import LEAST_SLIDES, centre_links


def two_classes(by_centre, n=60, seed=0, per_patient=1):
    """Two classes that overlap; ``by_centre``: how much the centre shifts every slide."""
    rng = np.random.default_rng(seed)
    made = make_answers(seed, n=n, e=8, per_patient=per_patient, classes=("A", "B"))
    y = np.arange(n) // per_patient % 2
    centre = np.arange(n) // (2 * per_patient) % 3
    z = rng.normal(size=(n, 8)) + 0.5 * np.eye(8)[y] + by_centre * np.eye(8)[2 + centre]
    held = replace(made.held, y=y.astype(np.int64))
    names = tuple(f"C{c}" for c in centre)
    return replace(made, held=held, embeddings=unit(z), centre=names)


def test_a_pair_that_is_near_by_its_centre_is_found():
    (link,) = centre_links(two_classes(4.0), [("B", "A")])
    assert (link.a, link.b, link.slides) == ("A", "B", 60)
    assert link.explained
    assert link.same > 0.8
    assert link.expected == pytest.approx(1 / 3, abs=0.05)
    assert link.p <= 0.002


def test_a_pair_whose_centres_play_no_part_is_left_alone():
    flagged = [centre_links(two_classes(0.0, seed=s), [("A", "B")])[0] for s in range(40)]
    assert sum(link.explained for link in flagged) <= 3
    assert np.mean([link.p for link in flagged]) == pytest.approx(0.5, abs=0.15)


def test_the_share_equals_a_plain_loop():
    answers = two_classes(1.0, n=30, per_patient=2)
    z, y, patient = answers.embeddings, answers.held.y, answers.held.patient
    hits = []
    for i in range(30):
        others = [j for j in range(30) if y[j] != y[i] and patient[j] != patient[i]]
        others.sort(key=lambda j: -z[i] @ z[j])
        hits += [answers.centre[j] == answers.centre[i] for j in others[:3]]
    (link,) = centre_links(answers, [("A", "B")])
    assert link.same == pytest.approx(np.mean(hits))


def test_what_cannot_be_judged_is_left_out():
    answers = two_classes(1.0)
    assert centre_links(answers, [("A", "A"), ("A", "gone")]) == ()
    assert centre_links(replace(answers, centre=("C",) * 60), [("A", "B")]) == ()
    few = ("C0", "C1") * (LEAST_SLIDES - 2) + ("",) * (60 - 2 * LEAST_SLIDES + 4)
    assert centre_links(replace(answers, centre=few), [("A", "B")]) == ()


def test_several_pairs_ask_for_more():
    answers = two_classes(0.9, seed=3)
    (alone,) = centre_links(answers, [("A", "B")])
    assert alone.p < 0.5
    twice = centre_links(answers, [("A", "B"), ("B", "A")])
    assert len(twice) == 1
