"""The part of the page on marks, leaks, the start model and the locked test set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_lookalike.core.model_report.html import (
    bullets,
    confusion_table,
    heading,
    interval,
    number,
    paragraph,
    table,
)
from napari_lookalike.core.model_report.sentences import locked_sentence, p_sentence

Values = Mapping[str, Any]


def marks_part(report: Values) -> str:
    """Marks, comparison with the start model, locked test set."""
    return (
        heading("Marks, and what they could leak")
        + _marks(report)
        + heading("Compared with the model it started from")
        + _comparison(report["comparison"])
        + heading("Locked test set")
        + _locked(report["locked_test"], list(report["cohort"]["classes"]))
    )


def _marks(report: Values) -> str:
    marks, left = report["marks"], report["left_out"]
    if not marks["learnt_from"]:
        return paragraph(
            "This model did not learn from marks; they only choose which pairs are shown."
        )
    learnt = f"It learnt from the table of look-alikes, version {marks['table_version']}."
    if marks["table_changed"]:
        learnt += " The table has changed since: the marks below are those that are in it now."
    rows = [
        (f"fold {i + 1}", reason, n)
        for i, fold in enumerate(left["marks_by_fold"])
        for reason, n in fold.items()
    ]
    hidden = table(("", "mark left out because it", "marks"), rows) if rows else ""
    none = "" if rows else "No mark had to be left out of any fold."
    return (
        paragraph(learnt)
        + bullets(marks["asked"])
        + bullets(m["sentence"] for m in marks["in_time"])
        + hidden
        + paragraph(none)
    )


def _comparison(comparison: Values) -> str:
    if comparison["note"]:
        return paragraph(comparison["note"])
    rows = []
    tests = comparison["permutation"]
    for key, title in (("balanced_accuracy", "Balanced accuracy"), ("accuracy", "Accuracy")):
        rows.append(_change(title, comparison[key], p_sentence(tests[key])))
    if comparison["marked_pairs"]:
        both = comparison["marked_pairs"]
        rows.append(
            _change("Confusion, marked pairs", both["confusion"], p_sentence(tests["marked_pairs"]))
        )
        rows.append(_change("Margin, marked pairs", both["margin"], ""))
    for name, change in comparison["per_class_recall"].items():
        rows.append(_change(f"Recall of {name} (n = {change['n']})", change, ""))
    columns = ("", comparison["before"], "this model", "difference", "95 % interval", "test")
    warning = (
        "A model that is trained further is often better whatever it is taught. What the marks are "
        "worth is said only by a comparison with SupCon at the same settings, and with a shuffled "
        "table (train --ablate)."
    )
    return (
        paragraph(comparison["verdict"])
        + table(columns, rows)
        + paragraph(f"{comparison['n_slides']} slides that both held out. {warning}", "small")
    )


def _change(title: str, change: Values, test: str) -> tuple[str, ...]:
    before, after = number(change["before"]), number(change["after"])
    return (title, before, after, *interval(change["difference"]), test)


def _locked(locked: Values, classes: list[str]) -> str:
    said = paragraph(locked_sentence(locked))
    if not locked["there"] or locked["figures"] is None:
        return said
    figures = locked["figures"]
    names = {
        "balanced_accuracy": "Balanced accuracy",
        "macro_f1": "Macro F1",
        "accuracy": "Accuracy",
        "mcc": "Matthews correlation",
        "macro_auc": "Macro AUC",
        "ece": "Calibration error",
    }
    rows: list[tuple[object, ...]] = [
        (title, *interval(figures[key])) for key, title in names.items()
    ]
    for name, recall in figures["per_class_recall"].items():
        rows.append((f"Recall of {name} (n = {recall['n']})", *interval(recall)))
    return (
        said
        + paragraph(
            f"The final network on {figures['n_slides']} slides of {figures['n_patients']} "
            "patients that no network was trained on:"
        )
        + table(("", "value", "95 % interval"), rows)
        + confusion_table(classes, figures["confusion_matrix"])
        + bullets(figures["notes"])
    )
