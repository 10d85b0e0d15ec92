"""From what a model says of slides to what a person reads: a differential, a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.results import SlideResult

CASE_RULE = (
    "Mean of the log-probabilities of the patient's slides: each slide counts the same, and "
    "a subtype that one slide rules out is ruled out for the case."
)
"""How `case_prediction` puts slides together, in words."""

_FLOOR = 1e-6
"""Least probability of a slide that enters the mean: no slide alone can veto without limit."""


@dataclass(frozen=True, eq=False)
class Differential:
    """The first two subtypes and how far apart they are.

    Parameters
    ----------
    first, second
        Class names; ``second`` is empty where there is one class only.
    margin
        Probability of the first minus that of the second.
    probabilities
        (class name, probability) of all classes, most probable first.
    """

    first: str
    second: str
    margin: float
    probabilities: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class CasePrediction:
    """What the slides of one patient say together.

    Parameters
    ----------
    differential
        Of the case.
    rule
        How it was made, in words.
    slides
        slide_id -> first subtype of each slide.
    agreement
        Share of the slides whose own first subtype is the case's.
    held_out
        True if every slide was predicted by a model that never saw the patient.
    unlike
        slide_ids unlike anything in the training set.
    """

    differential: Differential
    rule: str
    slides: tuple[tuple[str, str], ...]
    agreement: float
    held_out: bool
    unlike: tuple[str, ...] = ()

    @property
    def agreement_text(self) -> str:
        """The agreement in words ("2 of 3 slides say so on their own")."""
        n = len(self.slides)
        same = round(self.agreement * n)
        if n == 1:
            return "one slide"
        return f"{same} of {n} slides {'says' if same == 1 else 'say'} so on their own"


def differential(
    result: SlideResult | NDArray[np.floating], classes: Sequence[str]
) -> Differential:
    """The differential of one slide.

    Parameters
    ----------
    result
        What a model says of the slide, or its probabilities (n_classes,).
    classes
        Class names in the order of the probabilities (``ModelResults.classes``).
    """
    p = np.asarray(result.probabilities if isinstance(result, SlideResult) else result, float)
    order = np.argsort(-p, kind="stable")
    ranked = tuple((classes[i], float(p[i])) for i in order)
    first, second = ranked[0], ranked[1] if len(ranked) > 1 else ("", 0.0)
    return Differential(first[0], second[0], first[1] - second[1], ranked)


def case_probabilities(
    probabilities: NDArray[np.floating], case: NDArray[np.integer]
) -> NDArray[np.float64]:
    """What the slides of each of many cases say together; see `CASE_RULE`.

    Parameters
    ----------
    probabilities
        (n_slides, n_classes).
    case
        (n_slides,) number of each slide's case, from 0 on, none left out.

    Returns
    -------
    ndarray of float64 (n_cases, n_classes)
        Each row sums to 1.
    """
    log_p = np.log(np.maximum(np.asarray(probabilities, np.float64), _FLOOR))
    mean = np.zeros((int(case.max(initial=-1)) + 1, log_p.shape[1]))
    np.add.at(mean, case, log_p)
    mean /= np.bincount(case)[:, None]
    together = np.exp(mean - mean.max(axis=1, keepdims=True))
    return np.asarray(together / together.sum(axis=1, keepdims=True))


def case_prediction(results: Iterable[SlideResult], classes: Sequence[str]) -> CasePrediction:
    """What all slides of a patient say together; see `CASE_RULE`.

    Parameters
    ----------
    results
        The results of the patient's slides, at least one.
    classes
        Class names in the order of the probabilities.

    Raises
    ------
    ValueError
        If there is no result.
    """
    slides = tuple(results)
    if not slides:
        raise ValueError("a case needs the result of at least one slide")
    p = np.stack([np.asarray(s.probabilities, float) for s in slides])
    whole = differential(case_probabilities(p, np.zeros(len(p), np.intp))[0], classes)
    said = tuple((s.slide_id, classes[int(s.ranking[0])]) for s in slides)
    return CasePrediction(
        differential=whole,
        rule=CASE_RULE,
        slides=said,
        agreement=sum(name == whole.first for _, name in said) / len(said),
        held_out=all(s.held_out for s in slides),
        unlike=tuple(s.slide_id for s in slides if s.is_unlike),
    )
