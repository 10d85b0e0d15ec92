"""Retrieval and few-shot scores of features: what they give without much training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHOTS = 5
_DRAWS = 40
_STRENGTH = 0.1


def standardise(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every feature with mean 0 and standard deviation 1 over these tiles; constants are 0."""
    wide = features.astype(np.float64)
    std = wide.std(axis=0)
    centred = wide - wide.mean(axis=0)
    scaled: NDArray[np.float32] = (centred / np.where(std > 1e-9, std, np.inf)).astype(np.float32)
    return scaled


def nearest_is_alike(
    features: NDArray[np.float32], classes: NDArray[np.str_], groups: NDArray[np.intp]
) -> NDArray[np.float64]:
    """P@1: whether the nearest tile of another photograph is of the same class.

    Parameters
    ----------
    features
        (n, dim); compared by cosine after `standardise`.
    classes, groups
        (n,) class and photograph of each tile.

    Returns
    -------
    ndarray of float64 (n,)
        1 or 0 for each tile.
    """
    unit = standardise(features)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
    alike = unit @ unit.T
    alike[groups[:, None] == groups[None]] = -np.inf
    return np.asarray(classes[alike.argmax(axis=1)] == classes, np.float64)


def few_shot(
    features: NDArray[np.float32],
    classes: NDArray[np.str_],
    groups: NDArray[np.intp],
    *,
    seed: int = 0,
    draws: int = _DRAWS,
) -> float:
    """Balanced accuracy of a logistic regression on `SHOTS` tiles of each class.

    Parameters
    ----------
    features
        (n, dim); standardised over all tiles (which needs no labels).
    classes, groups
        (n,). The tiles of a class come from different photographs (at most half of them);
        tested is on tiles of all other photographs.
    seed, draws
        The same draws for every encoder.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    scaled = standardise(features)
    scores = []
    with threadpool_limits(1):
        for _ in range(draws):
            chosen = np.concatenate([_shots(rng, classes, groups, c) for c in np.unique(classes)])
            test = ~np.isin(groups, groups[chosen])
            model = LogisticRegression(C=_STRENGTH, max_iter=500)
            model.fit(scaled[chosen], classes[chosen])
            scores.append(balanced_accuracy_score(classes[test], model.predict(scaled[test])))
    return float(np.mean(scores))


def _shots(
    rng: np.random.Generator, classes: NDArray[np.str_], groups: NDArray[np.intp], name: str
) -> NDArray[np.intp]:
    members = rng.permutation(np.flatnonzero(classes == name))
    photographs = np.unique(groups[members])
    # Never more than half of the photographs: the others are tested on.
    drawn = rng.permutation(photographs)[: min(SHOTS, max(1, len(photographs) // 2))]
    members = members[np.isin(groups[members], drawn)]
    _, first = np.unique(groups[members], return_index=True)
    rest = np.delete(members, first)
    shots: NDArray[np.intp] = np.concatenate([members[first], rest])[:SHOTS]
    return shots
