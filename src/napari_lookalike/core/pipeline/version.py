"""Writing a model version: complete or absent."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.model import MilModel
from napari_lookalike.core.model_card import model_card, write_card
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult, save_results

_STALE_S = 86400.0


def write_version(
    project: Project,
    kind: str,
    model: MilModel,
    slides: Mapping[str, SlideResult],
    metrics: Mapping[str, Any],
) -> str:
    """Write a version's folder beside its place, then rename it.

    Parameters
    ----------
    project
        The project; must be writable.
    kind
        What the version is named after its number ("expert").
    model
        The trained model.
    slides, metrics
        What it says of the slides, and how well.

    Returns
    -------
    str
        The version's name.

    Raises
    ------
    ProjectError
        If the folder cannot be written; nothing is left behind.
    """
    from napari_lookalike.core.checkpoints import save_model

    version = project.next_version(kind)
    model = replace(model, extras={**model.extras, "version": version})
    results = ModelResults(version, model.classes, slides, metrics, model.card())
    target = project.version_dir(version)
    temporary = target.parent / f".tmp-{uuid.uuid4().hex}"
    try:
        temporary.mkdir(parents=True)
        _sweep(target.parent)
        save_model(temporary, model)
        save_results(temporary, results)
        write_card(temporary, model_card(model, metrics))
        temporary.rename(target)
    except OSError as error:
        raise ProjectError(
            f"The model cannot be written ({error.strerror}).",
            "Free some disk space and make the project folder writable, then train again.",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return version


def _sweep(folder: Path) -> None:
    """Remove what a killed training left here more than a day ago."""
    for path in folder.glob(".tmp-*"):
        if time.time() - path.stat().st_mtime > _STALE_S:
            shutil.rmtree(path, ignore_errors=True)
