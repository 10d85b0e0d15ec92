"""Training an adapter: tiles with the subtype of their slide, a linear classifier on top.

A tile's label is its slide's, which is wrong for some of the attended tiles: this is weak
supervision, as for the model that chose them. Validation patients decide which pass is kept,
and whether the tuned encoder is any better than the plain one with the same classifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from napari_lookalike.core.encoders.network import NetworkEncoder
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.lora.plan import TunePlan
from napari_lookalike.core.mil.adamw import AdamW
from napari_lookalike.core.progress import Job

ATTENTION = r".*\.attn\.(qkv|proj)"
"""Layers that are adapted, in the names of timm's transformers."""
_NAME = "default"  # peft's name of an adapter that was given none
_PROBE_PASSES = 40


@dataclass(frozen=True, eq=False)
class Tiles:
    """Tiles with what is known of them.

    Parameters
    ----------
    pixels
        uint8 (n, tile_px, tile_px, 3).
    y
        int64 (n,) class of the slide.
    slide
        int64 (n,) which slide.
    held_out
        bool (n,) whether the patient is for validation.
    """

    pixels: NDArray[np.uint8]
    y: NDArray[np.int64]
    slide: NDArray[np.int64]
    held_out: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a tuning gave.

    Parameters
    ----------
    layers
        ``<module>.lora_A.weight`` and ``<module>.lora_B.weight`` of the best pass.
    before, after
        Balanced accuracy over the validation slides, of a linear classifier on the plain
        encoder and on the tuned one.
    best_epoch
        1 = the first.
    """

    layers: dict[str, Tensor]
    before: float
    after: float
    best_epoch: int


def tune(encoder: NetworkEncoder, tiles: Tiles, classes: int, plan: TunePlan, job: Job) -> Tuned:
    """Train an adapter; the encoder's network is changed, so load it anew afterwards.

    Parameters
    ----------
    encoder
        Of timm.
    tiles
        Both those to train on and those to validate with.
    classes
        Number of subtypes.
    plan
        How.
    job
        Steps once per pass.

    Raises
    ------
    EncoderError
        If the peft library is not installed, or the network has no such attention layers.
    JobCancelled
        If the job was cancelled; nothing is kept.
    """
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        job.step(0, plan.epochs, "Plain encoder")
        classifier = nn.Linear(encoder.spec.dim, classes).to(encoder.device)
        _probe(encoder, classifier, tiles, plan, job)
        before, least = _judge(encoder, classifier, tiles, job)
        add_adapters(encoder.network, plan)
        trained = [p for p in encoder.network.parameters() if p.requires_grad]
        optimizer = AdamW([*trained, *classifier.parameters()], plan.weight_decay)
        # Nothing learnt is a result too: the first candidate is the plain encoder.
        best, after, best_epoch = adapter_layers(encoder.network), before, 0
        for epoch in range(plan.epochs):
            encoder.network.train()
            for rows in _batches(tiles, plan, epoch):
                job.step(epoch, plan.epochs, f"Pass {epoch + 1} of {plan.epochs}")
                loss = _loss(encoder, classifier, tiles, rows)
                torch.autograd.backward(loss)
                optimizer.step(plan.lr)
            accuracy, loss_now = _judge(encoder, classifier, tiles, job)
            said = f"balanced accuracy {accuracy:.2f} (validation patients)"
            job.step(epoch + 1, plan.epochs, f"Pass {epoch + 1} of {plan.epochs}, {said}")
            if loss_now < least:
                least, after, best_epoch = loss_now, accuracy, epoch + 1
                best = adapter_layers(encoder.network)
        return Tuned(best, before, after, best_epoch)


def add_adapters(network: nn.Module, plan: TunePlan) -> None:
    """Put low-rank layers beside a network's attention layers; only they can be trained.

    Raises
    ------
    EncoderError
        As `tune`.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise EncoderError(
            "Tuning an encoder needs the peft library.", 'pip install "napari-lookalike[lora]"'
        ) from None
    config = LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=plan.dropout,
        target_modules=ATTENTION,
    )
    try:
        inject_adapter_in_model(config, network)
    except ValueError:
        raise EncoderError(
            "This encoder has no attention layers that can be tuned.",
            "Choose a vision transformer of timm.",
        ) from None


def adapter_layers(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the low-rank layers, by the names that a file has them under."""
    return {
        name.replace(f".{_NAME}.", "."): parameter.detach().clone().cpu()
        for name, parameter in network.named_parameters()
        if ".lora_A." in name or ".lora_B." in name
    }


def _batches(tiles: Tiles, plan: TunePlan, epoch: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng([plan.seed, epoch])
    order = rng.permutation(np.flatnonzero(~tiles.held_out))
    for start in range(0, len(order), plan.batch):
        yield order[start : start + plan.batch]


def _features(encoder: NetworkEncoder, tiles: Tiles, rows: NDArray[np.int64]) -> Tensor:
    pixels = torch.from_numpy(tiles.pixels[rows]).to(encoder.device)
    return encoder.forward(encoder.prepare(pixels))


def _loss(
    encoder: NetworkEncoder, classifier: nn.Linear, tiles: Tiles, rows: NDArray[np.int64]
) -> Tensor:
    """Cross-entropy in which each subtype counts the same."""
    logits = classifier(_features(encoder, tiles, rows))
    return _balanced_loss(logits, tiles, rows)


def _balanced_loss(logits: Tensor, tiles: Tiles, rows: NDArray[np.int64]) -> Tensor:
    counts = np.bincount(tiles.y[~tiles.held_out], minlength=logits.shape[1])
    weights = torch.tensor(1.0 / np.maximum(counts, 1), dtype=torch.float32)
    target = torch.from_numpy(tiles.y[rows]).to(logits.device)
    return functional.cross_entropy(logits, target, weights.to(logits.device))


def _probe(
    encoder: NetworkEncoder, classifier: nn.Linear, tiles: Tiles, plan: TunePlan, job: Job
) -> None:
    """Train the classifier alone, on the plain encoder's features."""
    rows = np.flatnonzero(~tiles.held_out)
    features = _all_features(encoder, tiles, rows, job)
    optimizer = AdamW(classifier.parameters(), plan.weight_decay)
    for _ in range(_PROBE_PASSES):
        torch.autograd.backward(_balanced_loss(classifier(features), tiles, rows))
        optimizer.step(1e-2)


def _all_features(
    encoder: NetworkEncoder, tiles: Tiles, rows: NDArray[np.int64], job: Job
) -> Tensor:
    encoder.network.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(rows), 32):
            job.step(0, 0, "Encoding tiles")
            found.append(_features(encoder, tiles, rows[start : start + 32]))
    return torch.cat(found)


def _judge(
    encoder: NetworkEncoder, classifier: nn.Linear, tiles: Tiles, job: Job
) -> tuple[float, float]:
    """Balanced accuracy over validation slides (mean log-probability of their tiles), loss."""
    rows = np.flatnonzero(tiles.held_out)
    with torch.no_grad():
        logits = classifier(_all_features(encoder, tiles, rows, job)).cpu()
    log_p = torch.log_softmax(logits, 1).numpy()
    slides = np.unique(tiles.slide[rows])
    said = np.array([log_p[tiles.slide[rows] == s].mean(0).argmax() for s in slides])
    truth = np.array([tiles.y[rows][tiles.slide[rows] == s][0] for s in slides])
    recalls = [(said[truth == c] == c).mean() for c in np.unique(truth)]
    return float(np.mean(recalls)), float(_balanced_loss(logits, tiles, rows))
