"""The training on a very small scale: it learns, goes on, and writes what can be loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lookalike.core.encoders.shipped.facts import DIM
from napari_lookalike.core.encoders.shipped.network import ready
from napari_lookalike.core.encoders.shipped.weights import read_weights
from napari_lookalike.core.pretrain import run
from napari_lookalike.core.pretrain.field import FIELD_PX
from napari_lookalike.core.pretrain.recipe import ARCHITECTURES, TARGETS
from napari_lookalike.core.pretrain.store import Fields, drawn_fields
from napari_lookalike.core.pretrain.train import CHECKPOINT, FALL, Plan, _rate, train_network
from napari_lookalike.core.progress import Job, JobCancelled

SMALL = Plan(fields=8, held_out=4, steps=12, batch=4, crop_px=64)


def fields_of(count: int, seed: int = 0) -> Fields:
    """Blobs whose size is a factor, instead of tissue that takes seconds to draw."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(count, len(TARGETS))).astype(np.float32)
    y, x = np.mgrid[:FIELD_PX, :FIELD_PX]
    conc = np.empty((count, FIELD_PX, FIELD_PX, 3), dtype=np.uint8)
    for picture, row in zip(conc, factors, strict=True):
        waves = np.sin(x / (4 + row[0])) * np.sin(y / (4 + row[0]))
        picture[:] = (60 + 40 * waves + 10 * row[1]).clip(0, 255)[..., None]
    return Fields(conc, np.arange(count) % len(ARCHITECTURES), factors)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_loss_falls(tmp_path: Path) -> None:
    trained = train_network(replace(SMALL, steps=60, rate=4e-3), fields_of(4), tmp_path)
    assert trained.log[-1]["loss"] < 0.8 * trained.log[0]["loss"]
    assert all(torch.isfinite(v).all() for v in trained.mean.values())


class _Stops(Job):
    """Cancelled at a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def step(self, done: int, total: int, what: str) -> None:
        if done == self.at:
            raise JobCancelled(what)


def test_a_broken_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    fields = fields_of(8)
    whole = train_network(SMALL, fields, tmp_path / "whole", every_s=0.0)
    with pytest.raises(JobCancelled):
        train_network(SMALL, fields, tmp_path / "broken", every_s=0.0, job=_Stops(5))
    assert torch.load(tmp_path / "broken" / CHECKPOINT)["state"]["step"] == 5
    resumed = train_network(SMALL, fields, tmp_path / "broken")
    for name, value in whole.mean.items():
        torch.testing.assert_close(resumed.mean[name], value, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_another_plan_is_not_gone_on_from(tmp_path: Path) -> None:
    fields = fields_of(8)
    train_network(replace(SMALL, steps=2), fields, tmp_path, every_s=0.0)
    other = train_network(replace(SMALL, steps=2, seed=5), fields, tmp_path)
    assert other.log[0]["step"] == 0 and len(other.log) == 2


def test_before_it_falls_the_rate_does_not_depend_on_the_length() -> None:
    short, long = Plan(steps=1000), Plan(steps=4000)
    before = [step for step in range(1000) if step <= (1 - FALL) * 1000]
    assert [_rate(short, s) for s in before] == [_rate(long, s) for s in before]
    assert _rate(short, 999) < _rate(short, 900) < _rate(short, 500) == short.rate


def test_fields_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_lookalike.core.pretrain import store

    drawn = drawn_fields(tmp_path, 3, 2)
    monkeypatch.setattr(store, "_draw", lambda *_: pytest.fail("drawn again"))
    again = drawn_fields(tmp_path, 3, 2)
    np.testing.assert_array_equal(again.conc, drawn.conc)
    np.testing.assert_array_equal(again.factors, drawn.factors)


def test_weights_and_provenance_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "drawn_fields", lambda _, seed, n, **__: fields_of(n, seed))
    facts = run.pretrain(tmp_path / "out", tmp_path / "work", SMALL)
    path = tmp_path / "out" / run.WEIGHTS_NAME
    weights = read_weights(path)
    assert weights.mean.shape == weights.std.shape == (DIM,)
    assert (weights.std > 0).all()
    ready(weights.network)  # raises if a key is missing or too many
    assert facts == json.loads((tmp_path / "out" / run.PROVENANCE_NAME).read_text())
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts["plan"]["steps"] == SMALL.steps
    assert 0 <= facts["held_out_drawn_fields"]["architecture accuracy, plain"] <= 1
