"""What an import inferred, and how sure it is: values for a person to read before they say yes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

How = Literal["stated", "measured", "given", "worked out", "guessed"]
"""How a value is known, surest first (what the user gave is taken as it is)."""

HOW: dict[How, str] = {
    "stated": "the file says so",
    "measured": "measured on the slide",
    "given": "given by you",
    "worked out": "worked out",
    "guessed": "guessed: please check",
}


@dataclass(frozen=True)
class Known(Generic[T]):
    """A value with how it is known.

    Parameters
    ----------
    value
        The value.
    how
        How it is known.
    why
        A sentence for a person. Names no file.
    """

    value: T
    how: How
    why: str


@dataclass(frozen=True)
class Fact:
    """One line of the report.

    Parameters
    ----------
    field
        What it is about ("tile size").
    value
        The value with its unit, as text.
    how
        How it is known.
    why
        A sentence for a person.
    """

    field: str
    value: str
    how: How
    why: str


@dataclass(frozen=True)
class SlideReport:
    """What was found for one slide of the cohort.

    Parameters
    ----------
    slide_id
        The slide.
    facts
        What is known of its tiles.
    tiles, dim
        Shape of its vectors; for a map, ``dim`` is its number of columns.
    problem
        Why it is not imported, with the remedy; empty if it can be.
    warnings
        Sentences about what looks wrong but does not stop it.
    written
        Whether it was written.
    """

    slide_id: str
    facts: tuple[Fact, ...] = ()
    tiles: int = 0
    dim: int = 0
    problem: str = ""
    warnings: tuple[str, ...] = ()
    written: bool = False


@dataclass(frozen=True)
class ImportReport:
    """What an import found, and what it wrote.

    Parameters
    ----------
    kind
        Name in `IMPORTERS`.
    title
        The same for a person.
    content
        "features" or "maps".
    name
        What the project's encoder (``imported:...``) or the map is called from now on.
    facts
        What holds for all slides; where slides differ, the value says so.
    slides
        One report for each slide that a file was found for.
    unmatched
        Names of files that belong to no slide of the cohort. They can name a patient:
        for the screen of whoever chose the folder, and nowhere else.
    absent
        slide_ids that no file was found for.
    written
        Whether this was more than a check.
    """

    kind: str
    title: str
    content: Literal["features", "maps"]
    name: str
    facts: tuple[Fact, ...] = ()
    slides: tuple[SlideReport, ...] = ()
    unmatched: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    written: bool = False

    @property
    def good(self) -> tuple[SlideReport, ...]:
        """Slides that can be (or were) imported."""
        return tuple(s for s in self.slides if not s.problem)

    @property
    def problems(self) -> dict[str, str]:
        """slide_id -> why it is not imported."""
        return {s.slide_id: s.problem for s in self.slides if s.problem}

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each thing that looks wrong, with the slide's name."""
        return tuple(f"{s.slide_id}: {text}" for s in self.slides for text in s.warnings)


RANK: tuple[How, ...] = ("guessed", "worked out", "given", "measured", "stated")
"""Least sure first."""


def together(slides: tuple[SlideReport, ...]) -> tuple[Fact, ...]:
    """The facts of all slides as one list: the same value once, different ones as such.

    Parameters
    ----------
    slides
        Reports of slides that are imported together.

    Returns
    -------
    tuple of Fact
        In the order of the first slide's. How sure: as of the least sure slide.
    """
    order = dict.fromkeys(fact.field for slide in slides for fact in slide.facts)
    return tuple(_one(field, slides) for field in order)


def _one(field: str, slides: tuple[SlideReport, ...]) -> Fact:
    found = [fact for slide in slides for fact in slide.facts if fact.field == field]
    least = min(found, key=lambda fact: RANK.index(fact.how))
    values = list(dict.fromkeys(fact.value for fact in found))
    if len(values) == 1:
        return least
    shown = f"{values[0]} … {values[-1]}" if len(values) == 2 else f"{len(values)} values"
    examples = ", ".join(values[:3]) + (" …" if len(values) > 3 else "")
    return Fact(field, shown, least.how, f"Slides differ ({examples}). {least.why}")
