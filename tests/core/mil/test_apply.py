"""Padding, drawing and standardising of bags."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil import default_arguments, make_head
from napari_lookalike.core.mil.apply import (
    CLIP,
    apply_head,
    choose_device,
    draw,
    moments,
    pad,
    standardise,
)

CPU = torch.device("cpu")


def test_pad_marks_what_is_real() -> None:
    x, mask = pad([torch.ones(2, 3), torch.full((1, 3), 2.0)], CPU)
    assert x.shape == (2, 2, 3)
    assert mask.tolist() == [[True, True], [True, False]]
    assert x[1, 0].tolist() == [2.0] * 3


def test_draw_takes_different_instances_and_is_seeded() -> None:
    bag = torch.arange(20.0)[:, None]
    some = draw(bag, 5, torch.Generator().manual_seed(3))
    again = draw(bag, 5, torch.Generator().manual_seed(3))
    assert len(set(some[:, 0].tolist())) == 5
    assert torch.equal(some, again)
    assert draw(bag, 20, torch.Generator()) is bag


def test_moments_count_each_slide_the_same() -> None:
    rng = np.random.default_rng(0)
    small, large = (
        rng.normal(size=(3, 2)).astype(np.float32),
        rng.normal(5, 2, size=(50, 2)).astype(np.float32),
    )
    mean, std = moments([small, large])
    expected = (small.mean(0) + large.mean(0)) / 2
    spread = sum(((bag - expected) ** 2).mean(0) for bag in (small, large)) / 2
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    np.testing.assert_allclose(std, np.sqrt(spread), rtol=1e-5)


def test_a_feature_that_never_varies_is_not_blown_up() -> None:
    bag = np.full((4, 1), 0.1, np.float32)
    mean, std = moments([bag, bag])
    assert std.tolist() == [1.0]
    far = standardise(torch.tensor([[1e9]]), torch.tensor(mean), torch.tensor(std))
    assert far.item() == CLIP


def test_apply_reads_read_only_arrays_and_leaves_them() -> None:
    head = make_head("abmil", default_arguments(3, 2)).train()
    bag = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    before = bag.copy()
    bag.flags.writeable = False
    said = apply_head(head, bag, torch.zeros(3), torch.ones(3))
    assert said.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert said.attention_logits.shape == (1, 4)
    np.testing.assert_array_equal(bag, before)


def test_a_device_that_is_not_there_is_an_error() -> None:
    assert choose_device("cpu") == CPU
    with pytest.raises(ModelError, match="abacus"):
        choose_device("abacus")


def test_moments_piece_by_piece_are_those_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import napari_lookalike.core.mil.apply as apply

    bags = [np.random.default_rng(i).normal(3, 2, (50 + i, 3)).astype(np.float32) for i in (0, 1)]
    at_once = moments(bags)
    first = np.mean([bag.mean(0, dtype=np.float64) for bag in bags], axis=0)
    second = np.mean([((bag - first) ** 2).mean(0, dtype=np.float64) for bag in bags], axis=0)
    np.testing.assert_array_equal(at_once[0], first.astype(np.float32))
    np.testing.assert_array_equal(at_once[1], np.sqrt(second).astype(np.float32))
    monkeypatch.setattr(apply, "_MOMENT_ROWS", 7)
    for one, other in zip(at_once, moments(bags), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["abmil", "clam_sb", "clam_mb", "dsmil", "mean", "linear"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_large_bag_is_asked_in_pieces_with_the_same_answer(
    name: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    import napari_lookalike.core.mil.abmil as abmil
    import napari_lookalike.core.mil.apply as apply
    import napari_lookalike.core.mil.large as large

    torch.manual_seed(0)
    head = make_head(name, default_arguments(6, 3))
    bag = np.random.default_rng(0).normal(size=(100, 6)).astype(dtype)
    bag.flags.writeable = False
    at = torch.full((6,), 0.1), torch.full((6,), 2.0)
    whole = apply_head(head, bag, *at)
    for module in (abmil, apply):
        monkeypatch.setattr(module, "LARGE", 50)
    for module in (large, apply):
        monkeypatch.setattr(module, "PIECE", 16)
    pieces = apply_head(head, bag, *at)
    for field in ("probabilities", "embedding", "attention_logits"):
        np.testing.assert_allclose(getattr(pieces, field), getattr(whole, field), atol=1e-5)
