"""The ablation as a page with its figure, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

from napari_lookalike.core.ablation.grid import TITLES
from napari_lookalike.core.model_card import RESEARCH
from napari_lookalike.core.model_report.files import write_text
from napari_lookalike.core.model_report.html import bullets, heading, interval, paragraph, table
from napari_lookalike.core.model_report.page import SYNTHETIC, document
from napari_lookalike.core.model_report.svg import BLUE, GREEN, GREY, RED, Plot

Values = Mapping[str, Any]

HTML_FILE, JSON_FILE, CSV_FILE = "ablation.html", "ablation.json", "ablation.csv"
COLOURS = {"ce": GREY, "supcon": BLUE, "expert": RED, "shuffled": GREEN}
FIGURES = {
    "balanced_accuracy": "balanced accuracy",
    "margin": "margin of the marked pairs (cosine)",
    "confusion": "confusion of the marked pairs",
}
_APART = 0.09
"""Arms stand beside one another at a lambda, so that their intervals can be told apart."""


def save_ablation(folder: Path, report: Values) -> Path:
    """Write the three files, each whole or not at all.

    Parameters
    ----------
    folder
        Made if it is not there.
    report
        From `pipeline.ablate.ablate_project`.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / JSON_FILE, text)
    write_text(folder / CSV_FILE, csv_text(report["runs"]))
    write_text(folder / HTML_FILE, ablation_page(report))
    return folder / HTML_FILE


def csv_text(runs: Sequence[Values]) -> str:
    """A row a run, with intervals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = [f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")]
    writer.writerow(["arm", "lambda", "tau", *ends])
    for run in runs:
        cells = [_cell(run[name], key) for name in FIGURES for key in ("value", "low", "high")]
        writer.writerow([run["arm"], run["lambda"], run["tau"], *cells])
    return out.getvalue()


def _cell(figure: Values | None, key: str) -> str:
    value = figure[key] if figure is not None else None
    return "" if value is None else f"{value:.6f}"


def ablation_page(report: Values) -> str:
    """The page: the answer first, then the figure, then every number."""
    banner = RESEARCH + (f" {SYNTHETIC}" if report["synthetic"] else "")
    missing = len(report["missing"])
    undone = f"{missing} runs are not done yet; the same command goes on." if missing else ""
    body = (
        heading("Do the marks help?", 1)
        + f'<div class="banner"><strong>{escape(banner)}</strong></div>'
        + paragraph(undone)
        + bullets(report["verdict"])
        + heading("Against λ")
        + ablation_figure(report["runs"])
        + paragraph(
            "Bars are 95 % intervals from resampling patients. λ is the weight of the contrastive "
            "term, τ its temperature. SupCon at λ 0 is cross-entropy. The tables at λ 0 only steer "
            "which slides meet in a batch.",
            "small",
        )
        + heading("Every run")
        + table(_columns(), (_row(run) for run in sorted(report["runs"], key=_place)))
        + heading("How it was done")
        + bullets(_method(report))
        + paragraph(f"napari-lookalike {report['program']}. {RESEARCH}", "small")
    )
    return document("Ablation", body)


def _columns() -> tuple[str, ...]:
    return ("loss", "λ", "τ", *(c for n in FIGURES.values() for c in (n, "95 % interval")))


def _place(run: Values) -> tuple[int, float, float]:
    """A loss's runs stand together, by lambda and temperature, not in the order of computing."""
    return list(TITLES).index(run["arm"]), run["lambda"], run["tau"]


def _row(run: Values) -> tuple[object, ...]:
    cells = [c for name in FIGURES for c in interval(run[name], 3)]
    tau = "any" if run["lambda"] == 0 else f"{run['tau']:g}"
    return (TITLES[run["arm"]], f"{run['lambda']:g}", tau, *cells)


def _method(report: Values) -> tuple[str, ...]:
    config = report["config"]
    return (
        f"{report['slides']} labelled slides of {report['patients']} patients; every figure is of "
        "held-out slides.",
        f"Every run fine-tunes {report['start']} with the same folds, the same seed "
        f"({config['seed']}) and the same {config['finetune_epochs']} passes; "
        f"γ {config['gamma']:g}.",
        "The shuffled table has as many marks, as strong, on other pairs of subtypes.",
        "One training a run: differences between two seeds are not in the intervals.",
        *report["notes"],
    )


def ablation_figure(runs: Sequence[Values]) -> str:
    """Balanced accuracy and pair margin against lambda, a column a temperature."""
    taus = sorted({r["tau"] for r in runs if r["lambda"] > 0})
    there = [n for n in ("balanced_accuracy", "margin") if any(r[n] is not None for r in runs)]
    lambdas = sorted({r["lambda"] for r in runs})
    plots = [_plot(runs, name, tau, lambdas) for name in there for tau in taus]
    return f'<div class="plots">{"".join(plots)}</div>' if plots else ""


def _plot(runs: Sequence[Values], name: str, tau: float, lambdas: Sequence[float]) -> str:
    ends = [v for r in runs if r[name] for v in r[name].values() if v is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.08 * (high - low or 1.0)
    y = (low - room, high + room)
    x = (-0.5, max(len(lambdas), 2) - 0.5)
    plot = Plot(f"{FIGURES[name]}, τ {tau:g}", x, y, "λ", "", 330, 300)
    plot.ticks([(i, f"{v:g}") for i, v in enumerate(lambdas)], _round_steps(low, high))
    for k, arm in enumerate(("ce", "supcon", "expert", "shuffled")):
        mine = _series(runs, arm, tau)
        if not mine:
            continue
        points = []
        for run in mine:
            at = lambdas.index(run["lambda"]) + _APART * (k - 1.5)
            figure = run[name]
            if figure is None or figure["value"] is None:
                continue
            if figure["low"] is not None and figure["high"] is not None:
                plot.whisker(at, figure["low"], figure["high"], COLOURS[arm])
            tip = f"{TITLES[arm]}, λ {run['lambda']:g}: {figure['value']:.3f}"
            plot.dot((at, figure["value"]), COLOURS[arm], 3.5, tip)
            points.append((at, figure["value"]))
        if arm == "ce" and points:
            plot.line([(x[0], points[0][1]), (x[1], points[0][1])], GREY, width=1, dashed=True)
        elif len(points) > 1:
            plot.line(points, COLOURS[arm], width=1.5)
    plot.legend([(COLOURS[a], t) for a, t in TITLES.items() if _series(runs, a, tau)])
    return plot.text()


def _series(runs: Sequence[Values], arm: str, tau: float) -> list[Values]:
    """An arm's runs at a temperature, by lambda; at lambda 0 the temperature does not matter."""
    mine = [r for r in runs if r["arm"] == arm and (r["lambda"] == 0 or r["tau"] == tau)]
    return sorted(mine, key=lambda r: r["lambda"])


def _round_steps(low: float, high: float) -> list[float]:
    """A handful of round numbers between two."""
    step = 10.0 ** floor(log10(max(high - low, 1e-6) / 2))
    if (high - low) / step > 6:
        step *= 5 if (high - low) / step > 12 else 2
    first = ceil(low / step - 1e-9)
    count = floor(high / step + 1e-9) - first + 1
    return [round((first + i) * step, 9) for i in range(count)]


__all__ = ["ablation_figure", "ablation_page", "csv_text", "save_ablation"]
