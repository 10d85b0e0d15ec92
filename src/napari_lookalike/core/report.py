"""The report of a comparison of models: what was run, and what came out, in figures.

Every figure comes from held-out slides: each is predicted by the fold's model that
never saw its patient. Intervals are 95 %, from resampling patients.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.evaluation import compare, most_confused, pair_figures
from napari_lookalike.core.features import read_header
from napari_lookalike.core.hard_negatives import PairMark, aggregate
from napari_lookalike.core.hard_negatives.outbox import whole_table
from napari_lookalike.core.project import Project
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.results import ModelResults, load_results
from napari_lookalike.core.signed import signed

ROLES = ("ce", "supcon", "expert")
TITLES = {
    "ce": "cross-entropy",
    "supcon": "SupCon",
    "expert": "the expert-guided model",
}
SYNTHETIC_NOTE = "Synthetic slides, made by a program: these figures say nothing about patients."


def build_report(
    project: Project, versions: Mapping[str, str], timings: Mapping[str, float]
) -> dict[str, Any]:
    """Facts and figures of a project's models.

    Parameters
    ----------
    project
        The project.
    versions
        "ce", "supcon", "expert" -> model version, and "base" -> the version that all
        three were fine-tuned from. A role that is not there is reported as ``None``.
    timings
        Seconds by part.

    Returns
    -------
    dict
        JSON values: ``slides``, ``patients``, ``tiles``, ``classes``, ``encoder``,
        ``head``, ``device``, ``seeds``, ``timings``, ``synthetic``; ``models`` (role ->
        ``version``, ``balanced_accuracy``, ``per_class_recall``, and ``pairs``: "A | B"
        -> ``confusion``, ``margin``, each ``{"value", "low", "high"}``);
        ``marked_pairs``, ``marks``, ``table_version``, ``marks_left_out_by_fold``;
        ``comparisons`` and ``conclusion``.

    Raises
    ------
    ModelError
        If none of the versions is there.
    """
    results = {role: load_results(project.version_dir(v)) for role, v in versions.items()}
    reference = results.get("expert") or results.get("ce") or results.get("base")
    if reference is None:
        raise ModelError("There is no trained model to report on.", "Train one first.")
    rows = [row for row in whole_table(project).rows() if row.active]
    marked = _marked_pairs(project, rows, reference.classes)
    pairs = marked or most_confused(reference.metrics, 2)
    seed = int(reference.card["config"]["seed"])
    models = {
        role: _model(results[role], pairs, seed) if role in results else None for role in ROLES
    }
    comparisons = _comparisons(results, pairs, seed)
    return {
        **_facts(project, reference),
        "timings": dict(timings),
        "models": models,
        "pairs": [" | ".join(pair) for pair in pairs],
        "marked_pairs": [" | ".join(pair) for pair in marked],
        **_marks(results.get("expert"), rows),
        "comparisons": comparisons,
        "conclusion": conclusion(comparisons, models, project.cohort.synthetic),
    }


def _facts(project: Project, reference: ModelResults) -> dict[str, Any]:
    used = [s for s in project.cohort if s.slide_id in reference.slides]
    headers = [read_header(project.features_path(s.slide_id)) for s in used]
    card = reference.card
    return {
        "synthetic": project.cohort.synthetic,
        "cohort": project.cohort.name,
        "slides": len(used),
        "patients": len({s.group for s in used}),
        "sites": sorted({s.site for s in used if s.site}),
        "tiles": sum(header.count for header in headers if header is not None),
        "classes": list(reference.classes),
        "class_counts": {name: sum(s.label == name for s in used) for name in reference.classes},
        "encoder": card["encoder"],
        "head": card["head"],
        "device": _device(card),
        "platform": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "folds": card["folds"],
        "config": card["config"],
        "seeds": {**card["seeds"], "training": card["config"]["seed"], **_cohort_seed(project)},
    }


def _device(card: Mapping[str, Any]) -> str:
    device = str(card["config"].get("device", "auto"))
    if device != "auto":
        return device
    from napari_lookalike.core.mil.apply import choose_device

    return choose_device("auto").type


def _cohort_seed(project: Project) -> dict[str, int]:
    if not project.cohort.synthetic:
        return {}
    from napari_lookalike.core.synth.cohort import SEED

    return {"cohort": SEED}


def _marked_pairs(
    project: Project, rows: list[PairMark], classes: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    labels = {s.slide_id: s.label for s in project.cohort}
    strength = aggregate(rows, classes, labels, rule=project.settings.train.marks_rule)
    return tuple(
        (a, b)
        for i, a in enumerate(classes)
        for j, b in enumerate(classes)
        if i < j and strength[i, j] > 0
    )


def _model(results: ModelResults, pairs: tuple[tuple[str, str], ...], seed: int) -> dict[str, Any]:
    metrics, figures = results.metrics, pair_figures(results.metrics, pairs, seed)
    return {
        "version": results.version,
        "balanced_accuracy": metrics["balanced_accuracy"],
        "per_class_recall": metrics["per_class_recall"],
        "confusion_matrix": metrics["confusion_matrix"],
        "pairs": figures,
        "confusion": {name: pair["confusion"] for name, pair in figures.items()},
        "margin": {name: pair["margin"] for name, pair in figures.items()},
    }


def _marks(expert: ModelResults | None, rows: list[PairMark]) -> dict[str, Any]:
    card: Mapping[str, Any] = expert.card if expert else {}
    return {
        "marks": len(rows),
        "table_version": card.get("table_version", "empty"),
        "marks_left_out_by_fold": list(card.get("marks_left_out_by_fold", ())),
    }


def _comparisons(
    results: Mapping[str, ModelResults], pairs: tuple[tuple[str, str], ...], seed: int
) -> dict[str, Any]:
    """The expert-guided model against each of the others: paired by patient."""
    expert = results.get("expert")
    if expert is None:
        return {}
    return {
        f"expert against {role}": compare(results[role].metrics, expert.metrics, pairs, seed)
        for role in ("ce", "supcon")
        if role in results
    }


def conclusion(comparisons: Mapping[str, Any], models: Mapping[str, Any], synthetic: bool) -> str:
    """What came out, in sentences, without more certainty than there is.

    Parameters
    ----------
    comparisons
        "expert against ce", "expert against supcon" -> from `evaluation.compare`.
    models
        Role -> figures, or ``None``.
    synthetic
        Whether to say that the slides are synthetic.
    """
    note = f" {SYNTHETIC_NOTE}" if synthetic else ""
    if models.get("expert") is None:
        return f"No expert-guided model was trained, so there is nothing to compare.{note}"
    said = [
        _against(TITLES[role], comparisons[f"expert against {role}"])
        for role in ("supcon", "ce")
        if f"expert against {role}" in comparisons
    ]
    return " ".join(said) + note


def _against(title: str, comparison: Mapping[str, Any]) -> str:
    both = comparison["marked_pairs"]
    if not both or both["confusion"]["difference"]["value"] is None:
        return f"Against {title}: the pairs have no held-out slide, so nothing can be said."
    confusion, change = both["confusion"], both["confusion"]["difference"]
    figures = (
        f"it confuses {confusion['after']:.0%} of their held-out slides, "
        f"{title} {confusion['before']:.0%}{_interval(change)}"
    )
    if change["value"] >= 0:
        return f"The expert-guided model is not better than {title} on the pairs: {figures}."
    if change["high"] is not None and change["high"] < 0:
        return f"The expert-guided model is better than {title} on the pairs: {figures}."
    return (
        f"The expert-guided model is not shown to be better than {title} on the pairs: "
        f"{figures}, which may be chance with so few slides."
    )


def _interval(change: Mapping[str, float | None]) -> str:
    value, low, high = change["value"], change["low"], change["high"]
    if value is None or low is None or high is None:
        return ""
    return f" (difference {signed(value)}, 95 % interval {signed(low)} to {signed(high)})"


def save_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON, whole or not at all.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(path, lambda temporary: _write(temporary, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
