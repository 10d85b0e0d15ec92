"""Whether a model is better than the one before, on the slides that both held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.heldout import (
    Counts,
    HeldOut,
    Pair,
    accuracy,
    balanced_accuracy,
    figure,
    known_pairs,
    mean_there,
    pair_confusion,
    recalls,
)
from napari_lookalike.core.measures.paired import permutation_test
from napari_lookalike.core.signed import percent, points, signed


class _Asked:
    """Held-out answers that are asked for the same matrices by many figures.

    Parameters
    ----------
    held
        The answers.
    draws
        The one set of resamples that is asked for.
    """

    def __init__(self, held: HeldOut, draws: Counts) -> None:
        self._held, self._draws = held, draws
        self._one, self._many = held.confusion(), held.confusion(draws)

    def confusion(self, resampled: bool) -> Counts:
        """See `HeldOut.confusion`; of all slides, or of the resamples."""
        return self._many if resampled else self._one

    def margin(self, pair: Pair, resampled: bool) -> Counts:
        """See `HeldOut.margin`."""
        return self._held.margin(pair, self._draws if resampled else None)


Figure = Callable[[_Asked, bool], Counts]


def compare(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    pairs: Sequence[tuple[str, str]] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Whether a model is better than the one before, on the same slides.

    The bootstrap is paired: a resample draws the same patients for both models.

    Parameters
    ----------
    before, after
        Metrics from `evaluation.evaluate`. Compared are the slides that both held out under the
        same label.
    pairs
        The marked pairs.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``balanced_accuracy``, ``accuracy``; ``marked_pairs`` (all pairs together) and
        ``pairs`` ("A | B" ->) with ``confusion`` and ``margin``; ``per_class_recall``
        (class -> with ``n``): each ``{"before", "after", "difference": figure}`` and
        ``before_interval``, ``after_interval``: [low, high] of the two alone;
        ``permutation`` ("balanced_accuracy", "accuracy", "marked_pairs" ->): see
        `measures.paired.permutation_test`;
        ``got_worse`` (classes whose recall fell), ``n_slides`` and ``verdict``, some
        sentences for a person.
    """
    old, new = _same_slides(HeldOut.from_json(before["slides"]), HeldOut.from_json(after["slides"]))
    draws = new.draws(seed)
    first, second = _Asked(old, draws), _Asked(new, draws)

    def both(statistic: Figure) -> dict[str, Any]:
        was, now = statistic(first, False), statistic(second, False)
        were, are = statistic(first, True), statistic(second, True)
        return {
            "before": _number(was),
            "before_interval": _ends(figure(was, were)),
            "after": _number(now),
            "after_interval": _ends(figure(now, are)),
            "difference": figure(now - was, are - were),
        }

    known = known_pairs(new, pairs)
    per_class = {
        name: {**both(_recall(i)), "n": int((new.y == i).sum())}
        for i, name in enumerate(new.classes)
    }
    result = {
        "n_slides": len(new.y),
        "balanced_accuracy": both(lambda h, d: balanced_accuracy(h.confusion(d))),
        "accuracy": both(lambda h, d: accuracy(h.confusion(d))),
        "marked_pairs": _pairs(both, list(known.values())) if known else {},
        "pairs": {name: _pairs(both, [pair]) for name, pair in known.items()},
        "per_class_recall": per_class,
        "got_worse": [name for name, f in per_class.items() if (f["difference"]["value"] or 0) < 0],
    }
    result["permutation"] = _permutations(old, new, list(known.values()), seed)
    result["verdict"] = verdict(result)
    return result


def _permutations(old: HeldOut, new: HeldOut, pairs: list[Pair], seed: int) -> dict[str, Any]:
    statistics = {"balanced_accuracy": balanced_accuracy, "accuracy": accuracy}
    if pairs:
        statistics["marked_pairs"] = lambda matrix: pair_confusion(matrix, pairs)
    return {n: permutation_test(old, new, s, seed) for n, s in statistics.items()}


def _recall(i: int) -> Figure:
    return lambda h, d: recalls(h.confusion(d))[:, i]


def _pairs(both: Callable[[Figure], dict[str, Any]], pairs: list[Pair]) -> dict[str, Any]:
    return {
        "confusion": both(lambda h, d: pair_confusion(h.confusion(d), pairs)),
        "margin": both(lambda h, d: mean_there(np.stack([h.margin(p, d) for p in pairs], -1))),
    }


def _ends(found: Mapping[str, float | None]) -> list[float | None]:
    return [found["low"], found["high"]]


def _number(value: Counts) -> float | None:
    return None if np.isnan(value[0]) else float(value[0])


def _same_slides(old: HeldOut, new: HeldOut) -> tuple[HeldOut, HeldOut]:
    """Both, restricted to the slides that both held out under the same label, in one order."""
    classes = tuple(dict.fromkeys((*new.classes, *old.classes)))
    place = {slide_id: i for i, slide_id in enumerate(old.slide_ids)}
    rows = [
        (place[s], i)
        for i, s in enumerate(new.slide_ids)
        if s in place and old.classes[old.y[place[s]]] == new.classes[new.y[i]]
    ]
    take = np.asarray(rows, np.int64).reshape(-1, 2)
    patient = np.unique(new.patient[take[:, 1]], return_inverse=True)[1].astype(np.int64)
    return _taken(old, take[:, 0], classes, patient), _taken(new, take[:, 1], classes, patient)


def _taken(
    held: HeldOut, rows: NDArray[np.int64], classes: tuple[str, ...], patient: Any
) -> HeldOut:
    index = np.asarray([classes.index(c) for c in held.classes], np.int64)
    similarity = np.full((len(rows), len(classes)), np.nan)
    similarity[:, index] = held.similarity[rows]
    ids = tuple(held.slide_ids[i] for i in rows)
    return HeldOut(
        classes, ids, patient, index[held.y[rows]], index[held.predicted[rows]], similarity
    )


def verdict(comparison: Mapping[str, Any]) -> str:
    """What a comparison says, in sentences for a person.

    Parameters
    ----------
    comparison
        From `compare`.
    """
    if not comparison["n_slides"]:
        return "The two models have no held-out slide in common, so they cannot be compared."
    said = [_pairs_sentence(comparison["marked_pairs"])] if comparison["marked_pairs"] else []
    balanced = comparison["balanced_accuracy"]
    said.append(
        f"Balanced accuracy: {_share(balanced['before'])} before, {_share(balanced['after'])} "
        f"after{_interval(balanced['difference'])}."
    )
    if comparison.get("evidence"):
        said.insert(0, comparison["evidence"])
    if comparison["got_worse"]:
        recall = comparison["per_class_recall"]
        fell = [
            f"{name} (recall {_share(recall[name]['before'])} to {_share(recall[name]['after'])}, "
            f"{recall[name]['n']} slides)"
            for name in comparison["got_worse"]
        ]
        said.append(f"Got worse: {', '.join(fell)}.")
    return " ".join(said)


def _pairs_sentence(pairs: Mapping[str, Any]) -> str:
    confusion = pairs["confusion"]
    change = confusion["difference"]
    if change["value"] is None:
        return "The marked pairs have no held-out slide."
    was, now = percent(confusion["before"]), percent(confusion["after"])
    shares = f"{was} of their slides before, {now} after"
    detail = f"{shares}{_interval(change)}"
    if confusion["before"] == 0 and confusion["after"] == 0:
        return (
            "The model is not better on the marked pairs: neither model confuses any of their "
            "held-out slides."
        )
    if change["value"] == 0:
        return f"The model is not better on the marked pairs: {detail}."
    if change["value"] > 0:
        sure = "" if (change["low"] or 0) > 0 else ", though this may be chance"
        return f"The model is worse on the marked pairs{sure}: it confuses {detail}."
    if change["high"] is not None and change["high"] < 0:
        return f"The model is better on the marked pairs: it confuses {detail}."
    return (
        "The model seems better on the marked pairs, but with so few slides this may be chance: "
        f"it confuses {detail}."
    )


def _share(value: float | None) -> str:
    return "unknown" if value is None else percent(value)


def _interval(change: Mapping[str, float | None]) -> str:
    value, low, high = change["value"], change["low"], change["high"]
    if value is None or low is None or high is None:
        return ""
    ends = f"{signed(100 * low, 0)} to {signed(100 * high, 0)}"
    return f" (difference {points(value)}, 95 % interval {ends})"
