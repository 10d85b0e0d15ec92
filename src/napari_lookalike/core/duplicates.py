"""The same slide under two names: kept in one fold, or refused where it contradicts itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.content import features_hash
from napari_lookalike.core.errors import TrainingError


def content_of(fingerprint: str, bag: Bag) -> str:
    """What two bags of the same slide share: the fingerprint, else a hash of some features."""
    return fingerprint or features_hash(bag.instances)


def joined(
    bags: Sequence[Bag], contents: Mapping[str, str]
) -> tuple[tuple[Bag, ...], tuple[str, ...]]:
    """Bags whose groups no fold can split between copies of one slide.

    Parameters
    ----------
    bags
        One a slide.
    contents
        slide_id -> `content_of`.

    Returns
    -------
    tuple of Bag
        In the same order; patients who share a slide's content have one group.
    tuple of str
        A sentence for each slide that is there more than once.

    Raises
    ------
    TrainingError
        If the same slide has two different labels (correct one, or exclude a copy).
    """
    copies: dict[str, list[Bag]] = defaultdict(list)
    for bag in bags:
        copies[contents[bag.slide_id]].append(bag)
    group_of = {bag.group: bag.group for bag in bags}
    notes = []
    for same in copies.values():
        if len(same) < 2:
            continue
        notes.append(_note(same))
        _join(group_of, {group_of[bag.group] for bag in same})
    if not notes:
        return tuple(bags), ()
    return tuple(replace(bag, group=group_of[bag.group]) for bag in bags), tuple(notes)


def _join(group_of: dict[str, str], together: set[str]) -> None:
    first = min(together)
    for group, now in group_of.items():
        if now in together:
            group_of[group] = first


def _note(same: Sequence[Bag]) -> str:
    names = " and ".join(sorted(bag.slide_id for bag in same))
    labels = sorted({bag.label for bag in same if bag.label})
    if len(labels) > 1:
        raise TrainingError(
            f"{names} hold the same slide but are labelled {' and '.join(labels)}.",
            "Correct the label, or exclude one of them.",
        )
    if len({bag.group for bag in same}) > 1:
        return (
            f"{names} hold the same slide under different patients: these are kept in one fold. "
            "Give them one patient, or exclude a copy."
        )
    return f"{names} hold the same slide, so it counts more than once. Exclude a copy."
