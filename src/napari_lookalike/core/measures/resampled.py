"""Means and shares of per-slide numbers, with their bootstrap by patient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.heldout import Counts, HeldOut, figure, ratio

Figure = dict[str, float | None]


def mean_of(held: HeldOut, values: NDArray[Any], draws: Counts | None = None) -> Counts:
    """(resamples,) mean over the slides whose value is not NaN; NaN where there is none.

    Parameters
    ----------
    held
        The slides and their patients.
    values
        (n,) one number a slide. In a resample the numbers stay as they are and only the
        patients change: neighbours and centroids are those of all slides.
    draws
        From `HeldOut.draws`; ``None``: all slides once.
    """
    values = np.asarray(values, np.float64)
    there = ~np.isnan(values)
    total, count = held.total(np.stack([np.where(there, values, 0.0), there], 1), draws).T
    return ratio(total, count)


def mean_figure(held: HeldOut, values: NDArray[Any], draws: Counts) -> Figure:
    """`mean_of` with its interval."""
    return figure(mean_of(held, values), mean_of(held, values, draws))


def share_figure(held: HeldOut, above: NDArray[Any], below: NDArray[Any], draws: Counts) -> Figure:
    """Sum of ``above`` over sum of ``below``, both (n,), with its interval."""
    cells = np.stack([above, below], 1).astype(np.float64)
    one, many = held.total(cells), held.total(cells, draws)
    return figure(ratio(*one.T), ratio(*many.T))


def slide_weights(held: HeldOut, draws: Counts | None) -> Counts:
    """(resamples, n) how often each slide is drawn; ones without draws."""
    if draws is None:
        return np.ones((1, len(held.y)))
    return np.asarray(draws[:, held.patient])
