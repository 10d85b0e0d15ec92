"""What ``bench encoder`` measures, and what its rows are called."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from napari_lookalike.core.bench.scores import COLUMNS, FEW

FLOOR, RANDOM = "mean colour", "random-weight ResNet-18"
PEER, INSECT_PEER = "ImageNet MobileNetV2", "iNaturalist MobileNetV2"
DESCRIPTOR, NETWORK = "descriptor alone", "network alone"
OURS = "shipped encoder"
STAINED = MappingProxyType(
    {f"{OURS}, {title} per slide": title.lower() for title in ("Macenko", "Reinhard")}
)
"""Ours after a stain normalisation that is fitted to each slide -> its method."""

PEERS = (FLOOR, RANDOM, PEER, INSECT_PEER)
NAMES = (*PEERS, DESCRIPTOR, NETWORK, OURS, *STAINED)
"""All that are measured."""

PARTS = MappingProxyType(
    {
        "peers": PEERS,
        "shipped": (PEER, DESCRIPTOR, NETWORK, OURS),
        "stain": (PEER, OURS, *STAINED),
    }
)
"""What can be measured apart."""

FIVE, LUNG, SPOTS = "5 classes", "3 lung classes", "second cohort"
SETS = (FIVE, LUNG, SPOTS)
BY_SLIDE = MappingProxyType({f"{FIVE} by slide": FIVE, f"{LUNG} by slide": LUNG})
"""The same tiles, some photographs together as a slide -> the set that they are of."""


def sets_of(name: str) -> tuple[str, ...]:
    """The sets on which an encoder is measured."""
    if name in STAINED:
        return (SPOTS, *BY_SLIDE)
    return (*SETS, *BY_SLIDE) if name in (PEER, OURS) else SETS


def columns(subset: str) -> tuple[str, ...]:
    """The columns of a set. With two sections, nothing is left to test five shots on."""
    return tuple(c for c in COLUMNS if c != FEW) if subset == SPOTS else COLUMNS


def comparisons() -> list[tuple[str, str, tuple[str, ...]]]:
    """Ours, what it is compared with, and on which sets."""
    pairs = [(OURS, PEER, (*SETS, *BY_SLIDE))]
    for name in STAINED:
        pairs += [(name, OURS, sets_of(name)), (name, PEER, sets_of(name))]
    return pairs


def figure(name: str, column: str, subset: str) -> str:
    """What a row of an encoder's score is called."""
    return f"{name}: {column}, {subset}"


def gain(column: str, subset: str, ours: str = OURS, peer: str = PEER) -> str:
    """What the row of a comparison is called."""
    return f"{ours} minus {peer}: {column}, {subset}"


def speed_names(name: str) -> tuple[str, ...]:
    """What the rows of an encoder's speed are called: one thread, two, all cores."""
    if name in STAINED:
        return ()
    return f"{name}: speed, 1 thread", f"{name}: speed, 2 threads", f"{name}: speed, all cores"


def figures(name: str) -> list[str]:
    """All rows of an encoder."""
    scores = [figure(name, c, subset) for subset in sets_of(name) for c in columns(subset)]
    return [*scores, *speed_names(name)]


def all_figures(names: Iterable[str] = NAMES) -> list[str]:
    """All rows of a run that measures these."""
    chosen = set(names)
    own = [row for name in NAMES if name in chosen for row in figures(name)]
    compared = [
        gain(column, subset, ours, peer)
        for ours, peer, subsets in comparisons()
        if {ours, peer} <= chosen
        for subset in subsets
        for column in columns(subset)
    ]
    return [*own, *compared]
