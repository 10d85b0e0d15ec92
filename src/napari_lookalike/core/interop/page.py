"""The tables of docs/interop.md, made from the registries."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.interop.formats import EXPORTERS, IMPORTERS

BEGIN, END = "<!-- interop tables: begin -->", "<!-- interop tables: end -->"


def markdown() -> str:
    """What comes in and what goes out, as two tables."""
    lines = [
        "## What comes in",
        "",
        "| kind | from | files | coordinates | size of a tile | becomes |",
        "|---|---|---|---|---|---|",
    ]
    for entry in IMPORTERS:
        i = entry.item
        lines.append(
            f"| `{i.name}` | {i.title} | {i.files} | {i.places} | {i.tile} | {i.content} |"
        )
    lines += [
        "",
        "## What goes out",
        "",
        "| kind | what | files | opens in | what in it could point to a patient |",
        "|---|---|---|---|---|",
    ]
    for exported in EXPORTERS:
        e = exported.item
        lines.append(f"| `{e.name}` | {e.title} | {e.files} | {e.opens_in} | {e.identity} |")
    return "\n".join(lines)


def updated(text: str) -> str:
    """A page with the tables between its markers as they are now."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown()}\n\n{END}{after}"


def update(page: Path) -> None:
    """Write the tables into the page."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")
