"""Maps of a model version's slide embeddings, kept in the version's folder."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.placing import can_place, fitted_ids, place
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.projection import Method, project
from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.core.results_here import results_here


def map_project(
    root: Path | str,
    version: str,
    method: Method = "umap",
    seed: int = 0,
    align_to_version: str | None = None,
    *,
    job: Job = SILENT,
) -> Projection:
    """The map of a version, computed once and read again while nothing changed.

    Slides that came since are placed on it (`core.placing`); the others stay where they are.

    Parameters
    ----------
    root
        The project folder.
    version
        The model version.
    method
        "pca" or "umap".
    seed
        Of UMAP.
    align_to_version
        Lay the map over this version's; ``None``: over that of the version that it was
        fine-tuned from, if it is still there. So every map of a project lies over the
        one before, whichever two are compared.
    job
        Progress and cancel (before the map is computed, not within).

    Raises
    ------
    ModelError
        If the version has no results, or they are damaged.
    """
    opened = Project.open(root)
    job.step(0, 1, f"Computing the map ({method.upper()})")
    return _map(opened, version, method, seed, align_to_version, job, frozenset())


def _map(
    opened: Project,
    version: str,
    method: Method,
    seed: int,
    align_to: str | None,
    job: Job,
    below: frozenset[str],
) -> Projection:
    results = results_here(opened, version)
    base = align_to or str(results.card.get("start_from", ""))
    former = None
    # A version can be laid over itself by mistake, or over one that was laid over it.
    if base and base != version and base not in below and base in opened.versions():
        former = _former(opened, base, method, seed, job, below | {version})
    path = opened.version_dir(version) / _file_name(method, align_to)
    kept, key = _read(path)
    fits = kept is not None and _fits(kept, results, key, method, seed, former)
    if kept is not None and fits and tuple(kept.slide_ids) == tuple(results.slides):
        return kept
    if kept is not None and fits and can_place(results, kept):
        job.step(0, 1, f"Placing new slides on the map of {version}")
        made = place(results, kept, seed)
    else:
        job.step(0, 1, f"Computing the map of {version} ({method.upper()})")
        made = project(results, method, seed, align_to=former)
        key = _key(results, tuple(results.slides), method, seed, former)
    if not opened.read_only:
        write_atomic(path, lambda p: _write(p, made, key))
    return made


def _fits(
    kept: Projection,
    results: ModelResults,
    key: str,
    method: str,
    seed: int,
    former: Projection | None,
) -> bool:
    """Whether the slides that made a kept map are what they were."""
    fitted = fitted_ids(kept)
    there = all(slide_id in results.slides for slide_id in fitted)
    return there and _key(results, fitted, method, seed, former) == key


def _former(
    opened: Project, base: str, method: Method, seed: int, job: Job, below: frozenset[str]
) -> Projection | None:
    try:
        return _map(opened, base, method, seed, None, job, below)
    except ModelError:  # a damaged former version does not keep this one's map away
        return None


def _file_name(method: str, align_to: str | None) -> str:
    return f"map_{method}_on_{align_to}.npz" if align_to else f"map_{method}.npz"


def _key(
    results: ModelResults,
    slide_ids: tuple[str, ...],
    method: str,
    seed: int,
    former: Projection | None,
) -> str:
    """Hash of all that a map made of these slides depends on."""
    digest = hashlib.sha256(f"{method} {seed} {list(slide_ids)}".encode())
    for slide_id in slide_ids:
        digest.update(np.ascontiguousarray(results.slides[slide_id].embedding).tobytes())
    if former is not None:
        digest.update(f"{former.version} {former.slide_ids}".encode())
        digest.update(former.points.tobytes())
    return digest.hexdigest()


def _write(path: Path, made: Projection, key: str) -> None:
    facts: dict[str, Any] = {
        "key": key,
        "version": made.version,
        "method": made.method,
        "slide_ids": list(made.slide_ids),
        "parameters": dict(made.parameters),
    }
    with path.open("wb") as file:
        np.savez(file, points=made.points, facts=np.array(json.dumps(facts)))


def _read(path: Path) -> tuple[Projection | None, str]:
    """The map that was kept and its key; ``None`` if there is none, or it is damaged."""
    try:
        # Opened here: numpy leaves the file of a damaged archive open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            points = np.asarray(file["points"], np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None, ""
    if points.shape != (len(facts["slide_ids"]), 2):
        return None, ""
    made = Projection(
        facts["version"], facts["method"], tuple(facts["slide_ids"]), points, facts["parameters"]
    )
    return made, str(facts.get("key", ""))
