"""Which slides the demo cohort has: classes, patients, centres, pens, seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lookalike.core.synth.factors import Factors, Subtype, of_slide
from napari_lookalike.core.synth.fields import Rng
from napari_lookalike.core.synth.stain import CENTRES, Stain
from napari_lookalike.core.synth.subtypes import SUBTYPES

COUNTS = (13, 7, 12, 8, 8, 6)
"""Slides per subtype, in the order of `subtypes.SUBTYPES`: imbalanced, as archives are."""

CENTRE_A = (0.55, 0.45, 0.6, 0.4, 0.5, 0.5)
"""Share of a subtype's patients in the first centre: related to the label, not the same."""

MPP = 0.5
"""µm per level-0 pixel."""


@dataclass(frozen=True)
class SlidePlan:
    """All that is needed to make one slide, in any process.

    Parameters
    ----------
    slide_id, patient_id, label, site
        As in the manifest.
    seed
        Of the slide's pixels.
    factors, stain
        Its histology and its stain.
    pen
        Whether it carries a pen mark.
    size
        (width, height) of level 0 in pixels.
    """

    slide_id: str
    patient_id: str
    label: str
    site: str
    seed: tuple[int, ...]
    factors: Factors
    stain: Stain
    pen: bool
    size: tuple[int, int]


def _patients_of(rng: Rng, slides: int, share_a: float) -> list[tuple[int, str]]:
    """(number of slides, centre) of each of a subtype's patients."""
    doubles = round(slides / 6)
    patients = slides - doubles
    numbers = [2] * doubles + [1] * (patients - doubles)
    in_a = min(max(1, round(share_a * patients)), patients - 1)
    first, second = tuple(CENTRES)
    centres = rng.permutation([first] * in_a + [second] * (patients - in_a))
    return list(zip(rng.permutation(numbers).tolist(), centres.tolist(), strict=True))


def _tumours(rng: Rng, counts: tuple[int, ...]) -> list[tuple[int, int, str]]:
    """(subtype, number of slides, centre) of every patient, in random order."""
    tumours = [
        (subtype, number, centre)
        for subtype, (count, share) in enumerate(zip(counts, CENTRE_A[: len(counts)], strict=True))
        for number, centre in _patients_of(rng, count, share)
    ]
    return [tumours[k] for k in rng.permutation(len(tumours))]


def plan_cohort(
    seed: int,
    counts: tuple[int, ...] = COUNTS,
    size: tuple[int, int] = (2560, 2048),
    subtypes: tuple[Subtype, ...] = SUBTYPES,
) -> list[SlidePlan]:
    """Plan every slide; the same arguments give the same plan.

    Numbers are given after shuffling, so that a slide's name says nothing of its label.

    Parameters
    ----------
    seed
        Of the cohort.
    counts
        Slides per subtype (at least 2 each, so that both centres have some).
    size
        (width, height) of level 0 in pixels.
    subtypes
        In the order of ``counts``.
    """
    rng = np.random.default_rng([seed, 11])
    plans: list[SlidePlan] = []
    for number, (subtype, slides, centre) in enumerate(_tumours(rng, counts), 1):
        own = np.random.default_rng([seed, 13, number])
        tumour = subtypes[subtype].patient(own)
        for _ in range(slides):
            plans.append(
                SlidePlan(
                    slide_id=f"SYN-{len(plans) + 1:03d}",
                    patient_id=f"SYN-P{number:02d}",
                    label=subtypes[subtype].name,
                    site=centre,
                    seed=(seed, 17, len(plans)),
                    factors=of_slide(tumour, own),
                    stain=CENTRES[centre].jittered(own, 1.0),
                    pen=bool(own.random() < 0.17),
                    size=size,
                )
            )
    return plans
