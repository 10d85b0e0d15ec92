"""The simulated expert: who clicks tiles in slides of the marked pair, rightly or at random."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.lookalike.compose import PAIR, Composed
from napari_lookalike.core.hard_negatives.on_bags import BagEvidence


def clicks(
    cohort: Composed, slides_per_class: int, per_kind: int, seed: int, *, right: bool
) -> dict[str, BagEvidence]:
    """Clicked tiles in training slides of the two marked classes.

    Parameters
    ----------
    cohort
        The slides; only those of training are clicked in.
    slides_per_class
        In how many slides of either class, at most.
    per_kind
        So many "diagnostic" and so many "looks alike" tiles in each.
    seed
        Which slides and tiles; the same slides whether right or not.
    right
        Diagnostic ones are tumour and the others are not; or all are drawn from the whole
        slide, whatever they show.

    Returns
    -------
    dict
        slide_id -> its clicked instances.
    """
    rng = np.random.default_rng([seed, 78])
    found: dict[str, BagEvidence] = {}
    for name in PAIR:
        mine = [b.slide_id for b in cohort.parts["train"] if b.label == name]
        chosen = rng.permutation(len(mine))[:slides_per_class]
        for slide_id in (mine[int(i)] for i in chosen):
            found[slide_id] = _of_slide(cohort.tumour, slide_id, per_kind, rng, right)
    return found


def every_tile(cohort: Composed) -> dict[str, BagEvidence]:
    """All tiles of all training slides of the marked pair: what no expert would click."""
    return {
        b.slide_id: BagEvidence.of(
            np.flatnonzero(cohort.tumour[b.slide_id]).tolist(),
            np.flatnonzero(~cohort.tumour[b.slide_id]).tolist(),
        )
        for b in cohort.parts["train"]
        if b.label in PAIR
    }


def count(evidence: Mapping[str, BagEvidence]) -> int:
    """How many clicks."""
    return sum(len(e) for e in evidence.values())


def _of_slide(
    tumour: Mapping[str, NDArray[np.bool_]],
    slide_id: str,
    per_kind: int,
    rng: np.random.Generator,
    right: bool,
) -> BagEvidence:
    is_tumour = tumour[slide_id]
    order = rng.permutation(len(is_tumour))
    if not right:
        return BagEvidence.of(order[:per_kind].tolist(), order[per_kind : 2 * per_kind].tolist())
    on, off = order[is_tumour[order]], order[~is_tumour[order]]
    return BagEvidence.of(on[:per_kind].tolist(), off[:per_kind].tolist())
