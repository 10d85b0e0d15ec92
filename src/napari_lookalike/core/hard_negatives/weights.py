"""From the table to what a loss reads; no loss knows about the table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.hard_negatives.columns import PairMark, version_of
from napari_lookalike.core.hard_negatives.on_bags import BagEvidence

Rule = Literal["max", "mean", "agreed", "share"]
RULES: Mapping[Rule, str] = {
    "max": "the strongest mark counts",
    "mean": "the mean of the marks counts",
    "agreed": "only marks that are agreed, or that two experts made, count",
    "share": "the mean over all experts counts, with 0 for those who did not mark it",
}
"""How several marks of one pair become one strength, in words."""


@dataclass(frozen=True, eq=False)
class PairWeights:
    """Strengths that steer the expert-guided loss.

    Parameters
    ----------
    classes
        Class names.
    class_strength
        float32 (n_classes, n_classes), symmetric, zero diagonal, each in [0, 1].
        Zero means "not marked", which is not the same as "not confusable".
    slide_strength
        (slide_id, slide_id), sorted -> strength in [0, 1]: overrides the class pair's.
    table_version
        Version of the table that these came from.
    left_out
        Marks not used, and why (say "touches a test patient"): sentence -> count.
    evidence
        slide_id -> tiles that an expert pointed at (`on_bags.evidence_for`).
    """

    classes: tuple[str, ...]
    class_strength: NDArray[np.float32]
    slide_strength: Mapping[tuple[str, str], float] = field(default_factory=dict)
    table_version: str = "empty"
    left_out: Mapping[str, int] = field(default_factory=dict)
    evidence: Mapping[str, BagEvidence] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing is marked."""
        return not self.slide_strength and not bool(np.any(self.class_strength))

    @staticmethod
    def none(classes: tuple[str, ...]) -> PairWeights:
        """No marks at all: the expert-guided loss is then plain SupCon."""
        n = len(classes)
        return PairWeights(classes, np.zeros((n, n), np.float32))


def aggregate(
    rows: Iterable[PairMark],
    classes: tuple[str, ...],
    label_of: Mapping[str, str] | Callable[[str], str],
    *,
    rule: Rule = "max",
    experts: Collection[str] | None = None,
) -> NDArray[np.float32]:
    """Marks of slide pairs and subtype pairs as strengths of subtype pairs.

    A slide pair counts for the subtypes that its slides have *now*, not for those that
    they had when they were marked. Retired rows do not count; nor do pairs of which a
    side has no label, a label that is not in ``classes``, or both the same label.

    Parameters
    ----------
    rows
        Rows of the table.
    classes
        Class names, in the order of the result.
    label_of
        slide_id -> label ("" or absent if there is none).
    rule
        How several marks of the same pair of subtypes count (`RULES`): as the strongest
        ("max"), as their mean ("mean"), as the strongest if one is agreed or two experts
        made them and as nothing otherwise ("agreed"), or as the mean over experts of each
        one's strongest, 0 for those without ("share").
    experts
        Who counts for "share"; ``None`` = those of the used rows.

    Returns
    -------
    ndarray of float32 (n_classes, n_classes)
        Symmetric, zero diagonal, in [0, 1].
    """
    label = label_of if callable(label_of) else lambda slide_id: label_of.get(slide_id, "")
    index = {name: i for i, name in enumerate(classes)}
    rows = [row for row in rows if row.active]
    experts = experts_of(rows) if experts is None else experts
    of_pair: dict[tuple[int, int], list[PairMark]] = {}
    for row in rows:
        a, b = row.sides if row.level == "subtype" else (label(row.slide_a), label(row.slide_b))
        if a != b and a in index and b in index:
            i, j = sorted((index[a], index[b]))
            of_pair.setdefault((i, j), []).append(row)
    matrix = np.zeros((len(classes), len(classes)), np.float32)
    for (i, j), marks in of_pair.items():
        matrix[i, j] = matrix[j, i] = combined(marks, rule, experts)
    return matrix


def experts_of(rows: Iterable[PairMark]) -> frozenset[str]:
    """Who made a mark that is used."""
    return frozenset(row.expert for row in rows if row.active)


def combined(marks: Sequence[PairMark], rule: Rule, experts: Collection[str]) -> float:
    """One strength of several marks of one pair.

    Parameters
    ----------
    marks
        Used marks, one at least.
    rule
        See `aggregate`.
    experts
        Who counts for "share".

    Returns
    -------
    float
        0 to 1.
    """
    strengths = [mark.strength for mark in marks]
    if rule == "mean":
        return math.fsum(strengths) / len(strengths)
    strongest = dict[str, float]()
    for mark in marks:
        strongest[mark.expert] = max(strongest.get(mark.expert, 0.0), mark.strength)
    if rule == "share":
        return math.fsum(strongest.values()) / max(len(experts), len(strongest))
    if rule == "agreed":
        agreed = [mark.strength for mark in marks if mark.status == "agreed"]
        two = sum(value > 0 for value in strongest.values()) > 1
        return max(strengths if two else agreed, default=0.0)
    return max(strengths)


def weights_for(
    rows: Iterable[PairMark],
    cohort: Cohort,
    classes: tuple[str, ...],
    *,
    without_patients: Collection[str] = (),
    rule: Rule = "max",
) -> PairWeights:
    """What a model may learn from the table.

    A mark of two slides was made by looking at them. Where one of them is a test slide,
    the mark would carry knowledge of the test set into the training, so it is left out,
    and the subtype strengths come from the other marks only. A mark of two subtypes is
    general knowledge and always counts.

    Parameters
    ----------
    rows
        Rows of the table.
    cohort
        Slides with their present labels.
    classes
        The model's classes.
    without_patients
        Patients (``SlideRecord.group``) of the test set of this fold.
    rule
        See `aggregate`.

    Returns
    -------
    PairWeights
        With every mark that was left out counted under its reason.
    """
    rows = tuple(rows)
    hidden = frozenset(without_patients)
    used: list[PairMark] = []
    left_out: Counter[str] = Counter()
    of_slides: dict[tuple[str, str], list[PairMark]] = {}
    for row in rows:
        if not row.active:
            continue
        reason = _why_left_out(row, cohort, classes, hidden)
        if reason:
            left_out[reason] += 1
            continue
        used.append(row)
        if row.level == "slide":
            first, second = sorted(row.sides)
            of_slides.setdefault((first, second), []).append(row)
    experts = experts_of(rows)
    slide_strength = {k: combined(v, rule, experts) for k, v in of_slides.items()}
    if rule == "agreed":  # not agreed on is not marked, and must not override the subtypes'
        slide_strength = {k: v for k, v in slide_strength.items() if v > 0}
    label_of = {slide.slide_id: slide.label for slide in cohort}
    matrix = aggregate(used, classes, label_of, rule=rule, experts=experts)
    return PairWeights(classes, matrix, slide_strength, version_of(rows), dict(left_out))


def _why_left_out(
    row: PairMark, cohort: Cohort, classes: tuple[str, ...], hidden: frozenset[str]
) -> str:
    if row.level == "subtype":
        known = row.subtype_a in classes and row.subtype_b in classes
        return "" if known else "names a subtype that the model does not know"
    if row.slide_a not in cohort or row.slide_b not in cohort:
        return "joins a slide that is no longer in the project"
    a, b = cohort[row.slide_a], cohort[row.slide_b]
    if a.excluded or b.excluded:
        return "joins a slide that is excluded"
    if a.label not in classes or b.label not in classes:
        return "joins a slide without a subtype that the model knows"
    if a.label == b.label:
        return "joins two slides that have the same subtype now"
    if hidden & {a.group, b.group, a.patient_id, b.patient_id}:
        return "touches a test patient"
    return ""


def margin_cosine(strength: float, gamma: float, tau: float) -> float:
    """How much further apart, in cosine, a mark asks its pair to be.

    A negative weighted ``w = 1 + (gamma - 1) * strength`` inside the contrastive loss
    is the same as one whose cosine similarity is ``tau * ln(w)`` higher.

    Parameters
    ----------
    strength
        Of the mark, 0 to 1.
    gamma
        Weight of a mark of strength 1.
    tau
        Temperature of the contrastive loss.
    """
    return tau * math.log1p((gamma - 1.0) * strength)


def reveal(weights: PairWeights, gamma: float, tau: float) -> tuple[str, ...]:
    """What the table asks of the model, in sentences: pairs of subtypes, then what is left out.

    Parameters
    ----------
    weights
        From `weights_for`.
    gamma, tau
        As in `TrainConfig`.
    """
    sentences = []
    names = weights.classes
    for i, j in np.argwhere(np.triu(weights.class_strength) > 0):
        strength = float(weights.class_strength[i, j])
        sentences.append(
            f"{names[i]} and {names[j]} (strength {strength:.2g}) are asked to be "
            f"{margin_cosine(strength, gamma, tau):.2f} further apart in cosine."
        )
    sentences += [
        f"{count} {'mark' if count == 1 else 'marks'} not used: {reason}."
        for reason, count in weights.left_out.items()
    ]
    return tuple(sentences) or ("Nothing is marked: the loss is plain supervised contrastive.",)
