"""Packed bags, half precision, mapped bags: the same answers without the padding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.core.mil_cohort import CLASSES, CONFIG, NONE, SOURCE, make_bags, marks

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.mil import HEADS, default_arguments, make_head
from napari_lookalike.core.mil.apply import pad, standardise
from napari_lookalike.core.mil.base import spread
from napari_lookalike.core.mil.loading import Loader, half_type, training_type
from napari_lookalike.core.training import fit

CPU = torch.device("cpu")
PACKING = [name for name in HEADS.names() if HEADS.get(name).packs]
ALL = replace(CONFIG, max_instances=0, threads=1)


def some_bags(dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, 8, generator=generator).to(dtype) for n in (5, 1, 9)]


def at() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((8,), 0.1), torch.full((8,), 2.0)


def test_all_instances_are_packed_without_padding() -> None:
    bags = some_bags()
    x, mask = Loader(bags, at(), ALL, packs=True)(np.array([2, 0]))
    assert x.shape == (14, 8)
    assert mask.sum(1).tolist() == [9, 5]
    torch.testing.assert_close(x, standardise(torch.cat([bags[2], bags[0]]), *at()))


def test_a_head_that_does_not_pack_gets_padded_bags_of_all_instances() -> None:
    x, mask = Loader(some_bags(), at(), ALL, packs=False)(np.array([2, 0]))
    assert x.shape == (2, 9, 8)
    assert mask.sum(1).tolist() == [9, 5]


def test_sampling_draws_different_instances_and_is_seeded() -> None:
    config = replace(CONFIG, max_instances=4)
    drawn = [Loader(some_bags(), at(), config, packs=True)(np.array([2]))[0] for _ in range(2)]
    assert drawn[0].shape == (1, 4, 8)
    assert torch.equal(*drawn)
    assert len(torch.unique(drawn[0][0], dim=0)) == 4


def test_spread_puts_rows_where_they_are_real() -> None:
    mask = torch.tensor([[True, True, False], [True, False, False]])
    out = spread(torch.arange(1.0, 4.0)[:, None], mask, -1.0)[..., 0]
    assert out.tolist() == [[1.0, 2.0, -1.0], [3.0, -1.0, -1.0]]


@pytest.mark.parametrize("name", PACKING)
def test_packed_and_padded_bags_give_the_same_answers_and_gradients(name: str) -> None:
    torch.manual_seed(0)
    head = make_head(name, default_arguments(8, 3)).double().eval()
    bags, y = some_bags(torch.float64), torch.tensor([0, 2, 1])
    padded, mask = pad(bags, CPU)
    found = []
    for x in (padded, torch.cat(bags)):
        head.zero_grad()
        out = head(x, mask)
        loss = out.logits.logsumexp(1).sum() + out.embedding.square().sum()
        loss = loss + head.auxiliary_loss(out, x, mask, y)
        loss.backward()
        grads = [p.grad for p in head.parameters() if p.grad is not None]
        found.append([out.logits, out.embedding, out.attention_logits, loss, *grads])
    assert len(found[0]) == len(found[1])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", HEADS.names())
def test_every_head_trains_with_all_instances_and_the_same_twice(name: str) -> None:
    config = replace(ALL, head=name, epochs=2)
    models = [fit(make_bags(), CLASSES, config, NONE, source=SOURCE) for _ in range(2)]
    for key, value in models[0].final.state.items():
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(value, models[1].final.state[key])


def test_training_with_all_packed_is_training_with_all_drawn() -> None:
    """Bags shorter than the draw are taken whole either way: the same up to rounding."""
    plain = replace(CONFIG, dropout=0.0, threads=1)  # drawn for padding too, so off
    one, two = (
        fit(make_bags(), CLASSES, replace(plain, max_instances=n), marks(), source=SOURCE)
        for n in (0, 100)
    )
    for key, value in one.final.state.items():
        if key != "attention.score.bias":  # no gradient but noise: softmax does not see it
            np.testing.assert_allclose(value, two.final.state[key], rtol=1e-3, atol=1e-4)


def test_half_precision_is_off_unless_asked_for_and_native() -> None:
    assert training_type(TrainConfig(), CPU) is torch.float32
    asked = training_type(TrainConfig(precision="half"), CPU)
    assert asked is (half_type(CPU) or torch.float32)


@pytest.mark.parametrize("name", HEADS.names())
def test_half_precision_learns_the_same_thing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import napari_lookalike.core.mil.loading as loading

    monkeypatch.setattr(loading, "half_type", lambda device: torch.bfloat16)
    bags = make_bags(signal=3.0)
    config = replace(ALL, head=name, epochs=12, max_instances=6)
    losses = {}
    for precision in ("single", "half"):
        model = fit(bags, CLASSES, replace(config, precision=precision), NONE, source=SOURCE)
        losses[precision] = model.final.state
    again = fit(bags, CLASSES, replace(config, precision="half"), NONE, source=SOURCE)
    key = "classifier.weight"
    np.testing.assert_array_equal(losses["half"][key], again.final.state[key])
    assert not np.array_equal(losses["half"][key], losses["single"][key])
    np.testing.assert_allclose(losses["half"][key], losses["single"][key], atol=0.05)


def test_mapped_half_precision_bags_train_as_the_same_numbers_in_memory(tmp_path: Path) -> None:
    bags = []
    for bag in make_bags():
        np.save(tmp_path / f"{bag.slide_id}.npy", bag.instances.astype(np.float16))
        mapped = np.load(tmp_path / f"{bag.slide_id}.npy", mmap_mode="c")
        bags.append(replace(bag, instances=mapped))
    here = [replace(b, instances=np.asarray(b.instances, np.float32)) for b in bags]
    one, two = (fit(b, CLASSES, replace(CONFIG, threads=1), NONE, source=SOURCE)
                for b in (bags, here))  # fmt: skip
    for key, value in one.final.state.items():
        np.testing.assert_array_equal(value, two.final.state[key])
