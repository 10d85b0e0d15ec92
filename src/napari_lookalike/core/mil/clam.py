"""CLAM with one attention branch or one per class, and a loss on instances.

Written from the paper's equations; no code of the authors' repository is used.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from napari_lookalike.core.mil.abmil import GatedAttention
from napari_lookalike.core.mil.base import (
    Head,
    HeadOutput,
    make_trunk,
    pick,
    weighted_by_probability,
    weighted_sum,
    wide,
)


def smooth_top1_svm(scores: Tensor, target: Tensor, alpha: float = 1.0, tau: float = 1.0) -> Tensor:
    """Smooth top-1 SVM loss of each sample.

    ``tau * log sum_j exp((alpha * [j != y] + s_j - s_y) / tau)``

    Parameters
    ----------
    scores
        (..., n_classes).
    target
        int64 (...,).

    Returns
    -------
    Tensor (...,), >= 0.

    References
    ----------
    Berrada, Zisserman, Kumar, "Smooth Loss Functions for Deep Top-k Classification",
    ICLR 2018, eq. 8 with k = 1.
    """
    true = scores.gather(-1, target[..., None])
    margin = torch.full_like(scores, alpha).scatter(-1, target[..., None], 0.0)
    return tau * torch.logsumexp((margin + scores - true) / tau, dim=-1)


class _Clam(Head):
    """What both forms share: trunk, gated attention, classifiers, the loss on instances."""

    bag_weight = 0.7
    packs = True
    branches_per_class: ClassVar[bool]

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        hidden_dim: int = 128,
        attention_dim: int = 64,
        dropout: float = 0.25,
        n_sampled: int = 8,
        subtyping: bool = True,
        instance_loss: Literal["svm", "ce"] = "svm",
    ) -> None:
        super().__init__(in_dim, n_classes)
        self.n_sampled, self.subtyping, self.instance_loss = n_sampled, subtyping, instance_loss
        self.trunk = make_trunk(in_dim, (hidden_dim,), dropout)
        branches = n_classes if self.branches_per_class else 1
        self.attention = GatedAttention(hidden_dim, attention_dim, branches, dropout)
        # Of CLAM-MB row c is the classifier of branch c alone (M_c -> logit c).
        self.classifier = nn.Linear(hidden_dim, n_classes)
        # Rows 2c and 2c + 1: instance classifier of class c ("not evidence", "evidence").
        self.instance_classifier = nn.Linear(hidden_dim, 2 * n_classes)

    def _branches(self, hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Branch embeddings (batch, branches, dim) and attention logits."""
        attention = self.attention(hidden, mask)
        return weighted_sum(torch.softmax(attention, dim=-1), hidden, mask), attention

    def auxiliary_loss(
        self, output: HeadOutput, instances: Tensor, mask: Tensor, y: Tensor
    ) -> Tensor:
        """Instance loss of the bags, averaged over the bags that have at least 2 instances.

        In the true class's branch the B most attended instances are evidence and the B
        least attended are not; with ``subtyping`` the B most attended in every other branch
        are not either. Branch losses are means over their instances; with ``subtyping``
        they are summed and divided by C. Only the chosen instances go through the trunk
        again.
        """
        per_bag = torch.clamp(mask.sum(1) // 2, max=self.n_sampled)
        k = int(per_bag.max())
        if k == 0:
            return output.logits.sum() * 0.0
        logits = output.attention_logits.detach().expand(-1, self.n_classes, -1)
        top = logits.topk(k, dim=-1).indices
        low = (
            logits.masked_fill(~mask[:, None, :], float("inf"))
            .topk(k, dim=-1, largest=False)
            .indices
        )
        rank_used = torch.arange(k, device=y.device) < per_bag[:, None]  # (batch, k)
        n_used = per_bag.clamp(min=1)

        is_true = nn.functional.one_hot(y, self.n_classes).to(logits.dtype)  # (batch, C)
        top_target = is_true.long()[..., None].expand(top.shape)
        top_sum = (self._losses(instances, mask, top, top_target) * rank_used[:, None]).sum(-1)
        low_sum = (self._losses(instances, mask, low, torch.zeros_like(low), y) * rank_used).sum(-1)
        true_mean = ((top_sum * is_true).sum(-1) + low_sum) / (2 * n_used)
        other_mean = (top_sum * (1 - is_true)).sum(-1) / n_used
        has_any = (per_bag > 0).to(logits.dtype)
        if self.subtyping:
            bag_losses = (true_mean + other_mean) / self.n_classes * has_any
        else:
            bag_losses = true_mean * has_any
        return bag_losses.sum() / has_any.sum()

    def _losses(
        self,
        instances: Tensor,
        mask: Tensor,
        chosen: Tensor,
        target: Tensor,
        only: Tensor | None = None,
    ) -> Tensor:
        """Losses of chosen instances (batch, C, k), or (batch, k) of one branch ``only``."""
        batch = chosen.shape[0]
        rows = torch.arange(batch, device=chosen.device)
        branch = torch.arange(self.n_classes, device=chosen.device).expand(batch, -1)
        if only is not None:
            chosen, target, branch = chosen[rows, only], target[rows, only], only
        bags = rows.view(-1, *[1] * (chosen.dim() - 1))
        hidden = self.trunk(pick(instances, mask, bags, chosen))
        weight = self.instance_classifier.weight.view(self.n_classes, 2, -1)[branch]
        bias = self.instance_classifier.bias.view(self.n_classes, 2)[branch]
        scores = wide(hidden @ weight.transpose(-1, -2)) + bias[..., None, :]
        if self.instance_loss == "svm":
            return smooth_top1_svm(scores, target)
        log_p = torch.log_softmax(scores, -1)
        return -log_p.gather(-1, target[..., None])[..., 0]


class ClamSB(_Clam):
    """CLAM-SB: one attention branch, one classifier for all classes.

    Parameters
    ----------
    in_dim, n_classes, hidden_dim, attention_dim, dropout, n_sampled, subtyping, instance_loss
        As of `ClamMB`. All classes' instance losses read the one attention branch.

    References
    ----------
    Lu et al., "Data-efficient and weakly supervised computational pathology on whole-slide
    images", Nature Biomedical Engineering 5, 2021 (Methods: "CLAM").
    """

    branches_per_class = False

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool hidden instances with mask (batch, n); see `Head.pool`."""
        branches, attention = self._branches(hidden, mask)
        embedding = branches[:, 0]
        return HeadOutput(embedding, self.classify(embedding), attention, pooled=embedding)

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of slide embeddings; see `Head.classify`."""
        logits: Tensor = self.classifier(pooled)
        return logits


class ClamMB(_Clam):
    """CLAM-MB: C attention branches that share their gates, C one-class classifiers.

    The slide embedding is the *probability-weighted* mean of the branch embeddings,
    ``v = sum_c p_c M_c``: the same rule in training, map and metrics, and no label needed.

    Parameters
    ----------
    in_dim, n_classes
        As for every `Head`.
    hidden_dim
        Length of ``h`` and of the slide embedding.
    attention_dim
        Width of the gates.
    dropout
        On ``h`` and after either gate.
    n_sampled
        B, instances taken from either end of the attention; a bag of N instances uses
        ``min(B, N // 2)``, so that no instance is both top and bottom.
    subtyping
        Whether classes exclude one another: what the other classes attend to most is then
        no evidence for them. Else only the true class has an instance loss.
    instance_loss
        "svm": smooth top-1 SVM, as in the paper. "ce": cross-entropy.

    References
    ----------
    Lu et al., "Data-efficient and weakly supervised computational pathology on whole-slide
    images", Nature Biomedical Engineering 5, 2021 (Methods: "CLAM").
    """

    per_class_attention = True
    branches_per_class = True

    def pool(self, hidden: Tensor, mask: Tensor) -> HeadOutput:
        """Pool hidden instances with mask (batch, n); see `Head.pool`."""
        branches, attention = self._branches(hidden, mask)
        logits = self.classify(branches)
        return HeadOutput(
            weighted_by_probability(branches, logits), logits, attention, pooled=branches
        )

    def classify(self, pooled: Tensor) -> Tensor:
        """Class logits of branch embeddings (batch, C, dim); see `Head.classify`."""
        return (pooled * self.classifier.weight).sum(-1) + self.classifier.bias
