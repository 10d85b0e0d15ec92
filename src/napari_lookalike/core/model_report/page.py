"""The report as one HTML page: no script, no link, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.model_card import LOSSES, RESEARCH
from napari_lookalike.core.model_report.figures_part import figures_part
from napari_lookalike.core.model_report.html import bullets, heading, paragraph, table
from napari_lookalike.core.model_report.marks_part import marks_part
from napari_lookalike.core.model_report.style import STYLE

Values = Mapping[str, Any]

SYNTHETIC = "Synthetic slides, made by a program: these figures say nothing about patients."

READING = (
    "Held out: a slide was judged by a network that never saw a slide of its patient.",
    "Recall of a subtype: the share of its slides that is recognised; n is how many there are. "
    "With few slides one more or less changes it much.",
    "95 % interval: between these ends the figure would mostly lie if other patients of the same "
    "kind had been sampled. A wide one means that little is known. One without width (all of a few "
    "slides recognised) is no certainty. If the interval of a "
    "difference holds 0, the difference may be chance.",
    "Confusion of a pair: the share of the slides of two subtypes that is taken for the other of "
    "the two. Margin: how much nearer slides lie to their own subtype than to the other; below 0 "
    "they lie nearer to the other.",
    "A probability is what the model says, not how likely a disease is in a patient.",
)

METHOD = (
    "Every figure is of held-out slides: each was predicted by the network of its fold, which "
    "never saw any slide of its patient. Intervals are 95 % percentile intervals over 1000 "
    "resamples of patients; they say how much a figure would move with other patients, not with "
    "another training run.",
    "AUC: one subtype against the rest. Calibration error: ten bins of equal width of the "
    "answer's probability (Guo et al. 2017). Temperature: for each fold fitted on the held-out "
    "answers of the other folds.",
    "Geometry: unit slide embeddings of held-out slides in cosine, rotated from their folds' "
    "spaces into one (fitted on training slides). Margins of pairs: in the fold's own space, "
    "against the means of its training slides. In intervals of silhouette, compactness and "
    "neighbours the slides' own values stay, and the patients are drawn.",
    "Permutation test: the two models' answers are exchanged patient by patient.",
)


def html_page(report: Values) -> str:
    """The page of a report.

    Parameters
    ----------
    report
        From `facts.build_model_report`.
    """
    parts = [
        _top(report),
        heading("In short"),
        bullets(report["summary"]),
        heading("How to read this page"),
        bullets(READING),
        _cohort(report["cohort"]),
        _making(report),
        figures_part(report),
        marks_part(report),
        heading("How the figures were made"),
        bullets(METHOD),
        paragraph(f"napari-lookalike {report['program']}. {RESEARCH}", "small"),
    ]
    return document(f"Model {report['version']}", "".join(parts))


def document(title: str, body: str) -> str:
    """A whole HTML document that may load nothing."""
    # The policy makes a browser refuse whatever a name in the cohort might smuggle in.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _settings(config: Values, loss: str) -> str:
    """In words and in the letters of the method."""
    names = {
        "lam": "weight of the contrastive term λ",
        "tau": "temperature τ",
        "gamma": "strength of a full mark γ",
        "epochs": "passes from scratch",
        "finetune_epochs": "passes of fine-tuning",
        "lr": "learning rate",
        "seed": "seed",
    }
    unused = {"ce": ("lam", "tau", "gamma"), "supcon": ("gamma",)}.get(loss, ())
    return ", ".join(
        f"{words} {config[n]:g}" for n, words in names.items() if n in config and n not in unused
    )


def _when(trained_at: str) -> str:
    """ISO 8601 as a person writes it: "2026-11-26, 23:42 UTC"."""
    return f"{trained_at[:10]}, {trained_at[11:16]} UTC" if trained_at else "at an unknown time"


def _top(report: Values) -> str:
    model = report["model"]
    head = HEAD_TITLES.get(model["head"], model["head"])
    loss = LOSSES.get(model["loss"], model["loss"])
    banner = RESEARCH + (f" {SYNTHETIC}" if report["synthetic"] else "")
    return (
        heading(f"Model {report['version']}", 1)
        + paragraph(f"{head}, {loss}. Trained {_when(report['trained_at'])}.", "small")
        + f'<div class="banner"><strong>{escape(banner)}</strong></div>'
    )


def _cohort(cohort: Values) -> str:
    centres = list(cohort["centres"])
    rows = [
        [name, c["slides"], c["patients"], *(c["by_centre"][k] for k in centres)]
        for name, c in cohort["classes"].items()
    ]
    total = [cohort["centres"][k]["slides"] for k in centres]
    rows.append(["all", cohort["slides"], cohort["patients"], *total])
    said = (
        f"{cohort['slides']} labelled slides of {cohort['patients']} patients were trained on and "
        f"evaluated, of {cohort['in_project']} slides in the project ({cohort['excluded']} "
        f"excluded, {cohort['not_labelled']} without a label)."
    )
    columns = ["subtype", "slides", "patients", *(f"slides, centre: {k}" for k in centres)]
    return heading("Cohort") + paragraph(said) + table(columns, rows)


def _making(report: Values) -> str:
    model, encoder = report["model"], report["encoder"]
    config = model["config"]
    settings = _settings(config, str(model["loss"]))
    start = f"Fine-tuned from {model['start_from']}. " if model["start_from"] else ""
    classes = list(report["cohort"]["classes"])
    folds = [[key, *(f[key] for f in report["folds"])] for key in ("patients", "slides")]
    folds += [[f"of {name}", *(f["classes"][name] for f in report["folds"])] for name in classes]
    folds.append(["slides recognised", *(f["recognised"] for f in report["folds"])])
    numbers = [f"fold {f['fold']}" for f in report["folds"]]
    return (
        heading("How it was made")
        + paragraph(f"{start}Settings: {settings}. Table of look-alikes: {model['table_version']}.")
        + paragraph(f"Encoder: {encoder['title']}, {encoder['licence']}. {encoder['terms']}")
        + heading("Folds", 3)
        + table(["", *numbers], folds)
        + heading("What was left out", 3)
        + (bullets(report["left_out"]["notes"]) or paragraph("Nothing."))
    )
