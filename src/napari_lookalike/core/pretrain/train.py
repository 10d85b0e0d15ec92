"""The training: factors are learnt, and that two views of one field are the same tissue."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.shipped.facts import NETWORK_DIM
from napari_lookalike.core.encoders.shipped.network import (
    build_network,
    network_input,
    pooled,
)
from napari_lookalike.core.pretrain.augment import Scanner, crops
from napari_lookalike.core.pretrain.recipe import ARCHITECTURES, TARGETS
from napari_lookalike.core.pretrain.store import Fields
from napari_lookalike.core.progress import SILENT, Job

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINT = "checkpoint.pt"
FALL = 0.15
_WARM = 100


@dataclass(frozen=True)
class Plan:
    """What a training run is.

    Parameters
    ----------
    seed
        Of weights, order, crops and views.
    fields, held_out
        How many fields are drawn to learn from, and to be measured on.
    steps
        Batches.
    batch
        Fields in a batch; each is seen twice.
    crop_px
        Edge of a view: smaller than a tile, so that more are seen in the same time.
    rate
        Highest learning rate of AdamW.
    temperature
        Of the contrastive term.
    contrast
        Its weight beside the factors.
    """

    seed: int = 20260001
    fields: int = 6000
    held_out: int = 400
    steps: int = 1400
    batch: int = 32
    crop_px: int = 160
    rate: float = 2.0e-3
    temperature: float = 0.15
    contrast: float = 0.5


@dataclass(frozen=True, eq=False)
class Trained:
    """What came out.

    Parameters
    ----------
    mean
        Running mean of the network's weights, without heads.
    log
        Losses along the way.
    seconds
        Time that the training took, all calls together.
    """

    mean: dict[str, Tensor]
    log: list[dict[str, float]]
    seconds: float


def _learner(plan: Plan) -> Any:
    """Network and heads in one module; the heads are thrown away afterwards."""
    import torch
    from torch import nn

    torch.manual_seed(plan.seed)
    answers, dim = len(TARGETS) + len(ARCHITECTURES), NETWORK_DIM
    return nn.ModuleDict(
        {
            "network": build_network().to(memory_format=torch.channels_last),
            "norm": nn.BatchNorm1d(dim),
            "factors": nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, answers)),
            "project": nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, 96)),
        }
    )


def _loss(
    learner: Any, views: Tensor, kinds: Tensor, factors: Tensor, plan: Plan
) -> tuple[Tensor, dict[str, float]]:
    """Loss of a batch; views i and i + n are of the same field."""
    import torch
    from torch.nn import functional

    vectors = learner["norm"](pooled(learner["network"], network_input(views)))
    answers = learner["factors"](vectors)
    numbers, logits = answers[:, : len(TARGETS)], answers[:, len(TARGETS) :]
    # A factor may be invisible in a crop (its tumour lies elsewhere): errors are not squared.
    regression = functional.smooth_l1_loss(numbers, torch.cat([factors, factors]))
    architecture = functional.cross_entropy(logits, torch.cat([kinds, kinds]))
    unit = functional.normalize(learner["project"](vectors), dim=1)
    n = len(kinds)
    alike = unit @ unit.T / plan.temperature
    alike.fill_diagonal_(-1e4)
    partner = torch.arange(2 * n).roll(n)
    contrast = functional.cross_entropy(alike, partner)
    loss = 2.0 * regression + 0.4 * architecture + plan.contrast * contrast
    facts = {"factors": regression, "architecture": architecture, "contrast": contrast}
    return loss, {k: float(v.detach()) for k, v in facts.items()}


def standardised(factors: NDArray[np.float32], by: NDArray[np.float32]) -> NDArray[np.float32]:
    """Factors by mean and standard deviation of those of the training fields."""
    return np.asarray((factors - by.mean(axis=0)) / (by.std(axis=0) + 1e-6), np.float32)


def train_network(
    plan: Plan, fields: Fields, folder: Path, *, every_s: float = 120.0, job: Job = SILENT
) -> Trained:
    """Train; goes on from the checkpoint in ``folder`` if there is one of the same plan.

    The number of steps may be another one as long as the rate has not begun to fall.

    Parameters
    ----------
    plan
        The run.
    fields
        To learn from.
    folder
        Where the checkpoint lies.
    every_s
        Seconds between checkpoints.
    job
        Progress and cancel.

    """
    import torch

    learner = _learner(plan)
    mean = {k: v.detach().clone() for k, v in learner["network"].state_dict().items()}
    plain = [p for p in learner.parameters() if p.ndim > 1]
    others = [p for p in learner.parameters() if p.ndim <= 1]
    groups = [{"params": plain, "weight_decay": 0.03}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate)
    state: dict[str, Any] = {"step": 0, "log": [], "seconds": 0.0}
    path = folder / CHECKPOINT
    if path.is_file():
        state = _resume(path, plan, learner, optimizer, mean) or state
    factors = torch.from_numpy(standardised(fields.factors, fields.factors))
    kinds = torch.from_numpy(fields.architectures.astype(np.int64))
    started = saved = time.monotonic()
    before = state["seconds"]
    with ThreadPoolExecutor(1) as pool:  # draws the next views meanwhile
        scanner = Scanner(plan.seed)
        ready = pool.submit(_batch, plan, state["step"], fields, scanner)
        for step in range(state["step"], plan.steps):
            job.step(step, plan.steps, "training")
            views, chosen = ready.result()
            ready = pool.submit(_batch, plan, step + 1, fields, scanner)
            for group in optimizer.param_groups:
                group["lr"] = _rate(plan, step)
            loss, facts = _loss(learner, views, kinds[chosen], factors[chosen], plan)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learner.parameters(), 5.0)
            optimizer.step()
            _follow(mean, learner["network"].state_dict(), min(0.998, step / (step + 20)))
            last = step == plan.steps - 1
            if step % 20 == 0 or last:
                state["log"].append({"step": float(step), "loss": float(loss.detach()), **facts})
            state["step"] = step + 1
            state["seconds"] = before + time.monotonic() - started
            if time.monotonic() - saved > every_s or last:
                saved = time.monotonic()
                _save(path, plan, learner, optimizer, mean, state)
    return Trained(mean, state["log"], state["seconds"])


def _rate(plan: Plan, step: int) -> float:
    """Warm up, stay, and fall over the last `FALL` of the run.

    Until it falls the rate does not depend on the number of steps: a run that has not come
    so far can be made longer or shorter, and is as if it had been planned so.
    """
    if step < _WARM:
        return plan.rate * (step + 1) / _WARM
    left = (plan.steps - step) / (FALL * plan.steps)
    return plan.rate * min(1.0, left)


def _batch(
    plan: Plan, step: int, fields: Fields, scanner: Scanner
) -> tuple[Tensor, NDArray[np.intp]]:
    """Views of a step: a function of the plan's seed and of the step alone."""
    rng = np.random.default_rng([plan.seed, step])
    chosen = np.sort(rng.choice(len(fields.conc), min(plan.batch, len(fields.conc)), replace=False))
    conc = fields.conc[chosen]
    tiles = np.concatenate([crops(rng, conc, plan.crop_px), crops(rng, conc, plan.crop_px)])
    scanner.reseed(plan.seed + step)
    return scanner.develop(tiles), chosen


def _follow(mean: dict[str, Tensor], now: dict[str, Tensor], keep: float) -> None:
    for name, value in now.items():
        if value.dtype.is_floating_point:
            mean[name].mul_(keep).add_(value.detach(), alpha=1.0 - keep)
        else:
            mean[name].copy_(value)


def _save(
    path: Path, plan: Plan, learner: Any, optimizer: Any, mean: Any, state: dict[str, Any]
) -> None:
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "plan": asdict(plan),
        "learner": learner.state_dict(),
        "optimizer": optimizer.state_dict(),
        "mean": mean,
        "state": state,
    }
    torch.save(whole, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _resume(
    path: Path, plan: Plan, learner: Any, optimizer: Any, mean: dict[str, Tensor]
) -> dict[str, Any] | None:
    import torch

    whole = torch.load(path, weights_only=True)
    planned, step = Plan(**whole["plan"]), whole["state"]["step"]
    falling = step > (1.0 - FALL) * min(plan.steps, planned.steps)
    if replace(planned, steps=0) != replace(plan, steps=0) or (
        falling and planned.steps != plan.steps
    ):
        return None
    learner.load_state_dict(whole["learner"])
    optimizer.load_state_dict(whole["optimizer"])
    for name, value in whole["mean"].items():
        mean[name].copy_(value)
    state: dict[str, Any] = whole["state"]
    return state
