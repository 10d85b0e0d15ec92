"""What one batch is asked to lower: class loss, the head's own loss, contrastive loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.losses import (
    class_balanced_ce,
    expert_supcon,
    negative_weights,
    soft_focal,
)
from napari_lookalike.core.mil.base import Head, HeadOutput
from napari_lookalike.core.mil.evidence import tile_terms
from napari_lookalike.core.mil.loading import training_type
from napari_lookalike.core.mil.memory import Memory
from napari_lookalike.core.mil.mixup import MixUp

if TYPE_CHECKING:
    from napari_lookalike.core.mil.stage import TrainingSet

_MIXING = 1  # streams of random numbers beside the sampler's, which stays as it is without them


class Objective:
    """``bag_weight * class loss + (1 - bag_weight) * auxiliary + lambda * contrastive``.

    What single tiles teach (`evidence.TileTerms`) is added to it.

    Parameters
    ----------
    head
        On the device to train on.
    data
        Training slides.
    config
        Which losses, how strong.
    moments
        Mean and standard deviation of instances, for what is learnt from single tiles.

    Attributes
    ----------
    slide_losses
        float32 (batch,) cross-entropy of each slide of the last batch, unweighted.
    predicted
        int64 (batch,) what each slide of the last batch was taken for.
    last
        (y, logits, embedding) of the last batch, detached: what progress is told from.
    """

    def __init__(
        self,
        head: Head,
        data: TrainingSet,
        config: TrainConfig,
        moments: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self.head, self.config = head, config
        self._tiles = None if moments is None else tile_terms(head, data, config, moments)
        device = next(head.parameters()).device
        self.y = torch.from_numpy(data.y).to(device)
        self.negative = torch.from_numpy(
            negative_weights(data.weights, config.gamma, data.y, data.classes, data.slide_ids)
        ).to(device)
        hard = torch.from_numpy(np.eye(len(data.classes), dtype=np.float32)[data.y])
        self.targets = hard.to(device) if data.targets is None else data.targets.to(device)
        self._soft = data.targets is not None or config.focal > 0 or config.mixup > 0
        self._memory = Memory(config.memory) if config.memory > 0 else None
        rng = np.random.default_rng([config.seed, _MIXING])
        self._mix = MixUp(config.mixup, rng) if config.mixup > 0 else None
        self.last = (self.y[:0], self.targets[:0], self.targets[:0])
        self.slide_losses = np.zeros(0, np.float32)
        self.predicted = np.zeros(0, np.int64)

    def __call__(self, x: Tensor, mask: Tensor, batch: NDArray[np.int64], counts: Tensor) -> Tensor:
        """The loss of a batch.

        Parameters
        ----------
        x, mask
            Standardised instances and which are real, as a head reads them.
        batch
            int64 (batch,) which slides these are.
        counts
            (n_classes,) how often each class is drawn in this epoch.
        """
        rows = torch.from_numpy(batch).to(self.y.device)
        y = self.y[rows]
        bag = self.head.bag_weight
        with self._half():
            output = self.head(x, mask).single()
            extra = self.head.auxiliary_loss(output, x, mask, y) if bag < 1 else None
        loss = bag * self._class_loss(output, rows, counts)
        if extra is not None:
            loss = loss + (1 - bag) * extra
        if self.config.loss != "ce":
            loss = loss + self.config.lam * self._contrast(output.embedding, rows)
        if self._tiles is not None:
            loss = loss + self._tiles()
        self.last = (y, output.logits.detach(), output.embedding.detach())
        self._note(output.logits.detach(), y)
        return loss

    def _half(self) -> torch.autocast:
        """Half precision for the head, where it is asked for; losses stay in single."""
        device = self.y.device
        wanted = training_type(self.config, device) is torch.bfloat16
        return torch.autocast(device.type, torch.bfloat16, enabled=wanted)

    def _class_loss(self, output: HeadOutput, rows: Tensor, counts: Tensor) -> Tensor:
        if not self._soft:
            return class_balanced_ce(output.logits, self.y[rows], counts)
        logits, targets = output.logits, self.targets[rows]
        if self._mix is not None:
            if output.pooled is None:
                raise TrainingError("This head cannot mix slides.", "Set mixup to 0.")
            pooled, targets = self._mix(output.pooled, targets)
            logits = self.head.classify(pooled)
        adaptive = self.config.focal_adaptive
        return soft_focal(logits, targets, self.config.focal, adaptive=adaptive, counts=counts)

    def _contrast(self, z: Tensor, rows: Tensor) -> Tensor:
        config, y = self.config, self.y[rows]
        held = None if self._memory is None else self._memory.others(rows)
        remembered = held[0] if held else None
        columns = torch.cat([rows, held[1]]) if held else rows
        expert = config.loss == "expert"
        weights = self.negative[rows[:, None], columns[None, :]]
        loss = expert_supcon(
            z,
            y,
            config.tau,
            weights if expert else torch.ones_like(weights),
            normalise=expert and config.normalise_weights,
            tilt=config.tilt,
            remembered=remembered,
        )
        if self._memory is not None:
            self._memory.push(z, y, rows)
        return loss

    def _note(self, logits: Tensor, y: Tensor) -> None:
        if self.config.by_hardness or self.config.replay:
            losses = functional.cross_entropy(logits, y, reduction="none")
            self.slide_losses = losses.float().cpu().numpy()
            self.predicted = logits.argmax(1).cpu().numpy()
