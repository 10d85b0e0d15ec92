"""Bags composed of real tiles: five classes, one rare, tumour diluted with benign filler.

A prototype is the photograph that a tile was augmented from. Training, validation and test
slides have prototypes of their own, drawn anew for every seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag

CLASSES = ("colon_aca", "colon_n", "lung_aca", "lung_n", "lung_scc")
PAIR = ("lung_aca", "lung_scc")
"""The look-alikes: adenocarcinoma and squamous cell carcinoma of the lung."""
RARE = "lung_scc"
BENIGN = ("colon_n", "lung_n")
FILLER = {"colon_aca": "colon_n", "lung_aca": "lung_n", "lung_scc": "lung_n"}
"""Benign tissue of the same organ; benign classes consist of their own tiles."""
PARTS = ("train", "validation", "test")
SHARES = (0.4, 0.2, 0.4)
"""Of each class's prototypes."""


@dataclass(frozen=True)
class Regime:
    """How hard a cohort is.

    Parameters
    ----------
    name
        For a person.
    tumour
        Smallest and largest share of tumour among a tumour slide's tiles.
    slides
        Training slides of a class.
    rare_slides
        Training slides of the rare class.
    tiles
        Tiles of a slide.
    prototypes
        Smallest and largest number of prototypes that a slide's tissue of one kind is from.
    validation_slides, test_slides
        Of every class.
    """

    name: str
    tumour: tuple[float, float]
    slides: int = 20
    rare_slides: int = 5
    tiles: int = 32
    prototypes: tuple[int, int] = (5, 15)
    validation_slides: int = 20
    test_slides: int = 60


@dataclass(frozen=True, eq=False)
class Composed:
    """The slides of one seed.

    Parameters
    ----------
    parts
        "train", "validation", "test" -> bags; every slide is a patient.
    tumour
        slide_id -> bool (n_tiles,) which tiles are tumour; all False in a benign slide.
    prototypes
        Part -> prototypes in use.
    """

    parts: Mapping[str, tuple[Bag, ...]]
    tumour: Mapping[str, NDArray[np.bool_]]
    prototypes: Mapping[str, frozenset[int]]


def compose(
    features: NDArray[np.float32],
    classes: NDArray[np.str_],
    groups: NDArray[np.intp],
    regime: Regime,
    seed: int,
) -> Composed:
    """Compose a cohort.

    Parameters
    ----------
    features
        float32 (n_tiles, dim).
    classes, groups
        (n_tiles,) class and prototype of each tile.
    regime
        How hard.
    seed
        Of prototypes and slides.
    """
    rng = np.random.default_rng([seed, 77])
    pool = _split(classes, groups, rng)
    parts: dict[str, tuple[Bag, ...]] = {}
    tumour: dict[str, NDArray[np.bool_]] = {}
    for part in PARTS:
        bags = []
        for name in CLASSES:
            for i in range(_count(regime, part, name)):
                slide_id = f"{part}-{name}-{i:02d}"
                tiles, is_tumour = _slide(name, pool[part], groups, regime, rng)
                bags.append(Bag(slide_id, slide_id, features[tiles], name))
                tumour[slide_id] = is_tumour
        parts[part] = tuple(bags)
    used = {
        part: frozenset(int(g) for tiles in pool[part].values() for g in groups[tiles])
        for part in PARTS
    }
    return Composed(parts, tumour, used)


def _count(regime: Regime, part: str, name: str) -> int:
    if part == "train":
        return regime.rare_slides if name == RARE else regime.slides
    return regime.validation_slides if part == "validation" else regime.test_slides


def _split(
    classes: NDArray[np.str_], groups: NDArray[np.intp], rng: np.random.Generator
) -> dict[str, dict[str, NDArray[np.intp]]]:
    """Part -> class -> its tiles."""
    pool: dict[str, dict[str, NDArray[np.intp]]] = {part: {} for part in PARTS}
    for name in CLASSES:
        mine = rng.permutation(np.unique(groups[classes == name]))
        ends = np.round(np.cumsum(SHARES)[:-1] * len(mine)).astype(int)
        for part, some in zip(PARTS, np.split(mine, ends), strict=True):
            pool[part][name] = np.flatnonzero(np.isin(groups, some))
    return pool


def _slide(
    name: str,
    pool: Mapping[str, NDArray[np.intp]],
    groups: NDArray[np.intp],
    regime: Regime,
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Tiles of a slide, in chance order, and which are tumour."""
    if name in BENIGN:
        tiles = _some(pool[name], groups, regime.tiles, regime, rng)
        return tiles, np.zeros(len(tiles), bool)
    n = max(1, round(regime.tiles * rng.uniform(*regime.tumour)))
    own = _some(pool[name], groups, n, regime, rng)
    rest = _some(pool[FILLER[name]], groups, regime.tiles - n, regime, rng)
    order = rng.permutation(regime.tiles)
    return np.concatenate([own, rest])[order], (np.arange(regime.tiles) < n)[order]


def _some(
    tiles: NDArray[np.intp],
    groups: NDArray[np.intp],
    n: int,
    regime: Regime,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """So many tiles of 5 to 15 prototypes; a tile comes twice only where these have too few."""
    low, high = regime.prototypes
    there = np.unique(groups[tiles])
    chosen = rng.choice(there, min(int(rng.integers(low, high + 1)), len(there)), replace=False)
    mine = tiles[np.isin(groups[tiles], chosen)]
    return rng.choice(mine, n, replace=n > len(mine))
