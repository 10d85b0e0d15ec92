"""Whether tiles that an expert pointed at did good: the check before a model is kept.

Wrong clicks do harm, and nobody sees it in the clicks. So a model that learnt from them is
compared with the same training without them, on held-out slides, and the answer is said
wherever the model is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_lookalike.core.signed import percent

TOLERANCE = 0.01
"""Balanced accuracy may fall by so much: one slide in a hundred is no verdict."""


def keeps(confusion: tuple[float, float], balanced_accuracy: tuple[float, float]) -> bool:
    """Whether held-out slides speak for keeping a model that was taught by evidence.

    Parameters
    ----------
    confusion
        Share of the marked pairs' held-out slides that are taken for the other one: without
        the evidence, with it.
    balanced_accuracy
        The same of balanced accuracy.

    Returns
    -------
    bool
        The marked pairs are not confused more often, and balanced accuracy did not fall by
        more than `TOLERANCE`. Chance decides too: with few slides the check is weak.
    """
    return (
        confusion[1] <= confusion[0] + 1e-12
        and balanced_accuracy[1] >= balanced_accuracy[0] - TOLERANCE - 1e-12
    )


def effect(comparison: Mapping[str, Any], n_tiles: int) -> dict[str, Any]:
    """The held-out effect of the evidence, as JSON values.

    Parameters
    ----------
    comparison
        `comparison.compare` of the training without the evidence (before) and with it (after).
    n_tiles
        How many tiles the expert pointed at.

    Returns
    -------
    dict
        ``n_tiles``, ``keep`` (None where no marked pair has held-out slides), ``sentence``,
        and ``comparison`` itself.
    """
    pairs, balanced = comparison["marked_pairs"], comparison["balanced_accuracy"]
    known = bool(pairs) and pairs["confusion"]["before"] is not None
    keep = None
    if known and balanced["before"] is not None:
        keep = keeps(_both(pairs["confusion"]), _both(balanced))
    return {
        "n_tiles": n_tiles,
        "keep": keep,
        "sentence": _sentence(comparison, n_tiles, keep),
        "comparison": dict(comparison),
    }


def _both(figure: Mapping[str, float]) -> tuple[float, float]:
    return figure["before"], figure["after"]


def _sentence(comparison: Mapping[str, Any], n_tiles: int, keep: bool | None) -> str:
    tiles = "1 evidence tile" if n_tiles == 1 else f"{n_tiles} evidence tiles"
    if keep is None:
        return f"What the {tiles} did cannot be said: no marked pair has held-out slides."
    confusion, balanced = comparison["marked_pairs"]["confusion"], comparison["balanced_accuracy"]
    figures = (
        f"of the marked pairs' held-out slides {percent(confusion['before'])} are confused "
        f"without them and {percent(confusion['after'])} with them; balanced accuracy is "
        f"{percent(balanced['before'])} without and {percent(balanced['after'])} with"
    )
    if not keep:
        return (
            f"The {tiles} did harm on held-out slides: {figures}. Look at them again before you "
            "keep this model, or roll back."
        )
    if confusion["after"] == confusion["before"]:
        return f"The {tiles} changed nothing for the marked pairs on held-out slides: {figures}."
    chance = (confusion["difference"]["high"] is None) or confusion["difference"]["high"] >= 0
    may = " This may be chance." if chance else ""
    return f"The {tiles} helped on held-out slides: {figures}.{may}"
