"""What several experts said of the same slides: counted, kept beside the project's marks.

Where experts differ, the class loss learns their shares instead of one label. Only counts are
kept: who voted how is nobody's business in a training.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project_file import write_atomic

FILE = "votes.json"

Votes = Mapping[str, Mapping[str, int]]
"""slide_id -> subtype -> how many experts said so."""


def read_votes_csv(path: Path, cohort: Cohort) -> tuple[dict[str, dict[str, int]], tuple[str, ...]]:
    """Count the votes of a table with a row for each vote.

    Parameters
    ----------
    path
        CSV with the columns ``slide_id`` and ``label``; others (who, when) are not read.
        Commas, semicolons and tabs are understood.
    cohort
        Its slides and subtypes.

    Returns
    -------
    votes, notes
        Counts, and sentences about rows that were left out.

    Raises
    ------
    ProjectError
        If the file cannot be read or lacks a column, or no row fits the cohort.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ProjectError(
            "The table of votes cannot be read.", "Save it as CSV in UTF-8."
        ) from None
    if not rows or not {"slide_id", "label"} <= set(rows[0]):
        raise ProjectError(
            "The table of votes needs the columns slide_id and label, a row for each vote.",
            "Add them, then try again.",
        )
    votes: dict[str, dict[str, int]] = {}
    slides = other = 0
    for row in rows:
        slide_id, label = (row["slide_id"] or "").strip(), (row["label"] or "").strip()
        if slide_id not in cohort:
            slides += 1
        elif label not in cohort.classes:
            other += 1
        else:
            counts = votes.setdefault(slide_id, {})
            counts[label] = counts.get(label, 0) + 1
    if not votes:
        raise ProjectError(
            "No vote is of a slide and a subtype of this project.",
            "Check the slide_ids and labels of the table.",
        )
    told = ((slides, "of slides that are not in the project"), (other, "for no subtype of it"))
    return votes, tuple(f"{n} votes {what} were left out." for n, what in told if n)


def save_votes(root: Path, votes: Votes) -> None:
    """Keep votes in a project folder, in place of former ones.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    text = json.dumps(votes, indent=1, sort_keys=True, ensure_ascii=False)

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    write_atomic(root / FILE, write)


def load_votes(root: Path) -> dict[str, dict[str, int]]:
    """The votes that a project folder holds; empty if there are none.

    Raises
    ------
    ProjectError
        If the file is damaged: import the votes again.
    """
    try:
        found = json.loads((root / FILE).read_text(encoding="utf-8"))
        return {
            str(slide): {str(label): int(n) for label, n in counts.items()}
            for slide, counts in found.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError):
        raise ProjectError(
            "The project's votes cannot be read.", "Import the table of votes again."
        ) from None
