"""Batches of P classes x K slides that bring marked pairs together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.sampling.chances import Chances


class _Deck:
    """Draws items without repeating any before all were drawn, then shuffles again."""

    def __init__(self, items: Sequence[int], rng: np.random.Generator) -> None:
        self.items, self._rng, self._pile = list(items), rng, list[int]()

    def draw(self, n: int, taken: Collection[int] = ()) -> list[int]:
        """Up to ``n`` different items, none of them in ``taken``."""
        drawn: list[int] = []
        again: list[int] = []
        for _ in range(2 * len(self.items)):
            if len(drawn) == n:
                break
            if not self._pile:
                self._pile = [self.items[i] for i in self._rng.permutation(len(self.items))]
            item = self._pile.pop()
            if item in drawn:
                again.append(item)  # it belongs to the next round
            elif item not in taken:
                drawn.append(item)
        self._pile.extend(again)
        return drawn


class _Urn:
    """Draws items by their chances: a likely one may come twice before another comes once."""

    def __init__(self, items: Sequence[int], rng: np.random.Generator, chances: Chances) -> None:
        self.items, self._rng, self._chances = list(items), rng, chances

    def draw(self, n: int, taken: Collection[int] = ()) -> list[int]:
        """Up to ``n`` different items, none of them in ``taken``."""
        return self._chances.draw(self.items, n, taken, self._rng)


class Sampler:
    """Makes the batches of an epoch; class-balanced, seeded.

    Every batch has P classes and up to K slides of each (fewer where a class has fewer).
    Marked pairs are seated first, in turn: of a class pair both classes, of a slide pair
    both slides. Classes and slides take turns, so that none is left out for long.

    Parameters
    ----------
    y
        int64 (n,) class of each slide, as an index into ``classes``.
    slide_ids
        (n,) names of the slides.
    classes
        Class names, in the order that ``y`` counts.
    weights
        The marks; those that touch no slide or class here, or two slides of one class,
        seat nobody.
    classes_per_batch, slides_per_class
        P (at least 2 are seated if there are two classes) and K.
    rng
        Source of randomness: the same state gives the same batches.
    chances
        Slides of a class are drawn by these instead of in turn; ``None``: in turn.
    """

    def __init__(
        self,
        y: NDArray[np.int64],
        slide_ids: Sequence[str],
        classes: Sequence[str],
        weights: PairWeights,
        classes_per_batch: int,
        slides_per_class: int,
        rng: np.random.Generator,
        chances: Chances | None = None,
    ) -> None:
        self.y = y
        present = sorted({int(c) for c in y})
        self.n_classes = min(max(classes_per_batch, 2), len(present))
        self.n_slides = max(slides_per_class, 1)
        self._classes = _Deck(present, rng)
        members = {c: np.flatnonzero(y == c).tolist() for c in present}
        self._slides: dict[int, _Deck | _Urn] = {
            c: _Deck(slides, rng) if chances is None else _Urn(slides, rng, chances)
            for c, slides in members.items()
        }
        self._pairs = marked_pairs(y, slide_ids, classes, weights)
        self._turns = _Deck(range(len(self._pairs)), rng)
        self._waiting: int | None = None

    def epoch(self) -> list[NDArray[np.int64]]:
        """Batches of indices into ``y``, about as many slides in all as there are."""
        n_batches = ceil(len(self.y) / (self.n_classes * self.n_slides))
        return [self._batch() for _ in range(n_batches)]

    def _batch(self) -> NDArray[np.int64]:
        seats = self._seat_pairs()
        for c in self._classes.draw(self.n_classes - len(seats), seats):
            seats[c] = []
        batch: list[int] = []
        for c, slides in seats.items():
            batch += slides
            batch += self._slides[c].draw(self.n_slides - len(slides), slides)
        return np.array(batch, np.int64)

    def _seat_pairs(self) -> dict[int, list[int]]:
        """Class -> slides of the next marked pairs, as many pairs as there are seats for."""
        seats: dict[int, list[int]] = {}
        for _ in self._pairs:
            turn = self._waiting if self._waiting is not None else self._turns.draw(1)[0]
            trial = {c: list(slides) for c, slides in seats.items()}
            for c, slide in self._pairs[turn]:
                seated = trial.setdefault(c, [])
                if slide is not None and slide not in seated:
                    seated.append(slide)
            fits = len(trial) <= self.n_classes
            if not fits or any(len(s) > self.n_slides for s in trial.values()):
                self._waiting = turn  # first in the next batch
                break
            seats, self._waiting = trial, None
        return seats


Pair = tuple[tuple[int, int | None], tuple[int, int | None]]
"""Two sides, each (class, slide or ``None`` for any slide of the class), as indices."""


def marked_pairs(
    y: NDArray[np.int64], slide_ids: Sequence[str], classes: Sequence[str], weights: PairWeights
) -> list[Pair]:
    """Marked class pairs and slide pairs that can be negatives among these slides."""
    index = {name: i for i, name in enumerate(classes)}
    present = {int(c) for c in y}
    pairs: list[Pair] = []
    for a, b in np.argwhere(np.triu(weights.class_strength, 1) > 0):
        i, j = index.get(weights.classes[a], -1), index.get(weights.classes[b], -1)
        if i in present and j in present:
            pairs.append(((i, None), (j, None)))
    position = {slide_id: i for i, slide_id in enumerate(slide_ids)}
    for (first, second), strength in sorted(weights.slide_strength.items()):
        if strength > 0 and first in position and second in position:
            i, j = position[first], position[second]
            if y[i] != y[j]:
                pairs.append(((int(y[i]), i), (int(y[j]), j)))
    return pairs
