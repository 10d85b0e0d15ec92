"""What experts said to suggestions: rows of the table of marks, and a file of older versions.

Answers lie beside the marks (`hard_negatives.answers`), so that colleagues who share a table
see each other's. Older versions kept them in a file (`hard_negatives.old_answers`).
"""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.hard_negatives.answers import Decision, latest
from napari_lookalike.core.hard_negatives.old_answers import with_old_file
from napari_lookalike.core.hard_negatives.table import HardNegativeTable

__all__ = ["Decision", "append_decision", "latest", "read_decisions"]

TABLE_NAME = "hard_negatives.sqlite"


def read_decisions(root: Path, table: HardNegativeTable | None = None) -> tuple[Decision, ...]:
    """Every answer of a project, oldest first, wherever it is kept.

    Parameters
    ----------
    root
        The project folder.
    table
        Its table; the one in the folder if ``None``.

    Raises
    ------
    ProjectError
        If the file of older versions is there but cannot be read.
    TableError
        If the table cannot be read.
    """
    kept = (table or HardNegativeTable(root / TABLE_NAME)).answers()
    return with_old_file(root, kept)


def append_decision(table: HardNegativeTable, decision: Decision) -> Decision:
    """Keep an answer; it is on the disk when this returns.

    Raises
    ------
    TableError
        If it cannot be written; nothing was kept then.
    """
    return table.answer(decision)
