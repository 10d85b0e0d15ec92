"""The report's drawings, each from the report's own values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import Any

from napari_lookalike.core.model_report.svg import BLUE, GREY, LETTER, ORANGE, Plot

Values = Mapping[str, Any]

TENTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_NUMBERS = tuple((t, f"{t:g}") for t in TENTHS)
_ROW = 26


def reliability_plot(before: Values, after: Values | None) -> str:
    """Accuracy against confidence by bin; on the diagonal probabilities are true."""
    plot = Plot("Reliability", (0, 1), (0, 1), "probability of the answer", "share that is right")
    plot.ticks(_NUMBERS, TENTHS)
    plot.line([(0, 0), (1, 1)], GREY, width=1, dashed=True)
    most = max((b["n"] for b in before["reliability"]), default=0) or 1
    for b in before["reliability"]:
        plot.bar((b["low"] + 0.005, b["high"] - 0.005), 0.2 * b["n"] / most, GREY, 0.35)
    series = [(before, BLUE, "as it is")]
    if after is not None:
        series.append((after, ORANGE, "temperature scaled"))
    for values, colour, name in series:
        there = [b for b in values["reliability"] if b["n"]]
        points = [(b["confidence"], b["accuracy"]) for b in there]
        plot.line(points, colour)
        for b, point in zip(there, points, strict=True):
            tip = f"{name}: {b['n']} slides, {point[0]:.2f} said, {point[1]:.2f} right"
            plot.dot(point, colour, 3, tip)
    plot.legend([(c, n) for _, c, n in series] + [(GREY, "slides (bars)")])
    return plot.text()


def selective_plot(selective: Sequence[Values]) -> str:
    """Accuracy of the surest slides against how many are answered."""
    there = [s for s in selective if s["accuracy"]["value"] is not None]
    lowest = min((s["accuracy"]["low"] or s["accuracy"]["value"] for s in there), default=0.0)
    floor = 0.5 if lowest >= 0.5 else 0.0
    plot = Plot(
        "Accuracy of the surest slides", (0, 1), (floor, 1), "share of slides answered", "accuracy"
    )
    plot.ticks(_NUMBERS, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0) if floor else TENTHS)
    sure = [s for s in there if s["accuracy"]["low"] is not None]
    plot.band(
        [(s["coverage"], s["accuracy"]["low"]) for s in sure],
        [(s["coverage"], s["accuracy"]["high"]) for s in sure],
        BLUE,
    )
    plot.line([(s["coverage"], s["accuracy"]["value"]) for s in there], BLUE)
    for s in there:
        tip = f"{s['coverage']:.0%} answered: {s['accuracy']['value']:.2f} right"
        plot.dot((s["coverage"], s["accuracy"]["value"]), BLUE, 3, tip)
    return plot.text()


def interval_plot(
    title: str, rows: Sequence[tuple[str, Values, str]], x: tuple[float, float], x_title: str
) -> str:
    """A row a figure: its value and interval, lying, with a name at the left.

    Parameters
    ----------
    title, x_title
        Words.
    rows
        (name, figure, colour), from the top.
    x
        Range of the axis.
    """
    n = max(len(rows), 1)
    left = min(380, int(max((len(n) for n, _, _ in rows), default=0) * LETTER) + 20)
    plot = Plot(title, x, (0, n), x_title, "", 360 + left, 70 + _ROW * n, left)
    plot.ticks([(t, f"{t:g}") for t in _steps(*x)])
    if x[0] < 0 < x[1]:
        plot.line([(0, 0), (0, n)], GREY, width=1, dashed=True)
    for i, (name, figure, colour) in enumerate(rows):
        y = n - i - 0.5
        plot.row_name(y, name)
        if figure["value"] is None:
            plot.note((x[0], y), " undefined", colour=GREY)
            continue
        if figure["low"] is not None and figure["high"] is not None:
            plot.flat_whisker(y, max(figure["low"], x[0]), min(figure["high"], x[1]), colour)
        plot.dot((figure["value"], y), colour, 4, f"{name}: {figure['value']:.2f}")
    return plot.text()


def _steps(low: float, high: float) -> list[float]:
    step = 0.1 if high - low <= 0.55 else 0.2 if high - low <= 1.05 else 0.5
    first = int(low / step) * step
    values = [round(first + i * step, 2) for i in range(int((high - first) / step + 1e-9) + 1)]
    return [v for v in values if v >= low - 1e-9]


def recall_plot(per_class: Mapping[str, Values]) -> str:
    """Recall of every subtype, the lowest first."""
    ranked = sorted(per_class.items(), key=lambda item: (item[1]["value"] or 0, item[0]))
    rows = [(f"{name} (n = {f['n']})", f, BLUE) for name, f in ranked]
    return interval_plot("Recall of each subtype", rows, (0, 1), "share of its slides recognised")


def margin_plot(pairs: Mapping[str, Values], marked: Sequence[str]) -> str:
    """Margin of every pair in cosine; left of zero a slide lies nearer to the other subtype."""
    rows = [
        (name.replace(" | ", " – "), pair["margin"], ORANGE if name in marked else BLUE)
        for name, pair in sorted(pairs.items(), key=lambda i: i[1]["margin"]["value"] or 0)
    ]
    ends = [v for _, f, _ in rows for v in (f["value"], f["low"], f["high"]) if v is not None]
    low, high = min([0.0, *ends]), max([0.1, *ends])
    # Whole tenths outwards, so that no interval is cut.
    span = (floor(low * 10) / 10, ceil(high * 10) / 10)
    return interval_plot(
        "Margin of the pairs (orange: marked)", rows, span, "cosine, own minus other"
    )
