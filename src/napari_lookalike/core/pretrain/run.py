"""The whole run: draw, train, measure on drawn tissue, write weights and provenance."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.report import environment
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.descriptor.encoder import COARSE_DIM as DESCRIPTOR_DIM
from napari_lookalike.core.encoders.descriptor.encoder import HistologyDescriptor
from napari_lookalike.core.encoders.shipped.facts import DIM, LARGEST_BYTES, VERSION
from napari_lookalike.core.encoders.shipped.network import (
    ARCHITECTURE,
    network_input,
    pooled,
    ready,
)
from napari_lookalike.core.encoders.shipped.weights import Weights, read_weights, write_weights
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.pretrain.heldout import feature_scales, held_out_scores
from napari_lookalike.core.pretrain.store import drawn_fields
from napari_lookalike.core.pretrain.train import Plan, train_network
from napari_lookalike.core.progress import SILENT, Job

WEIGHTS_NAME, PROVENANCE_NAME = "lookalike-base.safetensors", "provenance.json"
_HELD_OUT_SEED = 1
_SCALES_SEED, _SCORES_SEED = 11, 21
_BATCH = 16


def pretrain(
    out: Path, work: Path, plan: Plan, *, workers: int = 1, job: Job = SILENT
) -> dict[str, Any]:
    """Train the shipped encoder's network and write its two files.

    Parameters
    ----------
    out
        Folder for the weights and their provenance.
    work
        Folder for the drawn fields (0.6 MB each) and the checkpoint; a run that was broken
        off goes on from there.
    plan
        The run. The same plan on the same versions draws the same fields, crops and views;
        sums in another order make the last digits of the weights differ.
    workers
        Processes that draw.
    job
        Progress and cancel.

    Returns
    -------
    dict
        The provenance, as written.

    Raises
    ------
    EncoderError
        If the weight file is larger than is shipped: choose a smaller network.
    """
    import torch

    started = time.monotonic()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the next views are drawn on another
    try:
        parts = (job.part(i, 4, "") for i in range(4))
        fields = drawn_fields(work, plan.seed, plan.fields, workers=workers, job=next(parts))
        unseen = drawn_fields(
            work, plan.seed + _HELD_OUT_SEED, plan.held_out, workers=workers, job=next(parts)
        )
        trained = train_network(plan, fields, work / "run", job=next(parts))
        last = next(parts)
        last.step(0, 2, "measuring")
        # As they will be read again, in half precision.
        state = _halved(trained.mean)
        mean, std = feature_scales(_both(state), fields, plan.seed + _SCALES_SEED)
        path = out / WEIGHTS_NAME
        out.mkdir(parents=True, exist_ok=True)
        write_weights(path, Weights(state, mean, std))
        last.step(1, 2, "measuring")
        scores = held_out_scores(_network_only(state), fields, unseen, plan.seed + _SCORES_SEED)
    finally:
        torch.set_num_threads(threads)
    if path.stat().st_size > LARGEST_BYTES:
        raise EncoderError(f"{path.name} has more than {LARGEST_BYTES} bytes.")
    read_weights(path)
    facts = {
        "encoder": "lookalike-base",
        "version": VERSION,
        "architecture": f"timm {ARCHITECTURE}",
        "command": "napari-lookalike pretrain-encoder",
        "plan": asdict(plan),
        "losses": {"first": trained.log[0], "last": trained.log[-1]},
        "training_seconds": round(trained.seconds),
        "seconds_of_this_call": round(time.monotonic() - started),
        "held_out_drawn_fields": scores,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "environment": environment() | {"machine": platform.machine()},
        "data": "drawn tissue only; no real image was seen",
    }
    (out / PROVENANCE_NAME).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return facts


def _halved(state: dict[str, Any]) -> dict[str, Any]:
    return {k: v.half().float() if v.is_floating_point() else v for k, v in state.items()}


def _network_only(state: dict[str, Any]) -> Any:
    import torch

    network = ready(state)

    def encode(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(tiles), _BATCH):
            rgb = torch.from_numpy(tiles[start : start + _BATCH]).permute(0, 3, 1, 2)
            with torch.inference_mode():
                parts.append(pooled(network, network_input(rgb.contiguous().float())).numpy())
        return np.concatenate(parts)

    return encode


def _both(state: dict[str, Any]) -> Any:
    """Unscaled features of descriptor and network."""
    spec = EncoderSpec("descriptor", "descriptor", "builtin", pooling="none", dim=DESCRIPTOR_DIM)
    descriptor, network = HistologyDescriptor(spec, threads=1, finest=False), _network_only(state)

    def encode(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        both = np.concatenate([descriptor.encode(tiles), network(tiles)], axis=1)
        if both.shape[1] != DIM:
            raise EncoderError(f"the encoder has {both.shape[1]} features, not {DIM}.")
        return both

    return encode
