"""Textbook look-alikes: a starter table that a neuropathologist is to confirm and to edit.

Two CSV files come with the package: `textbook.csv` has the pairs, each with what tells the
two apart, and `textbook_names.csv` other names of each tumour and what it is a kind of. A
copy of the first in the project folder (`write_project_textbook`) is used instead, whatever
was changed in it; it may also name the cohort's own labels.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from napari_lookalike.core.errors import ManifestError, ProjectError
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.suggest.types import Hint

FILE_NAME = "lookalike_textbook.csv"
CONFIRM = "to be confirmed by a neuropathologist"
COLUMNS = ("subtype_a", "subtype_b", "why", "test", "strength", "source", "confirmed_by")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One pair of the table.

    Parameters
    ----------
    a, b
        Names of two tumours, or labels of the cohort.
    why
        Why they look alike.
    test
        What tells them apart.
    strength
        How easily they are confused, above 0, up to 1: a suggestion.
    source
        Where it is from.
    confirmed_by
        Which neuropathologist stands for it; empty = nobody yet.
    """

    a: str
    b: str
    why: str
    test: str
    strength: float
    source: str = ""
    confirmed_by: str = ""

    @property
    def standing(self) -> str:
        """Who stands for it, or that nobody does yet."""
        return f"confirmed by {self.confirmed_by}" if self.confirmed_by else CONFIRM


@dataclass(frozen=True)
class Textbook:
    """The table in use.

    Parameters
    ----------
    entries
        Its pairs.
    own
        Whether it is the project's copy.
    problems
        (line, sentence) of rows that were left out.
    """

    entries: tuple[Entry, ...] = ()
    own: bool = False
    problems: tuple[tuple[int, str], ...] = field(default=())

    def hints(self, labels: Iterable[str]) -> list[Hint]:
        """The pairs of which both sides are among these labels, the strongest entry of each.

        Parameters
        ----------
        labels
            Labels in use.
        """
        best: dict[tuple[str, str], Hint] = {}
        known = [(label, names_of(label)) for label in labels]
        for entry in self.entries:
            a, b = simple(entry.a), simple(entry.b)
            for first, first_names in known:
                for second, second_names in known if a in first_names else ():
                    if first == second or b not in second_names:
                        continue
                    hint = _hint(entry, first, second)
                    there = best.get((hint.a, hint.b))
                    if there is None or hint.value > there.value:
                        best[hint.a, hint.b] = hint
        return list(best.values())


def _hint(entry: Entry, first: str, second: str) -> Hint:
    names = (first, second) if first < second else (second, first)
    text = f"{entry.why} ({entry.standing})."
    value = entry.strength
    return Hint(
        "subtype", *names, names, "textbook", value, text, test=entry.test, strength=value
    )  # fmt: skip


def simple(name: str) -> str:
    """A name without capitals, punctuation and spelling variants, as words."""
    words = re.sub(r"[^0-9a-z]+", " ", name.casefold().replace("β", "beta")).split()
    return " ".join("tumour" if w == "tumor" else w for w in words)


def names_of(label: str) -> frozenset[str]:
    """The tumours that a label stands for: itself, the longest name in it, and its kinds.

    A name is found as whole words: "AT/RT-like" holds "AT/RT". Of several, the longest
    counts: "desmoplastic infantile ganglioglioma" is not a ganglioglioma.

    Parameters
    ----------
    label
        As the cohort has it.
    """
    text = f" {simple(label)} "
    found = {simple(label)}
    inside = [(len(name), owner) for name, owner in _names().items() if f" {name} " in text]
    owner = max(inside)[1] if inside else ""
    while owner:
        found.add(owner)
        owner = _kinds().get(owner, "")
    return frozenset(found)


@cache
def _table() -> tuple[dict[str, str], ...]:
    text = (_HERE / "textbook_names.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


@cache
def _names() -> dict[str, str]:
    """Every name -> the tumour's first name, both simplified."""
    found: dict[str, str] = {}
    for row in _table():
        for name in (row["name"], *row["also"].split(";")):
            if name.strip():
                found[simple(name)] = simple(row["name"])
    return found


@cache
def _kinds() -> dict[str, str]:
    """Tumour -> what it is a kind of, both simplified."""
    return {simple(row["name"]): simple(row["kind_of"]) for row in _table()}


def read_textbook(root: Path | None = None) -> Textbook:
    """The project's copy if there is one, else the table that comes with the package.

    Parameters
    ----------
    root
        The project folder, or ``None``.

    Raises
    ------
    ManifestError
        If the project's copy cannot be read or lacks a column; wrong rows are left out and
        named in `Textbook.problems`.
    """
    own = root is not None and (root / FILE_NAME).is_file()
    path = root / FILE_NAME if own and root is not None else _HERE / "textbook.csv"
    try:
        # Spreadsheets write a byte-order mark; one that is not there is no harm.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ManifestError(
            f"The table of textbook look-alikes ({FILE_NAME}) cannot be read.",
            "Save it as CSV (UTF-8), or delete it to use the one that comes with the program.",
        ) from None
    dialect = "excel" if text.split("\n", 1)[0].count(";") < 3 else _Semicolons
    rows = csv.DictReader(io.StringIO(text), dialect=dialect)
    lacking = [c for c in COLUMNS[:5] if c not in (rows.fieldnames or ())]
    if lacking:
        raise ManifestError(
            f"The table of textbook look-alikes lacks the column {lacking[0]}.",
            f"Its first line must be {','.join(COLUMNS)}.",
        )
    entries, problems = [], []
    for row in rows:
        entry, problem = _entry(row)
        if entry is not None:
            entries.append(entry)
        elif problem:
            problems.append((rows.line_num, problem))
    return Textbook(tuple(entries), own, tuple(problems))


class _Semicolons(csv.excel):
    """What spreadsheets write where the comma is the decimal point."""

    delimiter = ";"


def _entry(row: dict[str, str | None]) -> tuple[Entry | None, str]:
    """A row as an entry, or what is wrong with it; neither for an empty row."""
    value = {c: (row.get(c) or "").strip() for c in COLUMNS}
    if not any(value.values()):
        return None, ""
    if not value["subtype_a"] or not value["subtype_b"]:
        return None, "A subtype is missing."
    try:
        strength = float(value["strength"].replace(",", "."))
    except ValueError:
        return None, "The strength is no number."
    if not 0 < strength <= 1:
        return None, "The strength is not above 0 and up to 1."
    return Entry(
        value["subtype_a"], value["subtype_b"], value["why"], value["test"], strength,
        value["source"], value["confirmed_by"],
    ), ""  # fmt: skip


def write_project_textbook(root: Path) -> Path:
    """Put a copy of the starter table into the project folder, to be edited; its path.

    A copy that is there is left as it is.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    path = root / FILE_NAME
    if not path.exists():
        write_atomic(path, _copy)
    if not path.is_file():
        raise ProjectError(f"{FILE_NAME} is no file.", "Rename it, and try again.")
    return path


def _copy(path: Path) -> None:
    shutil.copyfile(_HERE / "textbook.csv", path)
