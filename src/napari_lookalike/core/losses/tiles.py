"""Losses on single tiles: what an expert pointed at, and tiles of slides known as benign."""

from __future__ import annotations

import torch
from torch import Tensor


def attention_evidence(
    attention_logits: Tensor, diagnostic: Tensor, other: Tensor, penalty: float = 1.0
) -> Tensor:
    """Attention belongs on the diagnostic tiles, and not on the others that were pointed at.

    ``mean_D -log( sum_{k in D} a_k ) + penalty * mean_N -log( 1 - sum_{k in N} a_k )``,
    with ``a`` the softmax over a bag, D its diagnostic tiles and N the others; the means are
    over the bags that have such tiles.

    Parameters
    ----------
    attention_logits
        (bags, n_instances) before softmax, ``-inf`` where padded.
    diagnostic, other
        bool (bags, n_instances): which tiles were pointed at as what; never both, never padding.
    penalty
        Weight of the second part, >= 0.

    Returns
    -------
    Tensor
        A scalar >= 0; zero, with graph, if nothing was pointed at. A bag whose tiles are all
        "other" has no part in the second mean: attention has nowhere else to go.

    References
    ----------
    Our own; measured in docs/design/lookalike-benchmark.md.
    """
    everywhere = torch.logsumexp(attention_logits, dim=1)
    losses = _zero(attention_logits)
    on = diagnostic.any(1)
    if bool(on.any()):
        mass = torch.logsumexp(_only(attention_logits[on], diagnostic[on]), dim=1)
        losses = losses + (everywhere[on] - mass).mean()
    rest = ~other & torch.isfinite(attention_logits)
    off = other.any(1) & rest.any(1)
    if bool(off.any()):
        mass = torch.logsumexp(_only(attention_logits[off], rest[off]), dim=1)
        losses = losses + penalty * (everywhere[off] - mass).mean()
    return losses


def tile_evidence(logits: Tensor, y: Tensor, diagnostic: Tensor) -> Tensor:
    """Each diagnostic tile speaks for its slide's class, every other one does not.

    ``mean_c mean_{k in D_c} -log p_c(k)  +  mean_{k in N} -log( 1 - p_{y_k}(k) )``: each class
    counts the same among the diagnostic tiles, however many were clicked.

    Parameters
    ----------
    logits
        (n_tiles, n_classes) class logits of single tiles.
    y
        int64 (n_tiles,) class of each tile's slide.
    diagnostic
        bool (n_tiles,): diagnostic (True), or looks alike and is not (False).

    Returns
    -------
    Tensor
        A scalar >= 0; zero, with graph, if there is no tile.

    References
    ----------
    Our own; measured in docs/design/lookalike-benchmark.md.
    """
    total = torch.logsumexp(logits, dim=1)
    own = logits.gather(1, y[:, None])[:, 0]
    losses = _zero(logits)
    for c in torch.unique(y[diagnostic]):
        mine = diagnostic & (y == c)
        losses = losses + (total - own)[mine].mean() / len(torch.unique(y[diagnostic]))
    others = ~diagnostic
    if bool(others.any()):
        is_own = torch.arange(logits.shape[1], device=y.device) == y[others, None]
        rest = torch.logsumexp(logits[others].masked_fill(is_own, float("-inf")), dim=1)
        losses = losses + (total[others] - rest).mean()
    return losses


def _only(logits: Tensor, kept: Tensor) -> Tensor:
    return logits.masked_fill(~kept, float("-inf"))


def _zero(logits: Tensor) -> Tensor:
    """Zero that still belongs to the graph, also where padding is ``-inf``."""
    return logits.masked_fill(~torch.isfinite(logits), 0.0).sum() * 0.0
