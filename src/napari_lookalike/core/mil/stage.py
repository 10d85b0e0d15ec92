"""One stage of training: a head, batches of slides, a loss, a number of epochs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.losses import (
    class_balanced_ce,
    expert_supcon,
    negative_weights,
    supcon,
)
from napari_lookalike.core.mil.adamw import AdamW
from napari_lookalike.core.mil.apply import draw, pad, standardise
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.sampling import Sampler


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Labelled bags as tensors; nothing is copied.

    Parameters
    ----------
    instances
        Of each slide float32 (n_i, dim), on the CPU.
    y
        int64 (n,) class of each.
    slide_ids
        (n,) their names.
    classes
        Class names.
    weights
        The marks that may steer this training.
    """

    instances: Sequence[Tensor]
    y: NDArray[np.int64]
    slide_ids: tuple[str, ...]
    classes: tuple[str, ...]
    weights: PairWeights


@contextmanager
def torch_settings(config: TrainConfig, device: torch.device) -> Iterator[None]:
    """Seed torch and set its threads in here; afterwards both are as they were."""
    threads = torch.get_num_threads()
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(config.seed)
        if config.threads:
            torch.set_num_threads(config.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def train_stage(
    head: Head,
    data: TrainingSet,
    moments: tuple[Tensor, Tensor],
    config: TrainConfig,
    epochs: int,
    job: Job,
) -> None:
    """Train a head in place.

    Parameters
    ----------
    head
        On the device to train on.
    data
        Training slides.
    moments
        Mean and standard deviation (dim,) of instances, on that device.
    config
        Loss, rates, batches, seed.
    epochs
        Passes; about every slide is drawn once in each (rare classes more often).
    job
        Steps once per epoch; also stops between batches.

    Raises
    ------
    TrainingError
        If the loss is no longer a number (lower the learning rate).
    JobCancelled
        If the job was cancelled; the head is then half trained.
    """
    rng = np.random.default_rng(config.seed)
    instances_rng = torch.Generator().manual_seed(config.seed)
    sampler = Sampler(
        data.y,
        data.slide_ids,
        data.classes,
        data.weights,
        config.classes_per_batch,
        config.slides_per_class,
        rng,
    )
    loss_of = _Loss(head, data, config)
    optimizer = AdamW(head.parameters(), config.weight_decay)
    head.train()
    for epoch in range(epochs):
        batches = sampler.epoch()
        counts = torch.from_numpy(
            np.bincount(data.y[np.concatenate(batches)], minlength=len(data.classes))
        ).to(moments[0].device)
        total = 0.0
        for i, batch in enumerate(batches):
            if job.cancelled:
                raise JobCancelled(f"epoch {epoch + 1}")
            progress = (epoch + i / len(batches)) / epochs
            lr = config.lr * _rate(progress, config.schedule)
            drawn = [draw(data.instances[j], config.max_instances, instances_rng) for j in batch]
            x, mask = pad(drawn, moments[0].device)
            loss = loss_of(standardise(x, *moments), mask, batch, counts)
            total += _step(loss, head, optimizer, lr, config.clip)
        job.step(
            epoch + 1, epochs, f"Epoch {epoch + 1} of {epochs}, loss {total / len(batches):.3f}"
        )


def _rate(progress: float, schedule: str, warmup: float = 0.1) -> float:
    """Share of the learning rate after ``progress`` (0 to 1) of the stage.

    Fine-tuning starts with AdamW's averages empty, so the first steps are kept small.
    """
    ramp = min(1.0, 0.1 + progress / warmup)
    return ramp * (0.5 * (1 + cos(pi * progress)) if schedule == "cosine" else 1.0)


def _step(loss: Tensor, head: Head, optimizer: AdamW, lr: float, clip: float) -> float:
    value = float(loss.detach())
    if not np.isfinite(value):
        raise TrainingError(
            "Training diverged: the loss is not a number.", "Lower the learning rate."
        )
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(head.parameters(), clip)
    optimizer.step(lr)
    return value


class _Loss:
    """``bag_weight * CE + (1 - bag_weight) * auxiliary + lambda * contrastive``."""

    def __init__(self, head: Head, data: TrainingSet, config: TrainConfig) -> None:
        self.head, self.config = head, config
        device = next(head.parameters()).device
        self.y = torch.from_numpy(data.y).to(device)
        self.negative = torch.from_numpy(
            negative_weights(data.weights, config.gamma, data.y, data.classes, data.slide_ids)
        ).to(device)

    def __call__(self, x: Tensor, mask: Tensor, batch: NDArray[np.int64], counts: Tensor) -> Tensor:
        rows = torch.from_numpy(batch).to(self.y.device)
        y = self.y[rows]
        output = self.head(x, mask)
        bag = self.head.bag_weight
        loss = bag * class_balanced_ce(output.logits, y, counts)
        if bag < 1:
            loss = loss + (1 - bag) * self.head.auxiliary_loss(output, x, mask, y)
        if self.config.loss == "supcon":
            loss = loss + self.config.lam * supcon(output.embedding, y, self.config.tau)
        elif self.config.loss == "expert":
            loss = loss + self.config.lam * expert_supcon(
                output.embedding,
                y,
                self.config.tau,
                self.negative[rows[:, None], rows[None, :]],
                normalise=self.config.normalise_weights,
            )
        return loss
