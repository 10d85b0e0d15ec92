"""Pieces of HTML; every text is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

Values = Mapping[str, Any]


def heading(words: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{escape(words)}</h{level}>"


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph; empty words give nothing."""
    if not words:
        return ""
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def bullets(sentences: Iterable[str]) -> str:
    """A list of sentences; nothing if there are none."""
    items = "".join(f"<li>{escape(s)}</li>" for s in sentences)
    return f"<ul>{items}</ul>" if items else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are set to the right."""
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return _wide(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _wide(table: str) -> str:
    """A table that is moved sideways by itself where it is wider than the window."""
    return f'<div class="wide">{table}</div>'


def _cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td class="n">{value:g}</td>'
    return f"<td>{escape(str(value))}</td>"


def number(value: float | None, digits: int = 2) -> str:
    """A number or a dash."""
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def interval(figure: Values | None, digits: int = 2) -> tuple[str, str]:
    """A figure's two cells: value, and interval."""
    if figure is None or figure["value"] is None:
        return "undefined", "–"
    if figure["low"] is None or figure["high"] is None:
        return number(figure["value"], digits), "–"
    low, high = number(figure["low"], digits), number(figure["high"], digits)
    return number(figure["value"], digits), f"{low} to {high}"


def confusion_table(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> str:
    """Slides by true (rows) and predicted subtype, shaded by the share of the row."""
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in classes)
    rows = []
    for i, (name, row) in enumerate(zip(classes, matrix, strict=True)):
        total = sum(row)
        cells = "".join(_confusion_cell(n, total, i == j) for j, n in enumerate(row))
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th>{cells}<td class="n">{total}</td></tr>'
        )
    return _wide(
        f"<table><thead><tr><th>true ↓ predicted →</th>{head}<th>slides</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _confusion_cell(n: int, total: int, own: bool) -> str:
    share = n / total if total else 0.0
    colour = "0, 114, 178" if own else "213, 94, 0"
    kind = "n own" if own else "n"
    words = f"{n} ({share:.0%})" if n else "0"
    return f'<td class="{kind}" style="background: rgba({colour}, {0.55 * share:.2f})">{words}</td>'
