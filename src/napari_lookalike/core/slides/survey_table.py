"""The tables of `docs/formats.md`, from what was tried."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.slides.survey import OPENSLIDE, Tried

BEGIN = "<!-- napari-lookalike formats: begin -->"
END = "<!-- napari-lookalike formats: end -->"

_NUMBERS = re.compile(r"differs by [^)]*")
_REASONS = re.compile(r"^No reader can open it \((.*)\)\.$")
_DULL = (
    "OpenSlide: not a format that it knows",
    "tifffile: not a TIFF",
    "OME-Zarr: not a folder",
    "JPEG and PNG: not a JPEG",
)

OPENED = ("format", "compression", "back end", "decoder", "µm per pixel", "levels", "tried with")
REFUSED = ("slide", "why not")
FAMILIES = ("OpenSlide reads", "tried")


class NoMarkers(LookalikeError):
    """A page has no place for the tables."""


def opened_rows(tried: Iterable[Tried]) -> list[list[str]]:
    """A row for each kind of slide that opened, with all slides of that kind."""
    kinds: dict[tuple[str, ...], list[Tried]] = {}
    kind: tuple[str, ...]
    for one in tried:
        if one.opened:
            decoder = _NUMBERS.sub("differs from OpenSlide", one.decoder)
            kind = (one.format, one.compression, one.backend, decoder, _source(one))
            kinds.setdefault(kind, []).append(one)
    rows = []
    for kind in sorted(kinds):
        levels = sorted({one.levels for one in kinds[kind]})
        names = ", ".join(one.name for one in kinds[kind])
        rows.append([*kind, ", ".join(map(str, levels)), names])
    return rows


def _source(one: Tried) -> str:
    if one.mpp is not None:
        return one.mpp_source
    return (
        "stated, not believed" if one.mpp_reason and "not state" not in one.mpp_reason else "none"
    )


def refused_rows(tried: Iterable[Tried]) -> list[list[str]]:
    """A row for each slide that did not open."""
    return [[one.name, _short(one.reason)] for one in tried if not one.opened]


def _short(reason: str) -> str:
    """What back ends for other kinds of files say is left out, unless there is nothing else."""
    found = _REASONS.search(reason)
    if found is None:
        return reason
    each = found[1].split("; ")
    return "; ".join([r for r in each if not r.startswith(_DULL)] or each[:2])


def family_rows(tried: Sequence[Tried]) -> list[list[str]]:
    """A row for each family that OpenSlide lists: what was tried of it, or that nothing was."""
    rows = []
    for vendor, title in OPENSLIDE.items():
        count = sum(one.opened and one.vendor == vendor for one in tried)
        rows.append(
            [title, f"{count} opened" if count else "**not tried**: no such file was there"]
        )
    return rows


def markdown(tried: Sequence[Tried]) -> str:
    """All three tables."""
    parts = [
        _table(OPENED, opened_rows(tried)),
        "Refused, each with its reason:",
        _table(REFUSED, refused_rows(tried)),
        "And of what OpenSlide 4 lists:",
        _table(FAMILIES, family_rows(tried)),
    ]
    return "\n\n".join(parts)


def _table(columns: Sequence[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(c) for c in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def update_page(page: Path, tried: Sequence[Tried]) -> None:
    """Write the tables between the markers of a page.

    Raises
    ------
    NoMarkers
        If it has none.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkers("The page has no place for the tables.", f"Put {BEGIN} and {END} into it.")
    made = f"{before}{BEGIN}\n\n{markdown(tried)}\n\n{END}{after}"
    page.write_text(made, encoding="utf-8")
