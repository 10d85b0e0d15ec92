"""The model versions of a project, each with what made it and how good it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import METRICS_FILE, RESULTS_FILE


@dataclass(frozen=True)
class VersionFacts:
    """One version, as its own files describe it.

    Parameters
    ----------
    version
        Its name.
    trained_at
        ISO 8601 in UTC; empty for versions that did not note it.
    parent
        The version that it was fine-tuned from; empty if it was trained from scratch.
    head, loss, encoder
        Names in their registries.
    table_version
        Version of the hard-negative table that it was trained beside ("3-9f86d081"), as
        `hard_negatives.version_of` gives it; "empty" without a mark, and where the version
        did not note it.
    marks
        How many rows of the table were active.
    slides
        Labelled slides that were held out and predicted.
    figures
        "balanced_accuracy", "accuracy", "macro_f1" -> ``{"value", "low", "high"}``.
    in_use
        Whether it is the project's model.
    problem
        Why it cannot be used, as a sentence; empty if it can.
    """

    version: str
    trained_at: str = ""
    parent: str = ""
    head: str = ""
    loss: str = ""
    encoder: str = ""
    table_version: str = "empty"
    marks: int = 0
    slides: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)
    in_use: bool = False
    problem: str = ""


FIGURES = ("balanced_accuracy", "accuracy", "macro_f1")


def list_versions(project: Project) -> tuple[VersionFacts, ...]:
    """Every version of a project, oldest first. A damaged one is listed with its problem.

    Parameters
    ----------
    project
        The project; only cards and figures are read, no weights.
    """
    current = project.current_version
    return tuple(version_facts(project, v, in_use=v == current) for v in project.versions())


def version_facts(project: Project, version: str, *, in_use: bool = False) -> VersionFacts:
    """One version; see `list_versions`."""
    try:
        card, metrics = read_card(project.version_dir(version))
    except ModelError as error:
        return VersionFacts(version, in_use=in_use, problem=str(error))
    config = card.get("config", {})
    # Since 0.2 beside the marks that the loss read, the table as it was for any loss.
    table = str(card.get("table_then", {}).get("version") or card.get("table_version", "empty"))
    return VersionFacts(
        version=version,
        trained_at=str(card.get("trained_at", "")),
        parent=str(card.get("start_from", "")),
        head=str(card.get("head", "")),
        loss=str(card.get("loss") or config.get("loss", "")),
        encoder=str(card.get("encoder", "")),
        table_version=table,
        marks=_count(table),
        slides=int(metrics.get("n_slides", 0)),
        figures={name: metrics[name] for name in FIGURES if name in metrics},
        in_use=in_use,
    )


def read_card(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A version's card and its figures, without what it says of slides.

    Raises
    ------
    ModelError
        If they are missing or damaged.
    """
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
        with h5py.File(folder / RESULTS_FILE, "r") as file:
            card = json.loads(file["card"].asstr()[()])
        if not isinstance(card, dict) or not isinstance(metrics, dict):
            raise TypeError
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            "The results of this model version are missing or damaged.",
            "Choose another model version, or train again.",
        ) from error
    return card, metrics


def _count(table_version: str) -> int:
    """How many marks a table's version counts: the number before its dash."""
    number = table_version.split("-")[0]
    return int(number) if number.isdigit() else 0
