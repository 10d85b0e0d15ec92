"""What several experts agree on, as values that a table can show: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from napari_lookalike.core.hard_negatives.agreement import Agreement, agreement, disagreements
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.log import LogEntry
from napari_lookalike.core.hard_negatives.weights import RULES
from napari_lookalike.core.signed import decimals
from napari_lookalike.session.table_rows import column

__all__ = ["RULES", "AgreementView", "OpenPoint", "resolve_agreement"]

ALONE = "One expert has marked so far, so there is no agreement to show."
MEANING = (
    "Kappa: 1 = they agree on every pair of subtypes, 0 = no more than by chance. A pair that"
    " an expert has not looked at counts as not alike."
)


@dataclass(frozen=True)
class OpenPoint:
    """Something that experts have yet to settle."""

    marks: str = column("", "Marks", "Numbers of the marks that it is about.")
    what: str = column("", "To settle", "Who says what.")


@dataclass(frozen=True)
class AgreementView:
    """What the tab about several experts shows.

    Parameters
    ----------
    sentence
        How far they agree.
    meaning
        What the figures mean; empty where there are none.
    points
        What is to settle.
    """

    sentence: str = ""
    meaning: str = ""
    points: tuple[OpenPoint, ...] = ()


def resolve_agreement(
    marks: Sequence[PairMark],
    evidence: Iterable[EvidenceTile],
    log: Iterable[LogEntry],
    classes: Sequence[str],
    labels: dict[str, str],
) -> AgreementView:
    """From a table to what experts agree on.

    Parameters
    ----------
    marks, evidence, log
        Of the table.
    classes
        Subtypes whose pairs are counted.
    labels
        slide_id -> label that the slide has now.
    """
    points = tuple(
        OpenPoint(", ".join(map(str, each.marks)), each.what)
        for each in disagreements(marks, evidence, log)
    )
    if not marks:
        return AgreementView()
    found = agreement(marks, classes, labels)
    if len(found.experts) < 2:
        return AgreementView(ALONE, "", points)
    return AgreementView(_sentence(found), MEANING, points)


def _sentence(found: Agreement) -> str:
    everyone = f"{len(found.experts)} experts on {found.n_pairs} subtype pairs"
    said = f"{everyone}: Fleiss' kappa {_kappa(found.fleiss)}."
    pairs = [f"{a} and {b} {_kappa(k)}" for (a, b), k in found.cohen.items()]
    return f"{said} Cohen's kappa of each two: {'; '.join(pairs)}."


def _kappa(value: float) -> str:
    return "is not defined" if math.isnan(value) else decimals(value)
