"""Two heads without attention: what pooling by the mean reaches is the floor for the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.base import Head, HeadOutput, make_trunk


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

    def forward(self, instances: Tensor, mask: Tensor) -> HeadOutput:
        """Pool bags (batch, n, in_dim) with mask (batch, n); see `Head.forward`."""
        embedding, attention = _mean(self.trunk(instances), mask)
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
        self.classifier = nn.Linear(in_dim, n_classes)

    def forward(self, instances: Tensor, mask: Tensor) -> HeadOutput:
        """Pool bags (batch, n, in_dim) with mask (batch, n); see `Head.forward`."""
        embedding, attention = _mean(instances, mask)
        return HeadOutput(embedding, self.classify(embedding), attention, pooled=embedding)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits


def _mean(instances: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the real instances (batch, dim), and attention logits: 0, ``-inf`` where padded."""
    logits = torch.zeros_like(mask, dtype=instances.dtype)[:, None, :]
    logits = logits.masked_fill(~mask[:, None, :], float("-inf"))
    return torch.bmm(torch.softmax(logits, dim=-1), instances)[:, 0], logits
