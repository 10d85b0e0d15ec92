"""Any two model versions of a project, side by side: only where both speak of the same slides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from napari_lookalike.core.comparison import compare
from napari_lookalike.core.heldout import named_pairs
from napari_lookalike.core.projection import neighbour_change
from napari_lookalike.core.results import ModelResults, SlideResult

Turn = Literal["spoiled", "mended", "other"]
"""A right answer became wrong, a wrong one right, or neither (also where nobody knows)."""
MOST_FOR_NEIGHBOURS = 4000
ORDER: tuple[Turn, ...] = ("spoiled", "mended", "other")


@dataclass(frozen=True)
class ChangedSlide:
    """A slide that the two versions call by different names.

    Parameters
    ----------
    slide_id
        The slide.
    label
        Its subtype as the later version was taught; empty if it has none.
    before, after
        What each says.
    share_before, share_after
        The probability that each gives to its own answer, 0 to 1.
    turn
        What the change is worth.
    """

    slide_id: str
    label: str
    before: str
    after: str
    share_before: float
    share_after: float
    turn: Turn


@dataclass(frozen=True)
class VersionComparison:
    """Two versions side by side.

    Parameters
    ----------
    before, after
        Names of the versions.
    figures
        See `comparison.compare`; ``None`` where no slide was held out by both under the same
        label, since a comparison on different slides would say nothing.
    changed
        Slides whose answer differs: spoiled first, then mended, then the others.
    shared
        How many slides both versions answer.
    moved
        Mean share of a slide's five nearest neighbours that are others now, in the embedding
        space; ``None`` with fewer than three slides in common, or more than
        `MOST_FOR_NEIGHBOURS`.
    notes
        What to keep in mind, in sentences.
    """

    before: str
    after: str
    figures: Mapping[str, Any] | None
    changed: tuple[ChangedSlide, ...]
    shared: int
    moved: float | None
    notes: tuple[str, ...] = ()


def compare_versions(
    before: ModelResults,
    after: ModelResults,
    pairs: Iterable[tuple[str, str]] = (),
    seed: int = 0,
) -> VersionComparison:
    """Compare two versions, whether or not one was made from the other.

    Every answer in a version's results is by a network that never saw the slide's patient.
    The figures are paired: of the slides that both versions held out under the same label,
    with the same patients drawn for both.

    Parameters
    ----------
    before, after
        What the two versions say.
    pairs
        Pairs of subtypes to look at, besides those that were marked for either version.
    seed
        Of the bootstrap.
    """
    figures = _figures(before, after, pairs, seed)
    shared = len(before.slides.keys() & after.slides.keys())
    # Beyond, all distances between slides would take gigabytes.
    moved = neighbour_change(before, after) if shared <= MOST_FOR_NEIGHBOURS else {}
    return VersionComparison(
        before.version,
        after.version,
        figures,
        changed_slides(before, after),
        shared,
        sum(moved.values()) / len(moved) if moved else None,
        _notes(before, after, figures),
    )


def changed_slides(before: ModelResults, after: ModelResults) -> tuple[ChangedSlide, ...]:
    """Slides that both versions answer, and call by different names."""
    labels = {**_true(before), **_true(after)}
    found = []
    for slide_id, now in after.slides.items():
        was = before.slides.get(slide_id)
        if was is None:
            continue
        (old, share_before), (new, share_after) = _said(before, was), _said(after, now)
        if old != new:
            label = labels.get(slide_id, "")
            turn: Turn = "spoiled" if old == label else "mended" if new == label else "other"
            found.append(ChangedSlide(slide_id, label, old, new, share_before, share_after, turn))
    return tuple(sorted(found, key=lambda c: (ORDER.index(c.turn), c.slide_id)))


def marked_in(results: ModelResults) -> tuple[str, ...]:
    """Names ("A | B") of the pairs that were marked when a version was trained."""
    metrics = results.metrics
    return tuple(metrics.get("marked_pairs", metrics.get("pairs", ())))


def _said(results: ModelResults, slide: SlideResult) -> tuple[str, float]:
    best = int(slide.ranking[0])
    return results.classes[best], float(slide.probabilities[best])


def _true(results: ModelResults) -> dict[str, str]:
    """slide_id -> the label that the version was taught, of the slides that it held out."""
    stored = results.metrics.get("slides")
    if not stored:
        return {}
    classes = stored["classes"]
    return {s: classes[y] for s, y in zip(stored["slide_ids"], stored["true"], strict=True)}


def _figures(
    before: ModelResults, after: ModelResults, pairs: Iterable[tuple[str, str]], seed: int
) -> Mapping[str, Any] | None:
    if not (before.metrics.get("slides") and after.metrics.get("slides")):
        return None
    classes = tuple(dict.fromkeys((*after.classes, *before.classes)))
    names = dict.fromkeys((*marked_in(after), *marked_in(before)))
    wanted = [*pairs, *named_pairs(names, classes)]
    found = compare(before.metrics, after.metrics, wanted, seed)
    # What evidence tiles did was found out in the training: they are not to be kept unseen.
    taught = after.metrics.get("evidence")
    if taught:
        found["evidence"] = taught["sentence"]
    return found if found["n_slides"] else None


def _notes(
    before: ModelResults, after: ModelResults, figures: Mapping[str, Any] | None
) -> tuple[str, ...]:
    old, new = _true(before), _true(after)
    notes = []
    if figures is None:
        notes.append(
            "No slide was held out by both under the same label: there are no figures to compare."
        )
    else:
        n = figures["n_slides"]
        if n < max(len(old), len(new)):
            notes.append(
                f"Compared on {n} slides that both held out under the same label, of "
                f"{len(old)} of {before.version} and {len(new)} of {after.version}."
            )
    relabelled = sum(old[s] != new[s] for s in old.keys() & new.keys())
    if relabelled:
        slides = "1 slide has" if relabelled == 1 else f"{relabelled} slides have"
        notes.append(f"{slides} another label in each of them: not compared.")
    notes += _unlike(before, after)
    return tuple(notes)


def _unlike(before: ModelResults, after: ModelResults) -> list[str]:
    """What else sets the two apart."""
    said = []
    one, two = (str(r.card.get("encoder", "")) for r in (before, after))
    if one != two:
        said.append(f"They read features of different encoders: {one or '?'} and {two or '?'}.")
    for mine, other in ((before, after), (after, before)):
        lacking = [c for c in other.classes if c not in mine.classes]
        if lacking:
            said.append(f"{mine.version} does not know {', '.join(lacking)}.")
    if _folds(before) != _folds(after):
        said.append(
            "Their folds differ, so each slide's answer comes from another share of the cohort. "
            "The intervals cover the choice of patients, not that of folds."
        )
    return said


def _folds(results: ModelResults) -> frozenset[frozenset[str]]:
    """Which slides were held out together: the same whatever the folds' numbers are."""
    together: dict[int, set[str]] = {}
    for slide in results.slides.values():
        if slide.held_out:
            together.setdefault(slide.fold, set()).add(slide.slide_id)
    return frozenset(frozenset(s) for s in together.values())
