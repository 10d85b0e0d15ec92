"""What the figures say, in sentences; pure functions of the report's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]

FEW = 10
"""A recall of fewer slides is hardly known."""


def summary(report: Values) -> Iterator[str]:
    """The report in short, most important first."""
    cohort = report["cohort"]
    balanced = report["figures"]["balanced_accuracy"]
    yield (
        f"On {cohort['slides']} held-out slides of {cohort['patients']} patients the balanced "
        f"accuracy (share recognised, the mean of the subtypes) is {shown(balanced)}; guessing "
        f"gives {1 / len(cohort['classes']):.2f}."
    )
    yield from _pairs(report)
    yield calibration_sentence(report["measures"]["calibration"])
    few = [n for n, f in report["per_class_recall"].items() if f["n"] < FEW]
    if few:
        yield f"Fewer than {FEW} slides, so hardly known: {', '.join(few)}."
    robustness = report["measures"]["robustness"]
    yield robustness["note"] if robustness["index"] is None else centre_sentence(robustness)
    if report["comparison"].get("verdict"):
        yield f"Against {report['comparison']['before']}: {report['comparison']['verdict']}"


def _pairs(report: Values) -> Iterator[str]:
    confused = [(n, p) for n, p in report["pairs"].items() if (p["confusion"]["value"] or 0) > 0]
    if not confused:
        yield "No pair that was looked at is ever confused."
        return
    name, worst = max(confused, key=lambda item: item[1]["confusion"]["value"])
    marked = "marked" if name in report["marked_pairs"] else "not marked"
    yield (
        f"Most confused: {name.replace(' | ', ' and ')} ({marked}), "
        f"{shown(worst['confusion'])} of their {worst['n_a'] + worst['n_b']} slides are taken "
        "for the other."
    )


def calibration_sentence(calibration: Values) -> str:
    """Whether its probabilities can be taken at their word."""
    bins = [b for b in calibration["before"]["reliability"] if b["n"]]
    n = sum(b["n"] for b in bins)
    if not n:
        return "No held-out slide, so nothing is known of its probabilities."
    sure = sum(b["n"] * b["confidence"] for b in bins) / n
    right = sum(b["n"] * b["accuracy"] for b in bins) / n
    error = shown(calibration["before"]["ece"])
    how = "too sure" if sure > right else "not sure enough"
    said = f"It gives {sure:.0%} to its answers and {right:.0%} are right"
    said += f", so it is {how} on the whole" if abs(sure - right) >= 0.02 else ""
    said += f" (calibration error {error})."
    after = calibration["after"]
    if after is None:
        return f"{said} {calibration['note']}".strip()
    return f"{said} Temperature scaling gives {shown(after['ece'])}."


def centre_sentence(robustness: Values) -> str:
    """Whether neighbours are alike by subtype or by centre."""
    index = robustness["index"]
    if index["value"] is None:
        return (
            "Robustness to the centre is undefined: no neighbour is of the same subtype in another "
            "centre, or of another subtype in the same centre."
        )
    if index["low"] is not None and index["low"] > 0.5:
        says = "neighbours are alike by subtype rather than by centre"
    elif index["high"] is not None and index["high"] < 0.5:
        says = "neighbours are alike by centre rather than by subtype: beware of confounding"
    else:
        says = "whether subtype or centre decides cannot be told"
    return f"Robustness index {shown(index)} over {robustness['n_centres']} centres: {says}."


def locked_sentence(locked: Values) -> str:
    """What is to be known of the locked test set."""
    if not locked["there"]:
        return (
            "There is no locked test set. Whoever chose the marks and the settings may have seen "
            "all figures of these patients."
        )
    times = locked["opened"]
    opened = {0: "never opened", 1: "opened once"}.get(times, f"opened {times} times")
    said = (
        f"{locked['slides']} slides of {locked['patients']} patients were locked away on "
        f"{locked['locked_at'][:10]} and are in none of the figures above; {opened} so far."
    )
    return said if times < 2 else f"{said} A test set that is opened often is one no longer."


def p_sentence(permutation: Values) -> str:
    """A permutation test in words."""
    p = permutation["p"]
    if p is None:
        return "undefined"
    number = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{number} ({permutation['kind']}, {permutation['exchanges']} exchanges)"


def shown(figure: Values | None, digits: int = 2) -> str:
    """A figure with its interval."""
    if figure is None or figure["value"] is None:
        return "undefined"
    value = f"{figure['value']:.{digits}f}"
    if figure["low"] is None or figure["high"] is None:
        return value
    return f"{value} (95 % interval {figure['low']:.{digits}f} to {figure['high']:.{digits}f})"
