"""What the prediction panel shows of the open slide and its patient. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.early import EarlyAnswer
from napari_lookalike.core.prediction import Differential, case_prediction, differential
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.core.signed import probability
from napari_lookalike.core.thresholds import note_of
from napari_lookalike.session.case_view import (
    Verdict,
    patient_title,
    results_of_case,
    verdict_of,
)
from napari_lookalike.session.early_view import (
    early_text,
    results_with,
    stopped_text,
    why_no_answer,
)

RESEARCH = "Research use only. Not for diagnosis."
SYNTHETIC = "Synthetic slide, made by a generator."
UNLIKE = (
    "This slide is unlike anything in the training set: the probabilities below are a guess "
    "among subtypes that may all be wrong."
)
NO_SLIDE = "Open a slide to see what the model says of it."
NO_MODEL = "There is no model yet. Embed the slides, then train a first model in Teach."
NOT_PREDICTED = (
    "The model in use has not seen this slide's features. Embed the slide, then predict."
)
CLOSE_MARGIN = 0.2
"""Below this difference of the first two probabilities the sentence says "close"."""


@dataclass(frozen=True)
class CaseView:
    """What the patient's slides say together.

    Parameters
    ----------
    title
        "Patient 3".
    sentence
        The differential of the case.
    probabilities
        (subtype, probability), most probable first.
    rule
        How the slides were put together.
    slides
        (slide_id, its own first subtype), the open slide among them.
    agreement
        How many slides say so on their own, in words.
    """

    title: str
    sentence: str
    probabilities: tuple[tuple[str, float], ...]
    rule: str
    slides: tuple[tuple[str, str], ...]
    agreement: str


@dataclass(frozen=True)
class PredictionView:
    """What the panel shows.

    Parameters
    ----------
    slide_id
        The slide; empty if none is open.
    empty
        Why there is no prediction, and what to do; empty if there is one.
    label
        The slide's label; empty = not labelled.
    verdict
        Whether the prediction is the label.
    probabilities
        (subtype, probability) of every subtype, most probable first.
    first, second, margin
        The differential: the first two, and by how much the first leads.
    differential
        The same as a sentence.
    case
        Of the whole patient; ``None`` where the patient has no other slide.
    unlike
        A warning where the slide is unlike the training set; else empty.
    early
        That it comes from a part of the tiles, and how far it can be trusted; else empty.
    provenance
        Which model, head and encoder said so, and whether they knew the patient.
    notes
        What to keep in mind, research use among it.
    """

    slide_id: str = ""
    empty: str = ""
    label: str = ""
    verdict: Verdict = ""
    probabilities: tuple[tuple[str, float], ...] = ()
    first: str = ""
    second: str = ""
    margin: float = 0.0
    differential: str = ""
    case: CaseView | None = None
    unlike: str = ""
    early: str = ""
    provenance: str = ""
    notes: tuple[str, ...] = (RESEARCH,)


def resolve_prediction(
    cohort: Cohort,
    results: ModelResults | None,
    slide_id: str | None,
    *,
    show_patient_ids: bool = False,
    early: EarlyAnswer | None = None,
    coverage: float = 1.0,
) -> PredictionView:
    """From cohort and results to what the panel shows of a slide.

    Parameters
    ----------
    cohort
        The slides.
    results
        What the model in use (or on trial) says.
    slide_id
        The open slide, or ``None``.
    show_patient_ids
        Whether the user asked to see them.
    early
        The early answer about this slide, which is shown instead of what ``results`` say.
    coverage
        Share of the slide's tiles in its features.
    """
    notes = (SYNTHETIC, RESEARCH) if cohort.synthetic else (RESEARCH,)
    if slide_id is None or slide_id not in cohort:
        return PredictionView(empty=NO_SLIDE, notes=notes)
    label = cohort[slide_id].label
    results = results_with(results, early)
    result = results.slides.get(slide_id) if results is not None else None
    if results is None or result is None:
        why = NO_MODEL if results is None else NOT_PREDICTED
        why = why if early is None else why_no_answer(early)
        return PredictionView(slide_id, why, label, notes=notes)
    found = differential(result, results.classes)
    fold = result.fold if result.held_out else -1
    threshold = note_of(results.card, fold, (found.first, found.second))
    return PredictionView(
        slide_id=slide_id,
        label=label,
        verdict=verdict_of(label, found.first),
        probabilities=found.probabilities,
        first=found.first,
        second=found.second,
        margin=found.margin,
        differential=differential_text(found),
        # An answer that may change in a second does not speak for a patient.
        case=_case(cohort, results, slide_id, show_patient_ids) if early is None else None,
        early=_early(early, coverage),
        unlike=UNLIKE if result.is_unlike else "",
        provenance=provenance_text(results, result),
        notes=(threshold, *notes) if threshold else notes,
    )


def differential_text(found: Differential) -> str:
    """The first two subtypes and their margin, as a sentence."""
    first = f"{found.first} {probability(found.probabilities[0][1])}"
    if not found.second:
        return f"{first}."
    second = f"{found.second} {probability(found.probabilities[1][1])}"
    points = f"margin {100 * found.margin:.0f} points"
    if found.margin < CLOSE_MARGIN:
        return f"{first}, close to {second} ({points})."
    return f"{first}, then {second} ({points})."


def provenance_text(results: ModelResults, result: SlideResult) -> str:
    """Which model said so, on what features, and whether it knew the patient."""
    head = str(results.card.get("head", ""))
    parts = [f"Model {results.version}"]
    if head:
        parts.append(f"head {HEAD_TITLES.get(head, head)}")
    encoder = str(results.card.get("encoder", ""))
    if encoder:
        parts.append(f"encoder {encoder}")
    if result.held_out:
        knew = f"Said by the model of fold {result.fold + 1}, which never saw this patient."
    else:
        knew = "New slide: said by the final model, which was not trained on it."
    return f"{', '.join(parts)}. {knew}"


def _case(
    cohort: Cohort, results: ModelResults, slide_id: str, show_patient_ids: bool
) -> CaseView | None:
    said = results_of_case(cohort, results, slide_id)
    if len(said) < 2:
        return None
    case = case_prediction(said, results.classes)
    return CaseView(
        title=patient_title(cohort, cohort[slide_id], show_patient_ids),
        sentence=differential_text(case.differential),
        probabilities=case.differential.probabilities,
        rule=case.rule,
        slides=case.slides,
        agreement=case.agreement_text,
    )


def _early(early: EarlyAnswer | None, coverage: float) -> str:
    if early is not None:
        return early_text(early)
    return stopped_text(coverage) if coverage < 1 else ""
