"""Whether two subtypes lie near each other because of their centre.

Two subtypes may look alike to a model because their slides come from one scanner and one
staining. Then the slides of the other subtype that are nearest to a slide come from its own
centre more often than that subtype's slides do in general.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.measures.answers import Answers

NEAREST = 3
"""Slides of the other subtype that are looked at, per slide."""
RESAMPLES = 999
LEAST_SLIDES = 6
"""Of each of the two subtypes, with a known centre; else nothing is said."""
LEVEL, LEAST_EXCESS = 0.05, 0.15
"""It is said if p, times the number of pairs looked at, is below the level, and the share is
above what would be expected by at least so much: a small excess explains nothing."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CentreLink:
    """What the centre has to do with the nearness of two subtypes.

    Parameters
    ----------
    a, b
        The subtypes.
    slides
        How many slides were looked at.
    same
        Share of a slide's nearest slides of the other subtype that come from its centre.
    expected
        The same share if the centre played no part.
    p
        Share of shuffles of the centres (among the patients of a subtype) with as large a
        share: one-sided permutation test.
    explained
        Whether to say that the centre explains the nearness, several pairs considered.
    """

    a: str
    b: str
    slides: int
    same: float
    expected: float
    p: float
    explained: bool = False


def centre_links(
    answers: Answers, pairs: Iterable[tuple[str, str]], seed: int = 0
) -> tuple[CentreLink, ...]:
    """Look at pairs of subtypes; those that cannot be judged are left out.

    A pair can be judged if each of the two has `LEAST_SLIDES` slides with a known centre,
    and at least one of the two comes from more than one.

    Parameters
    ----------
    answers
        Held-out answers.
    pairs
        Names of subtypes.
    seed
        Of the shuffles.
    """
    rng = np.random.default_rng(seed)
    names = sorted({c for c in answers.centre if c})
    number = {name: i for i, name in enumerate(names)}
    centre = np.array([number.get(c, -1) for c in answers.centre], np.int64)
    classes = answers.held.classes
    found = []
    for a, b in dict.fromkeys(tuple(sorted(pair)) for pair in pairs):
        if a != b and a in classes and b in classes:
            link = _link(answers, centre, (classes.index(a), classes.index(b)), rng)
            if link is not None:
                found.append(link)
    return tuple(
        CentreLink(x.a, x.b, x.slides, x.same, x.expected, x.p, _explained(x, len(found)))
        for x in found
    )


def _explained(link: CentreLink, n_pairs: int) -> bool:
    return link.p * n_pairs < LEVEL and link.same - link.expected >= LEAST_EXCESS


def _link(
    answers: Answers, centre: Ints, pair: tuple[int, int], rng: np.random.Generator
) -> CentreLink | None:
    y = answers.held.y
    rows = [np.flatnonzero((y == c) & (centre >= 0)) for c in pair]
    if min(len(r) for r in rows) < LEAST_SLIDES:
        return None
    if all(len(np.unique(centre[r])) < 2 for r in rows):
        return None
    observed, shuffled, weights = [], [], []
    for own, other in (rows, rows[::-1]):
        near = _nearest(answers, own, other)
        observed.append(float((centre[other][near] == centre[own][:, None]).mean()))
        drawn = _shuffles(answers.held.patient[other], centre[other], rng)
        shuffled.append((drawn[:, near] == centre[own][None, :, None]).mean(axis=(1, 2)))
        weights.append(len(own))
    same = float(np.average(observed, weights=weights))
    by_chance = np.average(shuffled, axis=0, weights=weights)
    p = float((1 + (by_chance >= same - 1e-12).sum()) / (1 + RESAMPLES))
    a, b = (answers.held.classes[c] for c in pair)
    return CentreLink(a, b, sum(weights), same, float(by_chance.mean()), p)


def _nearest(answers: Answers, own: Ints, other: Ints) -> Ints:
    """(n_own, k) positions in ``other`` of each slide's nearest, its own patient's left out."""
    z, patient = answers.embeddings, answers.held.patient
    similarity = z[own] @ z[other].T
    similarity[patient[own][:, None] == patient[other][None]] = -np.inf
    k = min(NEAREST, len(other))
    return np.asarray(np.argsort(-similarity, axis=1, kind="stable")[:, :k], np.int64)


def _shuffles(patient: Ints, centre: Ints, rng: np.random.Generator) -> Ints:
    """(RESAMPLES, n) the centres after shuffling them among patients, each kept whole."""
    names, first, of = np.unique(patient, return_index=True, return_inverse=True)
    order = np.argsort(rng.random((RESAMPLES, len(names))), axis=1)
    return np.asarray(centre[first][order][:, of], np.int64)
