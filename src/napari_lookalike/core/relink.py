"""Finding slides again that were moved or renamed, by their content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import SlideError
from napari_lookalike.core.manifest import RASTER_SUFFIXES, candidates
from napari_lookalike.core.progress import SILENT, Job


def relinked(cohort: Cohort, folder: Path, job: Job = SILENT) -> tuple[SlideRecord, ...]:
    """Records of slides whose file is gone, pointing to where it was found.

    Parameters
    ----------
    cohort
        Only records whose path no longer exists are looked for.
    folder
        Searched with its sub-folders.
    job
        Progress and cancel.

    Returns
    -------
    tuple of SlideRecord
        Matched by fingerprint. A slide that was never opened has none: it is matched
        by its file name if exactly one file below the folder is called so.
    """
    lost = [r for r in cohort if not r.is_there]
    if not lost:
        return ()
    raster = any(r.path.suffix.lower() in RASTER_SUFFIXES for r in lost)
    paths = candidates(folder, include_raster=raster)
    found = _by_name([r for r in lost if not r.fingerprint], paths)
    wanted = {r.fingerprint: r for r in lost if r.fingerprint}
    names = {r.path.name for r in wanted.values()}
    # Files that kept their name first: the usual move is then found without opening the rest.
    for i, path in enumerate(sorted(paths, key=lambda p: p.name not in names)):
        if not wanted:
            break
        job.step(i, len(paths), "Looking for moved slides")
        record = wanted.pop(_fingerprint(path), None)
        if record is not None:
            found.append(replace(record, path=path))
    return tuple(found)


def _by_name(lost: list[SlideRecord], paths: tuple[Path, ...]) -> list[SlideRecord]:
    found = []
    for record in lost:
        same = [p for p in paths if p.name == record.path.name]
        if len(same) == 1:
            found.append(replace(record, path=same[0]))
    return found


def _fingerprint(path: Path) -> str:
    from napari_lookalike.core.slides import open_slide

    try:
        with open_slide(path, raster=True) as slide:
            return slide.fingerprint
    except SlideError:  # not a slide that can be read, so not one that was
        return ""
