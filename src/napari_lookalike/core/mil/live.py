"""How an epoch goes, in words, from what its batches computed anyway."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.hard_negatives.weights import PairWeights

Pair = tuple[int, int]


def marked_classes(weights: PairWeights, classes: Sequence[str]) -> list[Pair]:
    """Marked pairs of classes, as indices into ``classes``."""
    index = {name: i for i, name in enumerate(classes)}
    names = weights.classes
    pairs = [(names[i], names[j]) for i, j in np.argwhere(np.triu(weights.class_strength, 1) > 0)]
    return [(index[a], index[b]) for a, b in pairs if a in index and b in index]


def figures_text(
    y: Tensor, logits: Tensor, embedding: Tensor, pairs: Sequence[Pair], where: str
) -> str:
    """How slides were answered, as the tail of a sentence; empty without slides.

    Such as ", balanced accuracy 0.81, pair margin 0.12 (training slides)".

    Parameters
    ----------
    y
        int64 (n,) classes.
    logits
        (n, n_classes).
    embedding
        (n, embed_dim) slide embeddings.
    pairs
        Marked pairs; without slides of both classes of one there is no margin.
    where
        Which slides these are.
    """
    if not len(y):
        return ""
    right = (logits.argmax(1) == y).float()
    recalls = torch.stack([right[y == c].mean() for c in torch.unique(y)])
    margins = [m for pair in pairs if (m := _margin(y, embedding, pair)) is not None]
    said = f", balanced accuracy {float(recalls.mean()):.2f}"
    if margins:
        said += f", pair margin {sum(margins) / len(margins):.2f}"
    return f"{said} ({where})"


def _margin(y: Tensor, embedding: Tensor, pair: Pair) -> float | None:
    """Mean over both classes of ``z.mu_own - z.mu_other``, in cosine."""
    z = functional.normalize(embedding, dim=1, eps=1e-6)
    own = [z[y == c] for c in pair]
    if not all(len(side) for side in own):
        return None
    a, b = (functional.normalize(side.mean(0), dim=0, eps=1e-6) for side in own)
    return float(((own[0] @ (a - b)).mean() + (own[1] @ (b - a)).mean()) / 2)


class Live:
    """Collects an epoch's batches. They were computed with dropout, and while it learnt.

    Parameters
    ----------
    weights
        The marks: their pairs' margin is told.
    classes
        Class names.
    """

    def __init__(self, weights: PairWeights, classes: Sequence[str]) -> None:
        self._pairs = marked_classes(weights, classes)
        self._parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, y: Tensor, logits: Tensor, embedding: Tensor) -> None:
        """A batch."""
        self._parts.append((y, logits, embedding))

    def text(self) -> str:
        """The epoch in words; the next one begins empty."""
        parts, self._parts = self._parts, []
        if not parts:
            return ""
        y, logits, embedding = (torch.cat(list(each)) for each in zip(*parts, strict=True))
        return figures_text(y, logits, embedding, self._pairs, "training slides")
