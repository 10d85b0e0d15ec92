"""What an ablation shows, in sentences made from its intervals alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from napari_lookalike.core.signed import signed

Values = Mapping[str, Any]
Outcome = Literal["better", "worse", "open", "unknown"]


def outcome(change: Values | None, *, lower_is_better: bool) -> Outcome:
    """What a difference's interval says: clear of zero to either side, or not."""
    if change is None or change["value"] is None:
        return "unknown"
    low, high = change["low"], change["high"]
    if low is None or high is None or low <= 0 <= high:
        return "open"
    return "better" if (high < 0) == lower_is_better else "worse"


def verdict(summary: Values) -> tuple[str, ...]:
    """The ablation in sentences, the answer first.

    Whether the marks helped is judged by one comparison that was chosen beforehand (the
    project's own lambda and temperature): less confusion of the marked pairs than SupCon
    has at the same settings, *and* less than a shuffled table, both with an interval clear
    of zero. Anything else is a negative result, and is called one.

    Parameters
    ----------
    summary
        From `ablation.outcome.summary`.
    """
    if not summary["marked_pairs"]:
        return ("Nothing is marked, so there is nothing to be said about marks.",)
    compared = summary["comparisons"]
    same = compared.get("expert against supcon")
    if same is None:
        return ("The runs that answer the question are not done yet: start it again.",)
    wrong = compared.get("expert against shuffled")
    said = [_answer(_confusion(same), _confusion(wrong) if wrong else None)]
    at = summary["primary"]
    said.append(
        f"At λ {at['lambda']:g} and τ {at['tau']:g}, the project's own settings: "
        f"{_shares('expert-guided', 'SupCon', same)}."
    )
    if wrong is None:
        said.append("There is no shuffled table to compare with.")
    else:
        said.append(f"Against a shuffled table: {_shares('expert-guided', 'shuffled', wrong)}.")
    said += _best(summary)
    said += _proves_nothing(compared)
    said += _margin(same)
    said += _cells(summary["cells"])
    return tuple(said)


def _answer(against_supcon: Outcome, against_shuffled: Outcome | None) -> str:
    if against_supcon == "worse":
        return "Negative result: with the marks the marked pairs are confused more often."
    if against_supcon == "better" and against_shuffled == "better":
        return (
            "The marks helped: less confusion of the marked pairs than without them and than with "
            "marks of the wrong pairs, both intervals clear of zero."
        )
    if against_supcon == "better":
        return (
            "Negative result: expert guidance confuses the marked pairs less than SupCon, but "
            "marks of the wrong pairs were not shown to do worse, so it need not be the marks."
        )
    return (
        "Negative result: it is not shown that the marks help on this cohort. The difference to "
        "SupCon without marks may be chance."
    )


def _confusion(comparison: Values) -> Outcome:
    both = comparison["marked_pairs"]
    return outcome(both["confusion"]["difference"] if both else None, lower_is_better=True)


def _shares(this: str, other: str, comparison: Values) -> str:
    both = comparison["marked_pairs"]
    if not both or both["confusion"]["difference"]["value"] is None:
        return "the marked pairs have no held-out slide"
    confusion = both["confusion"]
    balanced = comparison["balanced_accuracy"]
    return (
        f"{this} confuses {confusion['after']:.0%} of the marked pairs' slides, {other} "
        f"{confusion['before']:.0%} ({_interval(confusion['difference'])}); balanced accuracy "
        f"{balanced['after']:.2f} and {balanced['before']:.2f} "
        f"({_interval(balanced['difference'])})"
    )


def _interval(change: Values) -> str:
    if change["low"] is None or change["high"] is None:
        return "no interval"
    return (
        f"difference {signed(change['value'])}, 95 % interval {signed(change['low'])} to "
        f"{signed(change['high'])}"
    )


def _best(summary: Values) -> Iterator[str]:
    found, best = summary["comparisons"].get("expert against best supcon"), summary["best_supcon"]
    if found is not None and best is not None:
        yield (
            f"Against SupCon at its best (λ {best['lambda']:g}, τ {best['tau']:g}, chosen by the "
            f"same figures, which favours it): {_shares('expert-guided', 'SupCon', found)}."
        )


def _proves_nothing(compared: Mapping[str, Values]) -> Iterator[str]:
    """Where the table beats cross-entropy, and something without knowledge does too."""
    if "expert against ce" not in compared:
        return
    if _confusion(compared["expert against ce"]) != "better":
        yield "Expert guidance is not shown to be better than cross-entropy alone either."
        return
    others = {"shuffled against ce": "a shuffled table", "supcon against ce": "SupCon"}
    also = [t for n, t in others.items() if n in compared and _confusion(compared[n]) == "better"]
    tail = f", but so does {' and '.join(also)}" if also else ""
    yield (
        f"It confuses the marked pairs less than cross-entropy alone{tail}; that comparison says "
        "nothing about the marks."
    )


def _margin(same: Values) -> Iterator[str]:
    both = same["marked_pairs"]
    change = both["margin"]["difference"] if both else None
    if outcome(change, lower_is_better=False) == "better":
        yield (
            f"The marks widen the pairs' margin ({_interval(change or {})}). A wider margin is not "
            "yet fewer errors."
        )


def _cells(cells: Sequence[Values]) -> Iterator[str]:
    if not cells:
        return
    found = [outcome(c["confusion"], lower_is_better=True) for c in cells]
    better, worse = found.count("better"), found.count("worse")
    yield (
        f"Over all {len(cells)} pairs of λ and τ, expert guidance is clearly better than SupCon "
        f"in {better} and clearly worse in {worse}; by chance alone about "
        f"{0.025 * len(cells):.1f} of each would be."
    )
