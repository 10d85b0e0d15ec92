"""Which slides to look at next, as OpenPath chooses tiles (arXiv 2506.15318).

In two steps. *Prototype-based in-distribution selection*: with ``d_i`` the cosine distance to
the nearest prototype, the share `ID_SHARE` of the slides with the smallest ``d_i`` are
candidates. *Entropy-guided stochastic sampling*: candidates are shuffled into `BATCHES`
batches, and of each batch those are taken of which the model is least sure
(``H(p) = -sum p log p``): chance gives the variety, entropy the use. The other option is
k-means++ on the candidates, and the slide nearest to each centre, which is what the authors'
released program does.

Slides unlike the labelled ones are never chosen. They are set apart, with why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.results import UNLIKE
from napari_lookalike.core.suggest.material import Floats, Material
from napari_lookalike.core.suggest.prototypes import pair_entropy, prototype_similarity

Method = Literal["entropy", "kmeans"]
METHODS: dict[Method, str] = {
    "entropy": "Least sure (OpenPath)",
    "kmeans": "Spread out (k-means)",
}
ID_SHARE = 0.25
"""As in the authors' instructions for CRC100K."""
BATCHES = 10
"""As others describe the paper; the released program has no batches."""
LEAST_PER_PLACE = 2
"""Candidates per slide wanted, however small the cohort: else entropy has no choice."""
OUTSIDE_QUANTILE = 0.99
TAU = 0.1
SURE = 0.8
"""From this probability on nobody would call the model unsure."""


@dataclass(frozen=True)
class Chosen:
    """One slide to look at.

    Parameters
    ----------
    slide_id
        The slide.
    why
        Why it was chosen, as a sentence.
    entropy
        Of the model's probabilities, 0 to 1 (as a share of the largest possible).
    """

    slide_id: str
    why: str
    entropy: float


@dataclass(frozen=True)
class Outside:
    """One slide that is unlike the labelled ones.

    Parameters
    ----------
    slide_id
        The slide.
    why
        What says so, as a sentence.
    distance
        Cosine distance to the nearest prototype; 2 where there is none.
    """

    slide_id: str
    why: str
    distance: float


@dataclass(frozen=True)
class ReviewPlan:
    """What to look at next.

    Parameters
    ----------
    chosen
        Slides to look at, the least sure first.
    outside
        Slides set apart, the farthest first.
    candidates, pool
        How many slides the chosen were taken from, and of how many not yet reviewed.
    method
        How they were chosen.
    """

    chosen: tuple[Chosen, ...] = ()
    outside: tuple[Outside, ...] = ()
    candidates: int = 0
    pool: int = 0
    method: Method = "entropy"


def review_next(
    material: Material,
    budget: int = 10,
    *,
    method: Method = "entropy",
    share: float = ID_SHARE,
    batches: int = BATCHES,
    seed: int = 0,
) -> ReviewPlan:
    """Choose slides to look at among those that nobody called reviewed.

    Parameters
    ----------
    material
        The slides.
    budget
        How many.
    method
        "entropy" or "kmeans".
    share
        Share of the pool that is in-distribution (the paper's ``id_ratio``); at least
        ``LEAST_PER_PLACE * budget`` slides are candidates.
    batches
        Random batches; no more than ``budget``.
    seed
        Of batches and k-means.
    """
    similarity = prototype_similarity(material)
    best = similarity.max(axis=1, initial=-np.inf)
    distance = np.where(np.isfinite(best), 1.0 - best, 2.0)
    outside = _outside(material, similarity, distance)
    pool = np.flatnonzero(~material.reviewed & ~outside)
    wanted = max(round(share * len(pool)), LEAST_PER_PLACE * budget)
    candidates = pool[np.argsort(distance[pool], kind="stable")[:wanted]]
    entropy = _entropy(material.p)
    rng = np.random.default_rng(seed)
    if method == "kmeans":
        picked = _spread(material.z, candidates, budget, seed)
    else:
        picked = _least_sure(candidates, entropy, budget, batches, rng)
    picked = picked[np.argsort(-entropy[picked], kind="stable")]
    apart = np.flatnonzero(outside & ~material.reviewed)
    apart = apart[np.argsort(-distance[apart], kind="stable")]
    _, pair = pair_entropy(similarity, TAU)
    return ReviewPlan(
        tuple(_chosen(material, int(i), float(entropy[i]), pair[i], method) for i in picked),
        tuple(
            Outside(material.slide_ids[i], _why_outside(material, int(i), similarity, distance),
                    float(distance[i]))
            for i in apart
        ),
        len(candidates),
        len(pool),
        method,
    )  # fmt: skip


def _entropy(p: Floats) -> NDArray[np.float64]:
    """Of each row, as a share of the largest possible."""
    if p.shape[1] < 2:
        return np.zeros(len(p))
    q = np.asarray(p, np.float64)
    terms = np.where(q > 0, q * np.log(np.where(q > 0, q, 1.0)), 0.0)
    return np.asarray(-terms.sum(axis=1) / np.log(p.shape[1]))


def _limit(material: Material, distance: NDArray[np.floating]) -> float:
    """The distance that all but one in a hundred labelled slides keep to."""
    known = distance[(material.y >= 0) & (distance < 2.0)]
    if not len(known):
        return np.inf
    # "higher": with fewer than a hundred slides the limit is the farthest labelled slide,
    # and not a value below it that this very slide would exceed.
    return float(np.quantile(known, OUTSIDE_QUANTILE, method="higher"))


def _outside(
    material: Material, similarity: Floats, distance: NDArray[np.floating]
) -> NDArray[np.bool_]:
    if not np.isfinite(similarity).any():
        return material.unlike > UNLIKE
    return (material.unlike > UNLIKE) | (distance > _limit(material, distance))


def _why_outside(
    material: Material, i: int, similarity: Floats, distance: NDArray[np.floating]
) -> str:
    said = []
    if material.unlike[i] > UNLIKE:
        said.append("its nearest training slide is farther away than that of 99 % of the slides")
    limit = _limit(material, distance)
    if distance[i] > limit:
        said.append(
            f"it lies farther from the mean of every subtype (distance {distance[i]:.2f}) than "
            f"99 % of the labelled slides (up to {limit:.2f})"
        )
    sentence = ", and ".join(said)
    nearest = ""
    if np.isfinite(similarity[i]).any():
        nearest = f" Nearest: {material.classes[int(similarity[i].argmax())]}."
    return f"{sentence[:1].upper()}{sentence[1:]}.{nearest}"


def _least_sure(
    candidates: NDArray[np.int64],
    entropy: NDArray[np.float64],
    budget: int,
    batches: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """The highest entropies of each random batch; the first batches give one more."""
    if not len(candidates) or budget < 1:
        return candidates[:0]
    n = max(1, min(batches, budget, len(candidates)))
    shares = [budget // n + (k < budget % n) for k in range(n)]
    parts = np.array_split(rng.permutation(candidates), n)
    taken: NDArray[np.int64] = np.concatenate(
        [part[np.argsort(-entropy[part], kind="stable")[:k]]
         for part, k in zip(parts, shares, strict=True)]
    )  # fmt: skip
    return taken


def _spread(z: Floats, candidates: NDArray[np.int64], budget: int, seed: int) -> NDArray[np.int64]:
    """k-means++ with k = budget, and the slide nearest to each centre."""
    from sklearn.cluster import KMeans

    if len(candidates) <= budget:
        return candidates
    x = np.asarray(z[candidates], np.float64)
    k = min(budget, len(np.unique(x, axis=0)))
    if k < 1:
        return candidates[:0]
    centres = KMeans(k, init="k-means++", n_init=1, random_state=seed).fit(x).cluster_centers_
    # Squared distances without the slides' own length, which is the same for all.
    nearest = ((centres**2).sum(axis=1) - 2.0 * (x @ centres.T)).argmin(axis=0)
    picked: NDArray[np.int64] = candidates[np.unique(nearest)]
    return picked


def _chosen(
    material: Material, i: int, entropy: float, pair: NDArray[np.int64], method: Method
) -> Chosen:
    ranked = np.argsort(-material.p[i], kind="stable")[:2]
    first = f"{material.classes[ranked[0]]} {material.p[i, ranked[0]]:.2f}"
    said = first
    if len(ranked) > 1:
        said += f", {material.classes[ranked[1]]} {material.p[i, ranked[1]]:.2f}"
    if method == "kmeans":
        why = f"Stands for a group of similar slides; the model says {said}."
    else:
        sure = material.p[i, ranked[0]] >= SURE
        why = f"{'The least sure of its batch' if sure else 'The model is not sure'}: {said}."
    if material.y[i] < 0:
        why += " It has no label yet."
    elif material.held_out[i] and ranked[0] != material.y[i]:
        why += f" Its label is {material.classes[material.y[i]]}."
    elif min(pair) >= 0 and material.y[i] not in pair:
        why += f" It lies nearer to other subtypes than to {material.classes[material.y[i]]}."
    return Chosen(material.slide_ids[i], why, entropy)
