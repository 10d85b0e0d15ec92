"""What a suggestion is: a pair, and what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_lookalike.core.hard_negatives.answers import Decision

Level = Literal["slide", "subtype"]
Source = Literal["confusion", "expert", "entropy", "neighbours", "textbook"]
Key = tuple[str, str, str]
"""(level, first side, second side), the sides in alphabetical order."""

SOURCE_TITLES: dict[Source, str] = {
    "confusion": "Confused by the model",
    "expert": "Marked by another expert",
    "entropy": "Between two subtypes",
    "neighbours": "Near each other",
    "textbook": "Textbook look-alike",
}
"""How each source is called on the screen."""


def pair_key(level: str, a: str, b: str) -> Key:
    """The same for the same pair in either order."""
    first, second = sorted((a, b))
    return level, first, second


@dataclass(frozen=True)
class Hint:
    """One thing that speaks for a pair.

    Parameters
    ----------
    level
        Two slides, or two subtypes.
    a, b
        slide_ids, or subtypes.
    subtypes
        Labels of the two sides.
    source
        Where it comes from.
    value
        How much it speaks for the pair, 0 to 1 (docs/design/suggestions.md says how).
    text
        The same as a sentence.
    slides
        For a pair of subtypes: two slides that show it, or two empty strings.
    test
        What tells the two apart; empty where nobody says so.
    strength
        How easily they are confused, 0 to 1, where somebody says so; else 0.
    """

    level: Level
    a: str
    b: str
    subtypes: tuple[str, str]
    source: Source
    value: float
    text: str
    slides: tuple[str, str] = ("", "")
    test: str = ""
    strength: float = 0.0

    @property
    def key(self) -> Key:
        """The same for the same pair in either order."""
        return pair_key(self.level, self.a, self.b)

    def turned(self) -> Hint:
        """The same hint with its sides exchanged."""
        (sa, sb), (pa, pb) = self.subtypes, self.slides
        return Hint(
            self.level, self.b, self.a, (sb, sa), self.source, self.value, self.text,
            (pb, pa), self.test, self.strength,
        )  # fmt: skip


@dataclass(frozen=True)
class Hints:
    """All that was found in a cohort and what a model says of it.

    Parameters
    ----------
    found
        One per pair and source.
    examples
        Sorted pair of subtypes -> two slides that show it, in the same order.
    version
        Model version; empty without a model.
    """

    found: tuple[Hint, ...] = ()
    examples: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = ()
    version: str = ""


@dataclass(frozen=True)
class Suggestion:
    """A pair to look at.

    Parameters
    ----------
    level
        Two slides, or two subtypes.
    a, b
        slide_ids, or subtypes.
    subtypes
        Labels of the two sides.
    slides
        The two slides to show; empty strings where none is known.
    score
        Its place in the queue follows from it, 0 to 1.
    reasons
        What speaks for it, the strongest first.
    test
        What tells the two apart, "to be confirmed by a neuropathologist"; may be empty.
    strength
        What to fill in as strength, 0 to 1.
    later
        Whether this expert put it off.
    looked_at
        Whether somebody marked or rejected the two subtypes already.
    rejections
        Answers of other experts who rejected the pair, oldest first.
    """

    level: Level
    a: str
    b: str
    subtypes: tuple[str, str]
    slides: tuple[str, str]
    score: float
    reasons: tuple[Hint, ...]
    test: str = ""
    strength: float = 0.75
    later: bool = False
    looked_at: bool = False
    rejections: tuple[Decision, ...] = ()

    @property
    def key(self) -> Key:
        """The same for the same pair in either order."""
        return pair_key(self.level, self.a, self.b)

    @property
    def said_no(self) -> tuple[str, ...]:
        """Other experts who rejected the pair."""
        return tuple(answer.who or "somebody" for answer in self.rejections)

    @property
    def source(self) -> Source:
        """Where the strongest reason comes from."""
        return self.reasons[0].source
