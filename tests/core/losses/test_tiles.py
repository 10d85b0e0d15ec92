"""Losses on single tiles against plain loops, by their gradients and invariances."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from napari_lookalike.core.losses import attention_evidence, tile_evidence

KINDS = st.lists(
    st.lists(st.sampled_from(["diagnostic", "other", "none", "padding"]), min_size=5, max_size=5),
    min_size=1,
    max_size=4,
).filter(lambda bags: all(set(bag) != {"padding"} for bag in bags))
SEEDS = st.integers(0, 99)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def which(bags: list[list[str]], kind: str) -> Tensor:
    return torch.tensor([[k == kind for k in bag] for bag in bags])


def plain_attention(logits: Tensor, bags: list[list[str]], penalty: float) -> float:
    on, off = [], []
    for row, kinds in zip(logits.tolist(), bags, strict=True):
        real = [(math.exp(v), k) for v, k in zip(row, kinds, strict=True) if k != "padding"]
        total = sum(v for v, _ in real)
        share = {kind: sum(v for v, k in real if k == kind) / total for kind in set(kinds)}
        if "diagnostic" in share:
            on.append(-math.log(share["diagnostic"]))
        if "other" in share and share["other"] < 1 - 1e-12:
            off.append(-math.log(1 - share["other"]))
    return sum(on) / max(len(on), 1) + penalty * sum(off) / max(len(off), 1)


@given(KINDS, SEEDS, st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=60, deadline=None)
def test_attention_evidence_is_the_plain_loop(
    bags: list[list[str]], seed: int, penalty: float
) -> None:
    logits = numbers(len(bags), 5, seed=seed).masked_fill(which(bags, "padding"), -math.inf)
    got = attention_evidence(logits, which(bags, "diagnostic"), which(bags, "other"), penalty)
    assert got.item() == pytest.approx(plain_attention(logits, bags, penalty), abs=1e-9)
    assert got.item() >= -1e-12


@given(KINDS, SEEDS, st.permutations(range(5)))
@settings(max_examples=40, deadline=None)
def test_the_order_of_tiles_and_a_common_shift_of_logits_do_not_matter(
    bags: list[list[str]], seed: int, order: list[int]
) -> None:
    logits = numbers(len(bags), 5, seed=seed).masked_fill(which(bags, "padding"), -math.inf)
    d, o = which(bags, "diagnostic"), which(bags, "other")
    once = attention_evidence(logits, d, o)
    turned = attention_evidence(logits[:, order] + 3.0, d[:, order], o[:, order])
    assert turned.item() == pytest.approx(once.item(), abs=1e-9)


def test_gradients_of_attention_also_beside_padding() -> None:
    bags = [
        ["diagnostic", "other", "none", "padding", "padding"],
        ["other", "other", "none", "none", "none"],
        ["none"] * 5,
        ["other"] * 5,
    ]
    padding = which(bags, "padding")
    d, o = which(bags, "diagnostic"), which(bags, "other")

    def loss(x: Tensor) -> Tensor:
        return attention_evidence(x.masked_fill(padding, -math.inf), d, o, 0.7)

    x = numbers(4, 5).requires_grad_()
    assert torch.autograd.gradcheck(loss, (x,))
    loss(x).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert not x.grad[2:].any()  # nothing was pointed at, or there is nowhere else to look


def test_a_step_moves_attention_onto_the_diagnostic_tile_and_off_the_other() -> None:
    x = torch.zeros(1, 4, requires_grad=True)
    d, o = torch.tensor([[True, False, False, False]]), torch.tensor([[False, True, False, False]])
    attention_evidence(x, d, o).backward()
    after = torch.softmax(x.detach() - x.grad, 1)[0]  # type: ignore[operator]
    assert after[0] > 0.25 > after[2] > after[1]


TILES = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=8)


def plain_tiles(logits: Tensor, tiles: list[tuple[int, bool]]) -> float:
    p = [torch.softmax(row, 0) for row in logits]
    by_class: dict[int, list[float]] = {}
    off = []
    for row, (y, diagnostic) in zip(p, tiles, strict=True):
        if diagnostic:
            by_class.setdefault(y, []).append(-math.log(float(row[y])))
        else:
            off.append(-math.log(1 - float(row[y])))
    on = [sum(v) / len(v) for v in by_class.values()]
    return sum(on) / max(len(on), 1) + sum(off) / max(len(off), 1)


@given(TILES, SEEDS)
@settings(max_examples=60, deadline=None)
def test_tile_evidence_is_the_plain_loop(tiles: list[tuple[int, bool]], seed: int) -> None:
    logits = numbers(len(tiles), 3, seed=seed)
    y = torch.tensor([c for c, _ in tiles])
    diagnostic = torch.tensor([d for _, d in tiles])
    got = tile_evidence(logits, y, diagnostic).item()
    assert got == pytest.approx(plain_tiles(logits, tiles), abs=1e-9)
    twice = tile_evidence(logits.repeat(2, 1), y.repeat(2), diagnostic.repeat(2)).item()
    assert twice == pytest.approx(got, abs=1e-9)  # the same clicks twice are the same clicks


def test_gradients_of_tiles_and_no_tile_at_all() -> None:
    y = torch.tensor([0, 1, 1, 2])
    diagnostic = torch.tensor([True, True, False, False])
    x = numbers(4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: tile_evidence(v, y, diagnostic), (x,))
    nothing = tile_evidence(x[:0], y[:0], diagnostic[:0])
    assert nothing.item() == 0.0
    nothing.backward()


def test_sure_answers_stay_finite() -> None:
    """1 - p rounds to zero in single precision; its logarithm must not."""
    x = torch.tensor([[200.0, 0.0]], requires_grad=True)
    loss = tile_evidence(x, torch.tensor([0]), torch.tensor([False]))
    loss.backward()
    assert loss.item() == pytest.approx(200.0)
    assert torch.isfinite(x.grad).all()  # type: ignore[arg-type]
