"""Make the demo cohort on disk: complete or absent, and found again when it is there."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.processes import WorkerPool
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.synth.plan import MPP, SlidePlan, plan_cohort

GENERATOR_VERSION = "2"
"""Changes whenever the same seed makes other pixels: a new cache folder is used then."""

SEED = 2024
"""Seed of the demo cohort; frozen."""

NAME = "Synthetic demo cohort (procedural, not patients)"

_README = """SYNTHETIC: made by a program, not from patients.

These slides were drawn by the procedural H&E generator of napari-lookalike. They
imitate features of tumours of the central nervous system in children, so that the
software can be tried without patient data. They are not tissue. Never use them to
learn, to teach or to judge diagnoses, or to validate a diagnostic method.

manifest.csv   slide, slide_id, patient_id, label, site
truth.json     where each structure was put (level-0 pixels, x to the right, y down)
cohort.json    version of the generator, seed, checksums
"""

_STALE_S = 6 * 3600.0


def default_folder() -> Path:
    """Where the demo cohort is cached for this user."""
    import platformdirs

    root = Path(platformdirs.user_cache_dir("napari-lookalike", appauthor=False))
    return root / f"demo-cohort-{GENERATOR_VERSION}"


def make_cohort(
    folder: Path,
    seed: int = SEED,
    job: Job = SILENT,
    *,
    plans: Sequence[SlidePlan] | None = None,
    workers: int | None = None,
) -> Cohort:
    """Make the synthetic cohort in a folder, or find it there.

    The folder appears whole or not at all: slides are made in a temporary folder
    beside it, which is renamed at the end. A cohort that is there is verified by
    checksums and used; one that is damaged, or of another generator, is made anew.

    Parameters
    ----------
    folder
        The cohort's folder; its parent is made where it is missing.
    seed
        Of the cohort.
    job
        One step per slide.
    plans
        Other slides than the demo's (tests make small ones).
    workers
        Processes; ``None`` for one per core (at most four), 0 for none but this one.

    Returns
    -------
    Cohort
        With ``synthetic`` true.

    Raises
    ------
    ProjectError
        If the folder holds something else, or cannot be written.
    """
    plans = plan_cohort(seed) if plans is None else list(plans)
    wanted = _identity(seed, plans)
    if _verified(folder, wanted):
        return _cohort(folder, plans)
    _refuse_foreign(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        work = Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=folder.parent))
    except OSError as error:
        raise _cannot_write(error) from None
    try:
        _fill(work, wanted, plans, job, workers)
        _publish(work, folder, wanted)
    except OSError as error:
        raise _cannot_write(error) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return _cohort(folder, plans)


def _cannot_write(error: OSError) -> ProjectError:
    reason = error.strerror or type(error).__name__
    return ProjectError(
        f"The demo cohort cannot be written ({reason}).",
        "It needs about 100 MB: free some space, or choose another folder.",
    )


def _identity(seed: int, plans: Sequence[SlidePlan]) -> dict[str, Any]:
    planned = json.dumps([asdict(plan) for plan in plans], sort_keys=True)
    return {
        "synthetic": True,
        "name": NAME,
        "generator": GENERATOR_VERSION,
        "seed": seed,
        "plan": hashlib.sha256(planned.encode()).hexdigest(),
    }


def _verified(folder: Path, wanted: dict[str, Any]) -> bool:
    try:
        said = json.loads((folder / "cohort.json").read_text("utf-8"))
        if {key: said[key] for key in wanted} != wanted:
            return False
        files: dict[str, str] = said["files"]
        return all(_checksum(folder / name) == value for name, value in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_foreign(folder: Path) -> None:
    """Never delete a folder that is not ours."""
    if not folder.exists():
        return
    ours = folder.is_dir() and ((folder / "cohort.json").is_file() or not any(folder.iterdir()))
    if not ours:
        raise ProjectError(
            "The folder for the demo cohort holds something else.",
            "Empty it, or choose another folder.",
        )


def _prefix(folder: Path) -> str:
    return f".{folder.name}.partial-"


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed have left behind, long ago."""
    for left in folder.parent.glob(f"{_prefix(folder)}*"):
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _fill(
    work: Path,
    wanted: dict[str, Any],
    plans: Sequence[SlidePlan],
    job: Job,
    workers: int | None,
) -> None:
    (work / "slides").mkdir()
    truth: dict[str, Any] = {}
    if workers is None:
        workers = min(os.cpu_count() or 1, 4)
    made = _in_processes(work, plans, workers, job) if workers else _one_by_one(work, plans)
    job.step(0, len(plans), "Drawing synthetic slides")
    for slide_id, facts in made:
        truth[slide_id] = facts
        job.step(len(truth), len(plans), f"Drawing synthetic slide {len(truth)} of {len(plans)}")
    ordered = {plan.slide_id: truth[plan.slide_id] for plan in plans}
    (work / "truth.json").write_text(json.dumps(ordered), "utf-8")
    _write_manifest(work / "manifest.csv", plans)
    (work / "SYNTHETIC.txt").write_text(_README, "utf-8")
    names = sorted(p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file())
    said = {**wanted, "files": {name: _checksum(work / name) for name in names}}
    (work / "cohort.json").write_text(json.dumps(said, indent=1), "utf-8")


def _one_by_one(work: Path, plans: Sequence[SlidePlan]) -> Iterator[tuple[str, dict[str, Any]]]:
    for plan in plans:
        yield plan.slide_id, make_slide(work / "slides", plan)


def _in_processes(
    work: Path, plans: Sequence[SlidePlan], workers: int, job: Job
) -> Iterator[tuple[str, dict[str, Any]]]:
    pool = WorkerPool(workers=workers)
    done: set[str] = set()
    try:
        waiting: dict[Future[dict[str, Any]], str] = {
            pool.submit(make_slide, work / "slides", plan): plan.slide_id for plan in plans
        }
        while waiting:
            ready, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            if not ready:
                job.step(len(done), len(plans), "Drawing synthetic slides")
            for future in ready:
                slide_id = waiting.pop(future)
                facts = future.result()
                done.add(slide_id)
                yield slide_id, facts
    except BrokenProcessPool:
        # A worker was killed, or could not start: what is missing is made here.
        yield from _one_by_one(work, [plan for plan in plans if plan.slide_id not in done])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def make_slide(folder: Path, plan: SlidePlan) -> dict[str, Any]:
    """Make one slide's file; returns its ground truth.

    Parameters
    ----------
    folder
        Where the file is written.
    plan
        What to make.

    Returns
    -------
    dict
        "label", "factors", "pen", and "findings": kind, x, y, radius in level-0 pixels.
    """
    from napari_lookalike.core.synth.banks import build_banks
    from napari_lookalike.core.synth.render import render
    from napari_lookalike.core.synth.tiff import write_pyramid

    banks = build_banks(plan.seed[0])
    drawn = render(list(plan.seed), plan.factors, plan.stain, banks, size=plan.size, pen=plan.pen)
    write_pyramid(folder / f"{plan.slide_id}.tif", drawn.image, MPP)
    return {
        "label": plan.label,
        "factors": asdict(plan.factors),
        "pen": plan.pen,
        "findings": [asdict(finding) for finding in drawn.findings],
    }


def _write_manifest(path: Path, plans: Sequence[SlidePlan]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["slide", "slide_id", "patient_id", "label", "site", "stain", "label_source"])
        for plan in plans:
            where = f"slides/{plan.slide_id}.tif"
            row = [where, plan.slide_id, plan.patient_id, plan.label, plan.site]
            rows.writerow([*row, "H&E", "synthetic"])


def _publish(work: Path, folder: Path, wanted: dict[str, Any]) -> None:
    """Put the finished folder in its place; another process may have been faster."""
    if _verified(folder, wanted):
        return
    if folder.exists():
        shutil.rmtree(folder)
    work.rename(folder)


def _cohort(folder: Path, plans: Sequence[SlidePlan]) -> Cohort:
    records = tuple(
        SlideRecord(
            slide_id=plan.slide_id,
            path=folder / "slides" / f"{plan.slide_id}.tif",
            patient_id=plan.patient_id,
            label=plan.label,
            site=plan.site,
            stain="H&E",
            label_source="synthetic",
        )
        for plan in plans
    )
    return Cohort(records, name=NAME, synthetic=True)
