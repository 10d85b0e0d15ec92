"""Writing a report: ``report.html`` and ``report.json``, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.model_report.page import html_page
from napari_lookalike.core.project_file import write_atomic

HTML_FILE, JSON_FILE = "report.html", "report.json"


def save_model_report(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write a report into a folder, which is made if it is not there.

    Parameters
    ----------
    folder
        Where to.
    report
        From `facts.build_model_report`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / JSON_FILE, text)
    write_text(folder / HTML_FILE, html_page(report))
    return folder / HTML_FILE


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    try:
        write_atomic(path, lambda temporary: _write(temporary, text))
    except ProjectError as error:  # it may lie anywhere: copying the project would not help
        raise ProjectError(
            error.what.replace("project folder", "folder"), "Choose a folder that you may write."
        ) from None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
