"""Settings of a training run, frozen: what goes into a model's card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LossName = Literal["ce", "supcon", "expert"]

HEAD_TITLES = {
    "abmil": "Gated attention (ABMIL)",
    "clam_sb": "One attention for all (CLAM-SB)",
    "clam_mb": "One attention per subtype (CLAM-MB)",
    "dsmil": "Likeness to a key tile (DSMIL)",
    "transmil": "Tiles in context (TransMIL)",
    "mean": "Mean of tiles, no attention",
    "linear": "Linear probe on mean features",
}
"""Heads by name, for a person. Here so that a panel can list them without importing torch."""


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. The defaults are what the demo and the panel use.

    Parameters
    ----------
    head
        Name in the head registry ("abmil", "clam_sb", "clam_mb", "dsmil", "transmil", "mean",
        "linear").
    loss
        "ce": class-balanced cross-entropy alone. "supcon": plus supervised contrastive.
        "expert": plus expert-guided supervised contrastive (the table's weights).
    lam
        Weight lambda of the contrastive term.
    tau
        Temperature of the contrastive term.
    gamma
        Strength of a full mark: a marked negative of strength h is weighted
        ``1 + (gamma - 1) * h``, which pushes it ``tau * ln(weight)`` further in cosine.
    epochs
        Passes over the cohort from scratch (cross-entropy stage).
    finetune_epochs
        Passes of the second stage, with ``loss``.
    lr, weight_decay
        AdamW's.
    classes_per_batch, slides_per_class
        A batch has P classes x K slides.
    max_instances
        Instances of a bag drawn per step; evaluation always sees all of them. 0: all of them,
        in training too.
    folds
        Patient-grouped stratified cross-validation folds.
    seed
        Of everything random.
    dropout
        On the hidden features of the head.
    schedule
        Learning rate after a short warm-up: "cosine" falls to zero, "constant" stays.
    clip
        Largest norm of the gradient.
    normalise_weights
        Scale each anchor's negative weights to mean 1, so that marking every pair
        changes nothing.
    tilt
        Negatives near the anchor count more, marked or not: beta of the hard-negative tilt
        (`losses.expert_supcon`). 0: off.
    focal, focal_adaptive
        Exponent of the focal loss (0: plain cross-entropy), and whether each slide has its
        own, lower where the model is sure (`losses.soft_focal`).
    memory
        Slide embeddings of earlier batches that the contrastive loss also compares with.
        0: off.
    by_centre
        Within a subtype, every centre is drawn as often, however many slides it sent.
    by_hardness
        Slides that the model gets wrong are drawn more often.
    replay
        Slides of large subtypes that were taken for another one: how many are added to each
        batch of the next pass. 0: off.
    mixup
        alpha of MixUp on pooled slides, for the class loss. 0: off.
    device
        "auto" (a CUDA GPU if there is one, else the CPU), "cpu", "cuda" or "mps".
    threads
        CPU threads of torch while training; 0 = as torch has it.
    stop_after
        End after so many passes of the schedule, as a training that was stopped and kept. 0:
        all of them.
    precision
        "single", or "half": the head computes in bfloat16 where the device does so natively
        (else in single precision); losses, weights and figures stay in single precision.
    votes
        Where several experts voted on a slide, the class loss learns their shares; else the
        label alone counts.
    patience
        Early stopping: a stage ends after so many passes without a better loss on validation
        patients, and keeps the best pass. 0: off, every slide is trained on.
    validation_share
        With early stopping: share of the training patients of each subtype that are looked at
        and not trained on. Held-out patients are never among them.
    evidence_attention
        Where an expert pointed at tiles, and the loss is "expert": how strongly attention is
        drawn onto diagnostic ones and off the others. 0: off.
    evidence_tiles
        The same of the class of single tiles. 0: off.
    benign
        Subtypes of the cohort that are no tumour: their tiles are taught to mean nothing in
        other slides. Needs no expert. Empty: off.
    benign_weight
        How strongly.
    pair_thresholds
        Between the two subtypes of a marked pair, decide where held-out slides are confused
        least, and not where both are as likely (`core.thresholds`).
    marks_rule
        How several experts' marks of one pair become one weight (`hard_negatives.RULES`).
    """

    head: str = "abmil"
    loss: LossName = "ce"
    lam: float = 1.0
    tau: float = 0.1
    gamma: float = 8.0
    epochs: int = 30
    finetune_epochs: int = 15
    lr: float = 1e-3
    weight_decay: float = 1e-4
    classes_per_batch: int = 6
    slides_per_class: int = 3
    max_instances: int = 512
    folds: int = 5
    seed: int = 0
    dropout: float = 0.25
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = 5.0
    normalise_weights: bool = False
    tilt: float = 0.0
    focal: float = 0.0
    focal_adaptive: bool = False
    memory: int = 0
    by_centre: bool = False
    by_hardness: bool = False
    replay: int = 0
    mixup: float = 0.0
    device: str = "auto"
    threads: int = 0
    stop_after: int = 0
    precision: Literal["single", "half"] = "single"
    votes: bool = True
    patience: int = 0
    validation_share: float = 0.2
    evidence_attention: float = 0.5
    evidence_tiles: float = 1.0
    benign: tuple[str, ...] = ()
    benign_weight: float = 1.0
    pair_thresholds: bool = False
    marks_rule: Literal["max", "mean", "agreed", "share"] = "max"

    def __post_init__(self) -> None:
        object.__setattr__(self, "benign", tuple(self.benign))  # a list, where read from JSON
