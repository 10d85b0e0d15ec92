"""Which confusions of the matrix somebody has looked at, and which nobody has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Standing = Literal["marked", "rejected", "open"]


@dataclass(frozen=True)
class PairCoverage:
    """One pair of subtypes that the model confused.

    Parameters
    ----------
    subtypes
        The two, in alphabetical order.
    a_as_b, b_as_a
        Held-out slides of the first that were taken for the second, and the other way.
    of
        Held-out slides of the two.
    standing
        "marked" (a mark joins the two, or two slides of them), "rejected" (somebody said
        that they are no look-alikes), or "open" (nobody looked).
    who
        By whom.
    """

    subtypes: tuple[str, str]
    a_as_b: int
    b_as_a: int
    of: int
    standing: Standing = "open"
    who: str = ""

    @property
    def confused(self) -> int:
        """Slides that were taken for the other one."""
        return self.a_as_b + self.b_as_a


@dataclass(frozen=True)
class Coverage:
    """How much of what the model confuses was looked at.

    Parameters
    ----------
    pairs
        Pairs that were confused at all: open ones first, then by confused slides.
    """

    pairs: tuple[PairCoverage, ...] = ()

    @property
    def confusions(self) -> int:
        """Held-out slides that were taken for another subtype."""
        return sum(p.confused for p in self.pairs)

    @property
    def covered(self) -> int:
        """Of these, those of pairs that somebody looked at."""
        return sum(p.confused for p in self.pairs if p.standing != "open")

    @property
    def share(self) -> float:
        """Covered confusions as a share; 1 where nothing is confused."""
        return self.covered / self.confusions if self.confusions else 1.0

    @property
    def open_pairs(self) -> int:
        """Confused pairs that nobody looked at."""
        return sum(p.standing == "open" for p in self.pairs)


def coverage(
    classes: Sequence[str],
    matrix: NDArray[np.integer] | Sequence[Sequence[int]],
    looked: Mapping[tuple[str, str], tuple[str, str]],
) -> Coverage:
    """The coverage of a confusion matrix.

    Parameters
    ----------
    classes
        Class names.
    matrix
        (n_classes, n_classes) held-out slides; rows are true classes.
    looked
        From `rank.looked_at`.
    """
    m = np.asarray(matrix, np.int64)
    found = []
    for i in range(len(classes)):
        for j in range(i + 1, len(classes)):
            a, b = (i, j) if classes[i] <= classes[j] else (j, i)
            if not m[a, b] + m[b, a]:
                continue
            names = classes[a], classes[b]
            standing, who = looked.get(names, ("open", ""))
            known: Standing = "marked" if standing == "marked" else "rejected"
            found.append(
                PairCoverage(
                    names,
                    int(m[a, b]),
                    int(m[b, a]),
                    int(m[a].sum() + m[b].sum()),
                    "open" if standing == "open" else known,
                    who,
                )
            )
    found.sort(key=lambda p: (p.standing != "open", -p.confused, p.subtypes))
    return Coverage(tuple(found))
