"""One stage of training: a head, batches of slides, a loss, a number of epochs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
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
from napari_lookalike.core.mil.adamw import AdamW
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.mil.live import Live
from napari_lookalike.core.mil.loading import Loader
from napari_lookalike.core.mil.objective import Objective
from napari_lookalike.core.mil.validation import Validation
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.sampling import Chances, Replay, Sampler


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Labelled bags as tensors; nothing is copied.

    Parameters
    ----------
    instances
        Of each slide (n_i, dim), single or half precision, on the CPU; may be memory-mapped.
    y
        int64 (n,) class of each.
    slide_ids
        (n,) their names.
    classes
        Class names.
    weights
        The marks that may steer this training.
    sites
        (n,) centre of each; empty: not known.
    targets
        float32 (n, n_classes) shares of the experts' votes; ``None``: each slide is what its
        label says. Batches and contrastive losses go by ``y`` in either case.
    """

    instances: Sequence[Tensor]
    y: NDArray[np.int64]
    slide_ids: tuple[str, ...]
    classes: tuple[str, ...]
    weights: PairWeights
    sites: tuple[str, ...] = ()
    targets: Tensor | None = None


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


class Turns:
    """Torch's settings and random numbers of one network among several that train in turn.

    Parameters
    ----------
    config
        Its seed and threads.
    device
        Where it trains.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        self._cpu: Tensor | None = None
        self._cuda: Tensor | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """In here random numbers go on where its last turn ended."""
        with torch_settings(self._config, self._device):
            if self._cpu is not None:
                torch.set_rng_state(self._cpu)
            if self._cuda is not None:
                torch.cuda.set_rng_state(self._cuda)
            try:
                yield
            finally:
                self._cpu = torch.get_rng_state()
                if self._device.type == "cuda":
                    self._cuda = torch.cuda.get_rng_state()


def train_stage(
    head: Head,
    data: TrainingSet,
    moments: tuple[Tensor, Tensor],
    config: TrainConfig,
    epochs: int,
    job: Job,
    validation: Validation | None = None,
) -> None:
    """Train a head in place: all of `stage_epochs`, which has the parameters and errors."""
    for _ in stage_epochs(head, data, moments, config, epochs, job, validation):
        pass


def stage_epochs(
    head: Head,
    data: TrainingSet,
    moments: tuple[Tensor, Tensor],
    config: TrainConfig,
    epochs: int,
    job: Job,
    validation: Validation | None = None,
) -> Generator[None]:
    """Train a head in place, one epoch for each step of the iterator.

    An iterator that is closed before its end leaves the head as it is then, or, with
    validation, at its best epoch so far.

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
    validation
        Ends the stage early and leaves the head at its best epoch; ``None``: all epochs.

    Raises
    ------
    TrainingError
        If the loss is no longer a number (lower the learning rate).
    JobCancelled
        If the job was cancelled; the head is then half trained.
    """
    load = Loader(data.instances, moments, config, head.packs)
    draws = _Draws(data, config)
    loss_of = Objective(head, data, config, moments)
    optimizer = AdamW(head.parameters(), config.weight_decay)
    live = Live(data.weights, data.classes)
    head.train()
    try:
        for epoch in range(epochs):
            batches = draws.epoch()
            counts = torch.from_numpy(
                np.bincount(data.y[np.concatenate(batches)], minlength=len(data.classes))
            ).to(moments[0].device)
            total = 0.0
            for i, batch in enumerate(batches):
                if job.cancelled:
                    raise JobCancelled(f"pass {epoch + 1}")
                progress = (epoch + i / len(batches)) / epochs
                lr = config.lr * _rate(progress, config.schedule)
                x, mask = load(batch)
                loss = loss_of(x, mask, batch, counts)
                total += _step(loss, head, optimizer, lr, config.clip)
                draws.learn(batch, loss_of)
                live.add(*loss_of.last)
            done = validation is not None and validation.look(head)
            figures = live.text() if validation is None else validation.text
            loss_text = f"loss {total / len(batches):.3f}"
            job.step(epoch + 1, epochs, f"Pass {epoch + 1} of {epochs}, {loss_text}{figures}")
            load.rest()
            if done or epoch + 1 in (epochs, config.stop_after):
                break
            yield
    finally:
        if validation is not None:
            validation.restore(head)


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


class _Draws:
    """The batches of each epoch, and what is learnt about slides for the next ones."""

    def __init__(self, data: TrainingSet, config: TrainConfig) -> None:
        rng = np.random.default_rng(config.seed)
        self._chances: Chances | None = None
        if config.by_centre or config.by_hardness:
            sites = data.sites or ("",) * len(data.y)
            self._chances = Chances(data.y, sites, config.by_centre, config.by_hardness)
        self._replay: Replay | None = None
        if config.replay:
            self._replay = Replay(data.y, config.replay, np.random.default_rng([config.seed, 2]))
        self._sampler = Sampler(
            data.y,
            data.slide_ids,
            data.classes,
            data.weights,
            config.classes_per_batch,
            config.slides_per_class,
            rng,
            self._chances,
        )

    def epoch(self) -> list[NDArray[np.int64]]:
        """Batches of indices into ``y``."""
        batches = self._sampler.epoch()
        return batches if self._replay is None else self._replay.add_to(batches)

    def learn(self, batch: NDArray[np.int64], objective: Objective) -> None:
        """Take note of how a batch went."""
        if self._chances is not None:
            self._chances.learn(batch, objective.slide_losses)
        if self._replay is not None:
            self._replay.learn(batch, objective.predicted)
