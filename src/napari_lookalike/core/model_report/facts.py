"""Facts and figures of one model version, gathered from the project as JSON values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_lookalike import __version__
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import LookalikeError, ModelError
from napari_lookalike.core.evaluation import compare, most_confused, pair_figures
from napari_lookalike.core.hard_negatives.outbox import whole_table
from napari_lookalike.core.heldout import HeldOut, matthews, named_pairs
from napari_lookalike.core.locked_test import LockedTest, read_locked_test
from napari_lookalike.core.measures import Answers, every_figure
from napari_lookalike.core.measures.resampled import Figure
from napari_lookalike.core.model_card import JSON_FILE, TUNED, encoder_facts
from napari_lookalike.core.model_report.marks import marks_in_time
from napari_lookalike.core.model_report.sentences import summary
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, load_results
from napari_lookalike.core.results_here import results_here

FORMAT = "napari-lookalike model report"
MOST_CONFUSED = 3
UNKNOWN_CENTRE = "not known"


def build_model_report(
    project: Project, version: str, *, test_figures: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything that the report of a version shows.

    Parameters
    ----------
    project
        The project; it is only read.
    version
        The model version.
    test_figures
        From `pipeline.open_test.open_test_set` if the locked test set was opened.

    Returns
    -------
    dict
        JSON values, described by their keys. No patient, path or file name is in it.

    Raises
    ------
    ModelError
        If the version is not there, is damaged, or was made without cross-validation.
    ProjectError, TableError
        If the locked test set or the table cannot be read.
    """
    project.check_version(version)
    results = results_here(project, version)
    _check_of_this_project(results)
    answers = Answers.of(results, {s.slide_id: s.site for s in project.cohort})
    card, metrics, held = results.card, results.metrics, answers.held
    seed = int(card.get("config", {}).get("seed", 0))
    marked = named_pairs(metrics.get("marked_pairs", metrics["pairs"]), held.classes)
    pairs = list(dict.fromkeys((*marked, *most_confused(metrics, MOST_CONFUSED))))
    report: dict[str, Any] = {
        "format": FORMAT,
        "program": __version__,
        "research_use_only": True,
        "version": version,
        "trained_at": str(card.get("trained_at", "")),
        "synthetic": project.cohort.synthetic,
        "cohort": _cohort(project.cohort, answers),
        "model": _model(card),
        "encoder": encoder_facts(str(card.get("encoder", ""))),
        "folds": _folds(answers),
        "left_out": _left_out(card),
        "figures": _figures(metrics, held),
        "confusion_matrix": metrics["confusion_matrix"],
        "per_class_recall": metrics["per_class_recall"],
        "measures": every_figure(answers, pairs, seed),
        "pairs": pair_figures(metrics, pairs, seed),
        "marked_pairs": sorted(pair_figures(metrics, marked, seed)),
        "marks": _marks(project, card, version),
        "evidence": _evidence(card, metrics),
        "comparison": _comparison(project, results, marked, seed),
        "locked_test": _locked(read_locked_test(project.root), project.cohort, test_figures),
    }
    tuned = (TUNED,) if card.get("tuned_encoder") else ()
    report["summary"] = [*tuned, *summary(report)]
    return report


def _check_of_this_project(results: ModelResults) -> None:
    """Refuse a version that was judged on other slides under the names of these."""
    held = len(results.metrics.get("slides", {}).get("slide_ids", ()))
    if held < results.metrics.get("n_slides", held):
        raise ModelError(
            f"{results.version} was judged on other slides than those that have the same names "
            "in this project: its figures say nothing about these.",
            "Make the report in the project that it was trained in, or train a model here.",
        )


def _figures(metrics: Mapping[str, Any], held: HeldOut) -> dict[str, Figure]:
    names = ("balanced_accuracy", "macro_f1", "accuracy")
    found = {name: metrics[name] for name in names}
    if "mcc" in metrics:
        return {**found, "mcc": metrics["mcc"]}
    value = matthews(held.confusion())[0]
    return {
        **found,
        "mcc": {"value": None if np.isnan(value) else float(value), "low": None, "high": None},
    }


def _cohort(cohort: Cohort, answers: Answers) -> dict[str, Any]:
    held = answers.held
    centres = sorted({c or UNKNOWN_CENTRE for c in answers.centre})
    at = np.array([centres.index(c or UNKNOWN_CENTRE) for c in answers.centre], np.int64)
    by_class = {}
    for i, name in enumerate(held.classes):
        mine = held.y == i
        by_class[name] = {
            "slides": int(mine.sum()),
            "patients": len(np.unique(held.patient[mine])),
            "by_centre": {c: int((mine & (at == k)).sum()) for k, c in enumerate(centres)},
        }
    by_centre = {
        c: {"slides": int((at == k).sum()), "patients": len(np.unique(held.patient[at == k]))}
        for k, c in enumerate(centres)
    }
    return {
        "slides": len(held.y),
        "patients": len(np.unique(held.patient)),
        "in_project": len(cohort),
        "excluded": sum(s.excluded for s in cohort),
        "not_labelled": sum(not s.label and not s.excluded for s in cohort),
        "classes": by_class,
        "centres": by_centre,
    }


def _model(card: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("head", "stage", "start_from", "loss", "table_version", "tile_px", "mpp", "tile_mode")
    return {**{k: card.get(k, "") for k in keys}, "config": dict(card.get("config", {}))}


def _folds(answers: Answers) -> list[dict[str, Any]]:
    held, found = answers.held, []
    for fold in np.unique(answers.fold):
        here = answers.fold == fold
        found.append(
            {
                "fold": int(fold) + 1,
                "slides": int(here.sum()),
                "patients": len(np.unique(held.patient[here])),
                "recognised": int(answers.correct[here].sum()),
                "classes": {n: int((held.y[here] == i).sum()) for i, n in enumerate(held.classes)},
            }
        )
    return found


def _left_out(card: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "notes": list(card.get("notes", ())),
        "marks": dict(card.get("marks_left_out", {})),
        "marks_by_fold": list(card.get("marks_left_out_by_fold", ())),
    }


def _marks(project: Project, card: Mapping[str, Any], version: str) -> dict[str, Any]:
    table = whole_table(project)
    trained = {name: _trained_at(project, name) for name in project.versions()}
    used = card.get("table_version", "empty")
    learnt = card.get("loss") == "expert"
    return {
        "learnt_from": learnt,
        "asked": list(card.get("marks", ())),
        "table_version": used,
        "table_changed": learnt and table.version != used,
        "in_time": marks_in_time(table.rows(), trained, version),
    }


def _evidence(card: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Tiles that an expert pointed at: how many, why not others, and the held-out effect."""
    if "evidence" not in card:
        return {}
    return {**card["evidence"], "effect": dict(metrics.get("evidence", {}))}


def _trained_at(project: Project, version: str) -> str:
    folder = project.version_dir(version)
    try:
        return str(json.loads((folder / JSON_FILE).read_text(encoding="utf-8"))["trained_at"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # a version from before there were cards
    try:
        return str(load_results(folder).card.get("trained_at", ""))
    except ModelError:
        return ""


def _comparison(
    project: Project, results: ModelResults, marked: list[tuple[str, str]], seed: int
) -> dict[str, Any]:
    """Against the version that it was fine-tuned from; says why where there is none."""
    start = str(results.card.get("start_from", ""))
    if not start:
        return {"before": "", "note": "It was not fine-tuned from another version."}
    try:
        before = results_here(project, start).metrics
    except LookalikeError:
        return {"before": start, "note": f"The start model {start} is no longer there."}
    return {"before": start, "note": "", **compare(before, results.metrics, marked, seed)}


def _locked(
    locked: LockedTest | None, cohort: Cohort, figures: Mapping[str, Any] | None
) -> dict[str, Any]:
    if locked is None:
        return {"there": False}
    slides = locked.slides(cohort)
    return {
        "there": True,
        "locked_at": locked.locked_at,
        "slides": len(slides),
        "patients": len({s.group for s in slides}),
        "opened": len(locked.openings),
        "openings": [{"time": o.time, "version": o.version} for o in locked.openings],
        "figures": dict(figures) if figures is not None else None,
    }
