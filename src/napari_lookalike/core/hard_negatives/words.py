"""Free text of experts on its way out of a project: without patients and without paths."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.columns import PairMark

FREE = ("reason", "features", "test", "test_result")
"""Columns in the expert's own words."""

_PATH = re.compile(r"(?<![\w/])(?:[A-Za-z]:[\\/]|\\\\|~?/(?=\S*/))\S+")


def cleaner(cohort: Cohort | None) -> Callable[[str], str]:
    """A function that blots paths, and the cohort's patient ids, out of a text."""
    known = {s.patient_id for s in cohort if s.patient_id} if cohort else set()
    # The longest first: P10 is not P1 with a nought.
    patterns = [
        re.compile(rf"(?<!\w){re.escape(patient)}(?!\w)")
        for patient in sorted(known, key=len, reverse=True)
    ]

    def clean(text: str) -> str:
        text = _PATH.sub("[path]", text)
        for pattern in patterns:
            text = pattern.sub("[patient]", text)
        return text

    return clean


def cleaned(mark: PairMark, clean: Callable[[str], str]) -> PairMark:
    """A mark with its free text cleaned."""
    said: dict[str, Any] = {name: clean(getattr(mark, name)) for name in FREE}
    return replace(mark, **said)


def write_whole(path: Path, write: Callable[[Path], None], what: str) -> None:
    """Write a file complete or not at all.

    Parameters
    ----------
    path
        The file.
    write
        Writes it, to the path that it is given.
    what
        The file in an error's words ("The CSV file").

    Raises
    ------
    TableError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise TableError(
            f"{what} cannot be written ({error.strerror}).", "Choose another folder."
        ) from error
    finally:
        with suppress(OSError):  # a name that is too long, or below a file, never was there
            temporary.unlink()
