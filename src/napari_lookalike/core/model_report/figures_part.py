"""The part of the page that shows the held-out figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_lookalike.core.model_report.html import (
    confusion_table,
    heading,
    interval,
    number,
    paragraph,
    table,
)
from napari_lookalike.core.model_report.plots import (
    margin_plot,
    recall_plot,
    reliability_plot,
    selective_plot,
)
from napari_lookalike.core.model_report.sentences import centre_sentence

Values = Mapping[str, Any]

COLUMNS = ("", "value", "95 % interval", "what it is")


def figures_part(report: Values) -> str:
    """All held-out figures, with drawings."""
    return "".join(
        (
            heading("Held-out figures"),
            table(COLUMNS, _main(report)),
            recall_plot(report["per_class_recall"]),
            heading("Confusion matrix"),
            confusion_table(list(report["cohort"]["classes"]), report["confusion_matrix"]),
            _probabilities(report["measures"]),
            _pairs(report),
            _geometry(report["measures"]),
        )
    )


def _main(report: Values) -> Iterator[tuple[object, ...]]:
    figures, more = report["figures"], report["measures"]
    yield (
        "Balanced accuracy",
        *interval(figures["balanced_accuracy"]),
        "share of its slides that is recognised, the mean of the subtypes",
    )
    yield (
        "Macro F1",
        *interval(figures["macro_f1"]),
        "the same, lowered by slides of others that are taken for a subtype",
    )
    yield ("Accuracy", *interval(figures["accuracy"]), "share of slides recognised")
    yield (
        "Matthews correlation",
        *interval(figures["mcc"]),
        "1: all right, 0: as good as chance",
    )
    left = more["auc_left_out"]
    without = f"; without {', '.join(left)}, which has none" if left else ""
    yield (
        "Macro AUC",
        *interval(more["macro_auc"]),
        "how often a slide of a subtype gets more of its probability than a slide of another; "
        f"0.5: as by chance{without}",
    )
    for name, recall in report["per_class_recall"].items():
        yield (
            f"Recall of {name} (n = {recall['n']})",
            *interval(recall),
            "share of its slides recognised",
        )
    for name, auc in more["per_class_auc"].items():
        yield (f"AUC of {name}", *interval(auc), "against the rest")


def _probabilities(measures: Values) -> str:
    calibration = measures["calibration"]
    before, after = calibration["before"], calibration["after"]
    rows = []
    titles = {
        "ece": "Calibration error (ECE): how far a probability is from the share that is right",
        "brier": "Brier score: squared error of the probabilities, 0 to 2",
        "log_loss": "Log loss: punishes being sure and wrong",
    }
    for key, title in titles.items():
        scaled = interval(after[key], 3) if after else ("–", "–")
        rows.append((title, *interval(before[key], 3), *scaled))
    chosen = [s for s in measures["selective_accuracy"] if s["coverage"] in (0.5, 0.8, 0.9, 1.0)]
    surest = [
        (f"{s['coverage']:.0%}", *interval(s["accuracy"]), number(s["confidence"])) for s in chosen
    ]
    temperatures = ", ".join(number(t) for t in calibration["temperature_of_fold"].values())
    note = f"Temperature of each fold: {temperatures}." if temperatures else calibration["note"]
    return (
        heading("What its probabilities are worth")
        + f'<div class="plots">{reliability_plot(before, after)}'
        + f"{selective_plot(measures['selective_accuracy'])}</div>"
        + table(("lower is better", "as it is", "interval", "temperature scaled", "interval"), rows)
        + paragraph(note, "small")
        + heading("If only the surest slides were answered", 3)
        + table(("answered", "accuracy", "95 % interval", "from this probability on"), surest)
    )


def _pairs(report: Values) -> str:
    geometry = report["measures"]["geometry"]
    rows = []
    for name, pair in report["pairs"].items():
        near = geometry["pairs"].get(name, {})
        rows.append(
            (
                name.replace(" | ", " – "),
                "marked" if name in report["marked_pairs"] else "most confused",
                f"{pair['n_a']} + {pair['n_b']}",
                " ".join(_both(pair["confusion"])),
                " ".join(_both(pair["margin"])),
                " ".join(_both(near.get("knn_confusion"))),
            )
        )
    columns = ("pair", "why shown", "slides", "confusion", "margin", "neighbours of the other")
    if not rows:
        return heading("Pairs") + paragraph("No pair is marked, and none is confused.")
    explained = (
        "Confusion: share of the slides of the two that are taken for the other. Margin: how much "
        "nearer a slide lies to its own subtype than to the other, in cosine. Neighbours of the "
        f"other: share of a slide's {geometry['neighbours']} nearest slides (of other patients) "
        "that are of the other subtype."
    )
    drawing = margin_plot(report["pairs"], report["marked_pairs"])
    return heading("Pairs") + paragraph(explained) + table(columns, rows) + drawing


def _both(figure: Values | None) -> tuple[str, str]:
    value, between = interval(figure)
    return value, "" if between == "–" else f"({between})"


def _geometry(measures: Values) -> str:
    geometry, robustness = measures["geometry"], measures["robustness"]
    rows = [
        (
            "Compactness",
            *interval(geometry["compactness"]),
            "distance to the own mean; lower is tighter",
        ),
        (
            "Separation",
            *interval(geometry["separation"]),
            "distance between means; higher is further",
        ),
        ("Ratio", *interval(geometry["ratio"]), "compactness by separation; lower is better"),
        (
            "Silhouette",
            *interval(geometry["silhouette"]),
            "1: apart, 0: on the border, below: mixed",
        ),
    ]
    for name, figure in geometry["per_class_silhouette"].items():
        rows.append((f"Silhouette of {name}", *interval(figure), ""))
    left = geometry["left_out"]
    note = f"Fewer than two slides, so left out: {', '.join(left)}." if left else ""
    return (
        heading("How the slides lie in embedding space")
        + table(COLUMNS, rows)
        + paragraph(note, "small")
        + heading("Centres", 3)
        + _centres(robustness)
    )


def _centres(robustness: Values) -> str:
    if robustness["index"] is None:
        return paragraph(robustness["note"])
    counts = robustness["counts"]
    rows = [
        (
            "Robustness index",
            *interval(robustness["index"]),
            "SO / (SO + OS); 1: subtype decides, 0: centre decides",
        ),
        (
            "Robustness index, original",
            *interval(robustness["original"]),
            "(SS + SO) / (SS + OS); above 1: subtype decides",
        ),
    ]
    said = (
        f"Nearest neighbours looked at: {robustness['k']}, the own patient's left out. Same "
        f"subtype and centre {counts['SS']}, same subtype only {counts['SO']}, same centre only "
        f"{counts['OS']}, neither {counts['OO']}."
    )
    return (
        paragraph(centre_sentence(robustness))
        + table(COLUMNS, rows)
        + paragraph(f"{said} {robustness['note']}".strip(), "small")
    )
