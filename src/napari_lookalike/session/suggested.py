"""What a session knows of suggestions: frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.suggest.decisions import Decision
from napari_lookalike.core.suggest.everything import Found
from napari_lookalike.core.suggest.types import Key, Level


@dataclass(frozen=True, eq=False)
class Suggested:
    """The queue is computed from it and from the marks (`suggestions.queue`).

    Parameters
    ----------
    found
        What was found in the project; ``None`` until somebody looked.
    looking
        Whether somebody is looking.
    decisions
        What was answered so far, by whom, oldest first.
    at
        Which suggestion is shown; ``None`` = the first.
    """

    found: Found | None = None
    looking: bool = False
    decisions: tuple[Decision, ...] = ()
    at: Key | None = None


@dataclass(frozen=True)
class Proposal:
    """A pair that waits to be marked, with everything filled in.

    Parameters
    ----------
    level
        Two slides, or two subtypes.
    slides
        The two slides to show.
    subtypes
        Their labels, in the same order.
    strength
        0 to 1.
    reason
        Why they look alike; may be empty.
    test
        What tells them apart; may be empty.
    sources
        What had spoken for it.
    answers
        The suggestion that a mark would answer; ``None`` if it is none.
    """

    level: Level
    slides: tuple[str, str]
    subtypes: tuple[str, str]
    strength: float = 0.75
    reason: str = ""
    test: str = ""
    sources: tuple[str, ...] = ()
    answers: Key | None = None

    @property
    def sides(self) -> tuple[str, str]:
        """What the mark would join."""
        return self.slides if self.level == "slide" else self.subtypes
