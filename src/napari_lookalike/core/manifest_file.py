"""The manifest as a text file: delimiters, encodings and column names, no meaning."""

from __future__ import annotations

import codecs
import csv
import io
from difflib import get_close_matches
from pathlib import Path

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.errors import ManifestError, ProjectError
from napari_lookalike.core.project_file import stored_path, write_atomic

REQUIRED = ("slide", "slide_id", "patient_id", "label", "site")
OPTIONAL = ("mpp", "stain", "label_source")
COLUMNS = (*REQUIRED, *OPTIONAL)
_DELIMITERS = ",;\t"


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line, column -> stripped text) of every row that is not blank; absent columns are "".

    Further columns have their names as they are written.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a column is missing, misspelt or there twice.
    """
    text = _text(path)
    header = text.partition("\n")[0]
    # More than one kind can stand in the header only in a quoted name; the commonest parts it.
    delimiter = max(_DELIMITERS, key=header.count)
    # Strict: a quote that is never closed would swallow the slides below it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = _columns(next(reader, []))
        rows = []
        for cells in reader:
            padded = [*cells, *[""] * len(names)]
            row = dict.fromkeys(COLUMNS, "") | {
                name: cell.strip() for name, cell in zip(names, padded, strict=False) if name
            }
            if any(row.values()):
                rows.append((reader.line_num, row))
    except csv.Error:
        raise ManifestError(
            "The manifest is not a table that can be read.", "Save it as CSV (UTF-8)."
        ) from None
    return rows


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestError(
            f"The manifest cannot be read ({error.strerror or type(error).__name__}).",
            "Check that it is there and that you may read it.",
        ) from None
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError(
            "The manifest is not UTF-8 text.", "In Excel choose Save as: CSV UTF-8."
        ) from None


def _columns(header: list[str]) -> list[str]:
    """Names for the header's cells: ours, or as written; empty ones at the end stay empty."""
    names = [cell.strip().lower() for cell in header]
    known = f"Known columns: {', '.join(COLUMNS)}."
    if not any(names):
        raise ManifestError("The manifest is empty.", known)
    missing = [c for c in REQUIRED if c not in names]
    for cell, name in zip(header, names, strict=True):
        near = _meant(name, missing, names)
        if near:
            raise ManifestError(
                f"The manifest has an unknown column {cell.strip()!r}.",
                f"Did you mean {' or '.join(near)}? {known}",
            )
        if name and names.count(name) > 1:
            raise ManifestError(f"The column {name} is there twice.", "Remove one of them.")
    if missing:
        raise ManifestError(
            f"The manifest has no column {missing[0]!r}.",
            f"Add it (its cells may be empty, but for slide and slide_id). {known}",
        )
    return [
        name if name in COLUMNS else cell.strip() for cell, name in zip(header, names, strict=True)
    ]


def _meant(name: str, missing: list[str], names: list[str]) -> list[str]:
    """Which of our columns a further one is a slip of the pen for; empty if it is its own.

    Where a needed column is missing, anything like it will be meant for it. Of the optional
    ones only a near miss counts: it would be ignored in silence, and a scale with it.
    """
    if not name or name in COLUMNS:
        return []
    found = get_close_matches(name, missing, n=2, cutoff=0.5)
    absent = [c for c in OPTIONAL if c not in names]
    return found or get_close_matches(name.replace(" ", "_"), absent, n=2, cutoff=0.8)


def write_rows(path: Path, records: tuple[SlideRecord, ...]) -> None:
    """Write records as CSV with every column; see `core.manifest.write_manifest`."""
    more = dict.fromkeys(name for record in records for name, _ in record.more)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, (*COLUMNS, *more), restval="", lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow(
            {
                "slide": stored_path(record.path, path.parent),
                "slide_id": record.slide_id,
                "patient_id": record.patient_id,
                "label": record.label,
                "site": record.site,
                "mpp": "" if record.mpp is None else f"{record.mpp!r}",
                "stain": record.stain,
                "label_source": record.label_source,
                **dict(record.more),
            }
        )
    data = out.getvalue().encode("utf-8")
    try:
        write_atomic(path, lambda p: _write(p, data))
    except ProjectError as error:
        raise ManifestError(
            error.what.replace("project folder", "manifest"), "Choose another folder."
        ) from None


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
