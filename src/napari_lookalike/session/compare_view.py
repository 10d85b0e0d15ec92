"""Two models side by side, as text: what got worse first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from napari_lookalike.core.comparison import verdict
from napari_lookalike.core.signed import decimals, percent, points, probability, signed
from napari_lookalike.core.version_compare import ChangedSlide, VersionComparison
from napari_lookalike.session.needs import count

Tone = Literal["", "good", "bad"]
TURNS = {"spoiled": "now wrong", "mended": "now right", "other": ""}


@dataclass(frozen=True)
class ComparedRow:
    """One figure before and after the fine-tuning.

    Parameters
    ----------
    name
        What it is.
    before, after
        As text.
    change
        The difference with its 95 % interval, as text.
    tone
        "good" or "bad" where the interval leaves no doubt; else empty.
    before_ends, after_ends
        Ends of the 95 % interval of each alone ("12 to 40"); empty where unknown.
    """

    name: str
    before: str
    after: str
    change: str
    tone: Tone = ""
    before_ends: str = ""
    after_ends: str = ""


@dataclass(frozen=True)
class ChangedRow:
    """A slide whose prediction changed.

    Parameters
    ----------
    slide_id
        The slide.
    text
        What was said and what is said now.
    tone
        "bad" where a right answer became wrong, "good" where a wrong one became right.
    """

    slide_id: str
    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class CompareView:
    """What a comparison shows.

    Parameters
    ----------
    before, after
        Names of the two versions.
    fell
        Classes whose recall fell, one sentence each: shown first.
    verdict
        Whether the later one is better on the marked pairs, honestly.
    rows
        Figures side by side.
    changed_title
        How many predictions changed.
    changed
        Those slides.
    notes
        What to keep in mind.
    """

    before: str
    after: str
    fell: tuple[str, ...] = ()
    verdict: str = ""
    rows: tuple[ComparedRow, ...] = ()
    changed_title: str = ""
    changed: tuple[ChangedRow, ...] = ()
    notes: tuple[str, ...] = ()


def resolve_compare(found: VersionComparison) -> CompareView:
    """From a comparison to what is shown of it."""
    notes = list(found.notes)
    if found.moved is not None:
        notes.append(
            f"Of each slide's five nearest neighbours, {percent(found.moved)} are others now"
            " (in the embedding space, not on the map)."
        )
    return CompareView(
        found.before,
        found.after,
        fallen(found.figures),
        verdict_text(found.figures),
        compared_rows(found.figures),
        changed_title(found.changed, found.shared),
        changed_rows(found.changed),
        tuple(notes),
    )


def verdict_text(compared: Mapping[str, Any] | None) -> str:
    """Whether the later model is better; the classes that fell stand elsewhere."""
    if compared is None:
        return "The two models were not compared on the same held-out slides."
    return verdict({**compared, "got_worse": []})


def changed_title(changed: Sequence[ChangedSlide], shared: int) -> str:
    """How many predictions changed, and to which side."""
    if not shared:
        return "The two models speak of no slide in common."
    if not changed:
        return f"No prediction changed ({count(shared, 'slide')})."
    spoiled = sum(c.turn == "spoiled" for c in changed)
    mended = sum(c.turn == "mended" for c in changed)
    worth = f"{mended} now right, {spoiled} now wrong"
    return f"The prediction of {len(changed)} of {count(shared, 'slide')} changed: {worth}."


def changed_rows(changed: Sequence[ChangedSlide]) -> tuple[ChangedRow, ...]:
    """A row for each slide whose prediction changed."""
    tones: dict[str, Tone] = {"spoiled": "bad", "mended": "good", "other": ""}
    return tuple(ChangedRow(c.slide_id, _changed(c), tones[c.turn]) for c in changed)


def _changed(slide: ChangedSlide) -> str:
    said = (
        f"{slide.slide_id}: {slide.before} ({probability(slide.share_before)}) → "
        f"{slide.after} ({probability(slide.share_after)})"
    )
    worth = TURNS[slide.turn]
    if not worth and slide.label:
        worth = f"labelled {slide.label}"
    return f"{said}, {worth}" if worth else f"{said}, not labelled"


def compared_rows(compared: Mapping[str, Any] | None) -> tuple[ComparedRow, ...]:
    """Marked pairs first, then balanced accuracy, then the recall of each class."""
    if compared is None:
        return ()
    rows = []
    for name, figures in compared["pairs"].items():
        pair = name.replace(" | ", " / ")
        rows.append(_row(f"{pair}: confused", figures["confusion"], share=True, less=True))
        rows.append(_row(f"{pair}: margin (cosine)", figures["margin"]))
    rows.append(_row("Balanced accuracy", compared["balanced_accuracy"], share=True))
    for name, figures in compared["per_class_recall"].items():
        rows.append(_row(f"{name}: recall ({_slides(figures['n'])})", figures, share=True))
    return tuple(rows)


def fallen(compared: Mapping[str, Any] | None) -> tuple[str, ...]:
    """A sentence for each class whose recall fell, the deepest fall first."""
    if compared is None:
        return ()
    recall = compared["per_class_recall"]
    names = sorted(compared["got_worse"], key=lambda n: recall[n]["difference"]["value"] or 0.0)
    return tuple(
        f"{name}: recall fell from {percent(recall[name]['before'])}"
        f" to {percent(recall[name]['after'])}"
        f" ({_slides(recall[name]['n'])})."
        for name in names
    )


def _row(
    name: str, figures: Mapping[str, Any], *, share: bool = False, less: bool = False
) -> ComparedRow:
    change = figures["difference"]
    text = "–"
    tone: Tone = ""
    value, low, high = change["value"], change["low"], change["high"]
    if value is not None:
        text = points(value) if share else signed(value)
        if low is not None and high is not None:
            ends = f"{_end(low, share)} to {_end(high, share)}"
            text += f" ({ends})"
            if low > 0 or high < 0:
                tone = "good" if (high < 0) is less else "bad"
    before, after = figures["before"], figures["after"]
    return ComparedRow(
        name,
        _number(before, share),
        _number(after, share),
        text,
        tone,
        _ends(figures.get("before_interval"), share),
        _ends(figures.get("after_interval"), share),
    )


def _ends(interval: Sequence[float | None] | None, share: bool) -> str:
    if interval is None or None in interval:
        return ""
    return " to ".join(_number(v, share).removesuffix(" %") for v in interval)


def _slides(n: int) -> str:
    return count(n, "slide")


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "–"
    return percent(value) if share else decimals(value)


def _end(difference: float, share: bool) -> str:
    """One end of a difference's interval; the unit stands before it."""
    return signed(100 * difference, 0) if share else signed(difference)
