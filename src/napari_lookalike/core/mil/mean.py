"""Two heads without attention: what pooling by the mean reaches is the floor for the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.base import Head, HeadOutput, make_trunk, weighted_sum, wide


class MeanPool(Head):
    """The mean of the hidden instances, then one linear classifier.

    Parameters
    ----------
    in_dim, n_classes
        As for every `Head`.
    hidden_dim
        Length of the hidden instances and of the slide embedding.
    attention_dim
        Not used: all instances count the same.
    dropout
        On the hidden instances.
    """

    packs = True

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        hidden_dim: int = 128,
        attention_dim: int = 64,
        dropout: float = 0.25,
    ) -> None:
        super().__init__(in_dim, n_classes)
        del attention_dim
        self.trunk = make_trunk(in_dim, (hidden_dim,), dropout)
        self.classifier = nn.Linear(hidden_dim, n_classes)

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool hidden instances with mask (batch, n); see `Head.pool`."""
        embedding, attention = _mean(hidden, mask)
        return HeadOutput(embedding, self.classify(embedding), attention, pooled=embedding)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits


class LinearProbe(Head):
    """One linear classifier on the slide's mean feature, or on its slide-level feature.

    The slide embedding is that mean itself, so no loss can move it: fine-tuning with a
    contrastive loss trains nothing but the classifier, by cross-entropy.

    Parameters
    ----------
    in_dim, n_classes
        As for every `Head`.
    hidden_dim, attention_dim, dropout
        Not used: there is nothing between the features and the classifier.
    """

    packs = True

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        hidden_dim: int = 128,
        attention_dim: int = 64,
        dropout: float = 0.25,
    ) -> None:
        super().__init__(in_dim, n_classes)
        del hidden_dim, attention_dim, dropout
        self.trunk = nn.Sequential()
        self.classifier = nn.Linear(in_dim, n_classes)

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool instances with mask (batch, n); see `Head.pool`."""
        embedding, attention = _mean(hidden, mask)
        return HeadOutput(embedding, self.classify(embedding), attention, pooled=embedding)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits


def _mean(instances: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the real instances (batch, dim), and attention logits: 0, ``-inf`` where padded."""
    logits = torch.zeros_like(mask, dtype=wide(instances[:0]).dtype)[:, None, :]
    logits = logits.masked_fill(~mask[:, None, :], float("-inf"))
    return weighted_sum(torch.softmax(logits, dim=-1), instances, mask)[:, 0], logits
