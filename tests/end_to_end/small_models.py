"""A small trained project whose features are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.core.pipeline.small_project import small_project

from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project

QUICK = {"epochs": 3, "finetune_epochs": 2, "folds": 2}
"""A training that takes a second."""


def models_project(root: Path) -> tuple[Project, str]:
    """Made-up features, and a model trained on them that is in use."""
    project = small_project(root)
    version = train_project(root, replace(project.settings.train, **QUICK))
    project.set_current_version(version)
    return project, version
