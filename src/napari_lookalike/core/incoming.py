"""What a file or folder that somebody drops on the window is; looks at little and opens nothing."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import Literal

import tifffile

from napari_lookalike.core.manifest_file import REQUIRED
from napari_lookalike.core.project_file import BACKUP_NAME, FILE_NAME
from napari_lookalike.core.slides.sniff import looks_like_slide
from napari_lookalike.core.slides.source import DECODE_ERRORS, quiet_logger

Kind = Literal["project", "slides", "manifest"]

_SLIDES = ".svs .ndpi .mrxs .scn .bif .vms .vmu .svslide .zvi .czi .qptiff .avs"
SLIDE_SUFFIXES = frozenset(_SLIDES.split(" "))
"""Files with these names are slides and nothing else."""
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
PROBES = 200
"""Entries of a folder that are looked at."""
HEAD = 4096


def kind_of(path: str | Path) -> Kind | None:
    """What a path holds for us besides a single slide, or ``None``. Never raises.

    Returns
    -------
    str or None
        "project": a project folder (or its ``project.json``). "slides": a folder with
        whole-slide images in it; a folder of plain pictures is none. "manifest": a table
        with the columns of a cohort.
    """
    path = Path(path)
    try:
        if path.is_dir():
            if (path / FILE_NAME).is_file() or (path / BACKUP_NAME).is_file():
                return "project"
            return "slides" if _holds_slides(path) else None
        if path.name == FILE_NAME:
            return "project"
        return "manifest" if path.suffix.lower() == ".csv" and _is_manifest(path) else None
    except OSError:
        return None


def _holds_slides(folder: Path) -> bool:
    return any(_is_slide(p) for p in islice(sorted(folder.iterdir()), PROBES))


def _is_slide(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in SLIDE_SUFFIXES:
        return looks_like_slide(path)
    return suffix in TIFF_SUFFIXES and looks_like_slide(path) and _is_tiled(path)


def _is_tiled(path: Path) -> bool:
    """Whether a TIFF file is laid out as slides are; a camera's picture is not."""
    try:
        with quiet_logger("tifffile"), tifffile.TiffFile(path) as file:
            return bool(file.pages.first.is_tiled)
    except DECODE_ERRORS:
        return False


def _is_manifest(path: Path) -> bool:
    """Whether a table's first line has the columns that every manifest must have."""
    with path.open("rb") as file:
        data = file.read(HEAD)
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    line = data.decode("utf-16" if wide else "utf-8-sig", "ignore").partition("\n")[0]
    delimiter = max(",;\t", key=line.count)
    cells = next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])
    return set(REQUIRED) <= {cell.strip().lower() for cell in cells}
