"""Cohorts from a manifest or from a folder of slides; what is wrong is listed, the rest goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_lookalike.core.cohort import Cohort, SlideRecord, slide_id_key, slide_id_problem
from napari_lookalike.core.errors import ManifestError, SlideError
from napari_lookalike.core.geometry import MPP_PLAUSIBLE_UM
from napari_lookalike.core.manifest_columns import left_out
from napari_lookalike.core.manifest_file import COLUMNS, read_rows, write_rows
from napari_lookalike.core.progress import SILENT, Job

RASTER_SUFFIXES = (".jpg", ".jpeg", ".png")
"""Opened only from a manifest, or when asked for: a folder may hold photographs too."""


@dataclass(frozen=True)
class Problem:
    """A slide that was left out, and why.

    Parameters
    ----------
    row
        Line of the manifest (the header is line 1), or number of the file in the folder
        (from 1, in the order of the names).
    slide_id
        Its slide_id, if it has one.
    sentence
        What is wrong.
    remedy
        What to do.
    path
        The file, for a user who asks which one it is. Never shown unasked.
    where
        What ``row`` counts: "Line" (of a manifest) or "File" (of a folder).
    """

    row: int
    slide_id: str
    sentence: str
    remedy: str
    path: Path | None = field(default=None, repr=False, compare=False)
    where: str = "Line"

    def __str__(self) -> str:
        """One line for a person."""
        name = f" ({self.slide_id})" if self.slide_id else ""
        return f"{self.where} {self.row}{name}: {self.sentence} {self.remedy}".strip()


@dataclass(frozen=True)
class ManifestResult:
    """A cohort, and what had to be left out of it.

    Parameters
    ----------
    cohort
        The slides that are sound.
    problems
        The others.
    columns_left_out
        Further columns of the manifest that were not kept, since they may name a patient.
    """

    cohort: Cohort
    problems: tuple[Problem, ...] = ()
    columns_left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Which columns were not kept, as a sentence; empty if all were."""
        names = ", ".join(self.columns_left_out)
        return f"Not kept, since it may name a patient: column {names}." if names else ""


class _BadRow(Exception):
    """A row that is left out: sentence and remedy."""

    def __init__(self, sentence: str, remedy: str) -> None:
        self.sentence, self.remedy = sentence, remedy


def read_manifest(
    path: Path | str, *, check_slides: bool = True, job: Job = SILENT
) -> ManifestResult:
    """Read a manifest: a table with one slide a row.

    Parameters
    ----------
    path
        CSV with commas, semicolons or tabs; UTF-8 (with or without BOM) or UTF-16.
        Columns: ``slide`` (path, relative to the manifest's folder), ``slide_id``,
        ``patient_id``, ``label``, ``site``; optionally ``mpp`` (µm per level-0 pixel),
        ``stain``, ``label_source``. Further columns are kept in `SlideRecord.more`, unless
        they look as if they named somebody.
    check_slides
        Open each slide once: unreadable ones are left out, and fingerprints are kept, so
        that moved slides can be found again.
    job
        Progress and cancel.

    Returns
    -------
    ManifestResult
        Rows with a missing or unreadable slide, a slide_id that is empty, unsafe or
        already used, or a bad mpp are problems and are left out.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a column is missing, misspelt or there twice.
    """
    path = Path(path).absolute()
    rows = read_rows(path)
    dropped = left_out([row for _, row in rows], COLUMNS)
    records: list[SlideRecord] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for i, (line, row) in enumerate(rows):
        job.step(i, len(rows), "Reading the manifest")
        try:
            record = _record(row, path.parent, dropped)
            _check_new(record.slide_id, line, seen)
            records.append(_opened(record) if check_slides else record)
        except _BadRow as bad:
            slide = path.parent / row["slide"] if row["slide"] else None
            problems.append(Problem(line, row["slide_id"], bad.sentence, bad.remedy, slide))
    return ManifestResult(Cohort(tuple(records)), tuple(problems), dropped)


def _record(row: dict[str, str], folder: Path, dropped: tuple[str, ...]) -> SlideRecord:
    if not row["slide"]:
        raise _BadRow("The row names no slide.", "Fill in the column slide.")
    problem = slide_id_problem(row["slide_id"])
    if problem:
        raise _BadRow(problem, "Give it a slide_id of letters, digits, - and _.")
    mpp = parse_mpp(row["mpp"])
    # A manifest written on Windows may have backslashes; elsewhere they part nothing.
    text = row["slide"] if os.sep == "\\" else row["slide"].replace("\\", "/")
    # os.path's leaves the home of somebody unknown as it is; pathlib's is an error.
    path = Path(os.path.normpath(folder / os.path.expanduser(text)))  # noqa: PTH111
    if not _exists(path):
        raise _BadRow(
            "The slide is not where the manifest says.",
            "Correct the column slide, or put the file there.",
        )
    return SlideRecord(
        row["slide_id"],
        path,
        patient_id=row["patient_id"],
        label=row["label"],
        site=row["site"],
        mpp=mpp,
        mpp_source="" if mpp is None else "manifest",
        stain=row["stain"],
        label_source=row["label_source"],
        more=tuple(
            (name, cell)
            for name, cell in row.items()
            if cell and name not in COLUMNS and name not in dropped
        ),
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a share that is not there
        return False


def parse_mpp(text: str) -> float | None:
    """µm per pixel as a person typed it; a decimal comma is understood; empty is ``None``."""
    if not text.strip():
        return None
    try:
        mpp = float(text.strip().replace(",", "."))
    except ValueError:
        raise _BadRow(
            f"The mpp {text!r} is not a number.", "Give µm per pixel (0.25 for 40x), or nothing."
        ) from None
    low, high = MPP_PLAUSIBLE_UM
    if not low <= mpp <= high:
        raise _BadRow(
            f"The mpp {text} is not between {low:g} and {high:g} µm per pixel.",
            "Give µm per pixel (0.25 for 40x), or nothing.",
        )
    return mpp


def _check_new(slide_id: str, line: int, seen: dict[str, int]) -> None:
    first = seen.setdefault(slide_id_key(slide_id), line)
    if first != line:
        raise _BadRow(
            f"The slide_id is already used in line {first}.", "Give each slide its own slide_id."
        )


def _opened(record: SlideRecord) -> SlideRecord:
    """The record with its fingerprint, from opening the slide once."""
    from napari_lookalike.core.slides import open_slide

    try:
        with open_slide(record.path, mpp=record.mpp, mpp_source="manifest", raster=True) as slide:
            return replace(record, fingerprint=slide.fingerprint)
    except SlideError as error:
        raise _BadRow(error.what, error.remedy) from None


def write_manifest(path: Path | str, cohort: Iterable[SlideRecord]) -> None:
    """Write a cohort as a manifest that `read_manifest` reads back.

    The manifest holds patient ids and paths: it is for the user's own disk.

    Parameters
    ----------
    path
        CSV file to make or replace, all or not at all. Slides beside or below its
        folder are named relative to it.
    cohort
        The records.

    Raises
    ------
    ManifestError
        If it cannot be written.
    """
    write_rows(Path(path).absolute(), tuple(cohort))


def scan_folder(
    folder: Path | str, job: Job = SILENT, *, include_raster: bool = False
) -> ManifestResult:
    """Find the slides of a folder and its sub-folders.

    Parameters
    ----------
    folder
        Hidden files and folders are passed over; a folder of DICOM files is one slide.
    job
        Progress and cancel.
    include_raster
        Also take JPEG and PNG files, which may be slides or holiday photographs.

    Returns
    -------
    ManifestResult
        slide_ids are the first 8 characters of the fingerprints, never file names (which
        often name a patient). Unreadable slides and second copies are problems.

    Raises
    ------
    ManifestError
        If the folder is not there.
    """
    paths = candidates(Path(folder), include_raster=include_raster)
    cohort = Cohort()
    problems: list[Problem] = []
    first_at: dict[str, int] = {}
    for i, path in enumerate(paths, start=1):
        job.step(i - 1, len(paths), f"Opening slide {i} of {len(paths)}")
        try:
            record = _opened(SlideRecord("new", path.absolute()))
            copy_of = first_at.setdefault(record.fingerprint, i)
            if copy_of != i:
                raise _BadRow(
                    f"It holds the same slide as file {copy_of}.", "Nothing to do: one is used."
                )
        except _BadRow as bad:
            problems.append(Problem(i, "", bad.sentence, bad.remedy, path, "File"))
            continue
        slide_id = free_slide_id(record.fingerprint, cohort)
        cohort = cohort.with_added((replace(record, slide_id=slide_id),))
    return ManifestResult(cohort, tuple(problems))


def free_slide_id(fingerprint: str, cohort: Cohort) -> str:
    """The shortest start of the fingerprint, 8 characters or more, that is not taken."""
    lengths = range(8, len(fingerprint) + 1, 4)
    starts = (fingerprint[:n] for n in lengths)
    return next((s for s in starts if s not in cohort), fingerprint)


def candidates(folder: Path, *, include_raster: bool = False) -> tuple[Path, ...]:
    """Files and DICOM folders below a folder that look like slides, in the order of their names.

    Raises
    ------
    ManifestError
        If the folder is not there.
    """
    from napari_lookalike.core.slides import looks_like_slide

    if not folder.is_dir():
        raise ManifestError("The folder is not there.", "Choose a folder that holds slides.")

    def wanted(path: Path) -> bool:
        if path.suffix.lower() in RASTER_SUFFIXES:
            return include_raster
        return looks_like_slide(path)

    return tuple(_walk(folder, wanted))


def _walk(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        visible = sorted(name for name in folders if not name.startswith("."))
        slides = [name for name in visible if wanted(here / name)]
        folders[:] = [name for name in visible if name not in slides]
        names = sorted([*slides, *(f for f in files if not f.startswith("."))])
        found += [here / n for n in names if n in slides or wanted(here / n)]
    return sorted(found)
