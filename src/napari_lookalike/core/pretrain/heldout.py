"""What the network knows of fields that it never saw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.pretrain.augment import PLAIN, STRONG, TILE_PX, Scanner, Strength, crops
from napari_lookalike.core.pretrain.recipe import TARGETS
from napari_lookalike.core.pretrain.store import Fields

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Tiles uint8 (n, 224, 224, 3) to features (n, dim)."""

_CHUNK = 32
_RIDGE = 30.0


def views(
    fields: Fields, which: NDArray[np.intp], strength: Strength, seed: int
) -> NDArray[np.uint8]:
    """A tile of each of these fields, uint8 (n, 224, 224, 3)."""
    import torch

    rng, scanner = np.random.default_rng([seed, 9]), Scanner(seed, strength)
    parts = []
    for start in range(0, len(which), _CHUNK):
        tiles = crops(rng, fields.conc[which[start : start + _CHUNK]], TILE_PX)
        pixels = scanner.develop(tiles).permute(0, 2, 3, 1)
        parts.append(pixels.to(torch.uint8).numpy())
    return np.ascontiguousarray(np.concatenate(parts))


def feature_scales(
    encode: Encode, fields: Fields, seed: int, count: int = 800
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of features over strongly varied tiles of drawn fields.

    What varies with the laboratory gets a larger standard deviation, and so less weight.
    """
    which = np.arange(min(count, len(fields.conc)))
    features = encode(views(fields, which, STRONG, seed)).astype(np.float64)
    std = features.std(axis=0)
    return features.mean(axis=0).astype(np.float32), np.where(std > 1e-4, std, 1.0).astype(
        np.float32
    )


def held_out_scores(
    encode: Encode, learnt: Fields, held_out: Fields, seed: int, count: int = 1000
) -> dict[str, float]:
    """How well a linear fit reads the factors of unseen fields from the features.

    Parameters
    ----------
    encode
        The features.
    learnt
        Fields of the training: the linear fit is made on some of their tiles.
    held_out
        Fields that were drawn from another seed.
    seed
        Of crops and views.
    count
        Training fields used for the fit.

    Returns
    -------
    dict
        Accuracy of the architecture, mean coefficient of determination of the factors, and
        how often the nearest of all held-out tiles shows the same field in another
        laboratory; each with plain and with strongly varied views.
    """
    from sklearn.linear_model import RidgeClassifier, RidgeCV
    from sklearn.preprocessing import StandardScaler

    known, new = np.arange(min(count, len(learnt.conc))), np.arange(len(held_out.conc))
    scores: dict[str, float] = {}
    for name, strength in (("plain", PLAIN), ("varied", STRONG)):
        train = encode(views(learnt, known, strength, seed))
        test = encode(views(held_out, new, strength, seed + 1))
        again = encode(views(held_out, new, strength, seed + 2))
        scaler = StandardScaler().fit(train)
        a, b, c = (np.clip(scaler.transform(x), -6, 6) for x in (train, test, again))
        classifier = RidgeClassifier(alpha=_RIDGE).fit(a, learnt.architectures[known])
        right = classifier.predict(b) == held_out.architectures
        scores[f"architecture accuracy, {name}"] = float(right.mean())
        fit = RidgeCV(alphas=(10.0, 100.0, 1000.0)).fit(a, learnt.factors[known])
        errors = ((fit.predict(b) - held_out.factors) ** 2).mean(axis=0)
        explained = 1.0 - errors / held_out.factors.var(axis=0)
        scores[f"mean R2 of factors, {name}"] = float(explained.mean())
        for factor in ("nucleus long_px", "pleomorphism", "nucleus chromatin", "crowding"):
            scores[f"R2 of {factor}, {name}"] = float(explained[TARGETS.index(factor)])
        b, c = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (b, c))
        same = (b @ c.T).argmax(axis=1) == new
        scores[f"same field is nearest, {name}"] = float(same.mean())
    return {name: round(value, 4) for name, value in scores.items()}
