"""Drawn fields: the same seed draws the same, and what is drawn is what the recipe says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lookalike.core.pretrain import field
from napari_lookalike.core.pretrain.compartments import draw_compartments
from napari_lookalike.core.pretrain.field import FIELD_PX, draw_field
from napari_lookalike.core.pretrain.recipe import (
    ARCHITECTURES,
    TARGETS,
    Recipe,
    draw_recipe,
    targets,
)
from napari_lookalike.core.synth.banks import Banks, build_banks


@pytest.fixture(scope="module")
def banks() -> Banks:
    return build_banks(2024)


def test_the_same_seed_draws_the_same_field(banks: Banks) -> None:
    first, again, other = (draw_field(seed, banks) for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[2], again[2])
    assert first[1] == again[1]
    assert (first[0] != other[0]).any() and (first[2] != other[2]).any()
    assert first[0].shape == (FIELD_PX, FIELD_PX, 3) and first[0].dtype == np.uint8


def test_targets_have_a_number_for_each_name() -> None:
    recipes = [draw_recipe(np.random.default_rng(i)) for i in range(60)]
    table = np.stack([targets(r) for r in recipes])
    assert table.shape == (60, len(TARGETS)) and len(set(TARGETS)) == len(TARGETS)
    assert np.isfinite(table).all() and (table.std(axis=0) > 0).all()
    largest = TARGETS.index("nucleus long_px")
    assert table[0, largest] == pytest.approx(np.log(recipes[0].nucleus.long_px))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shares_of_a_place_are_shares(name: str) -> None:
    rng = np.random.default_rng(3)
    recipe = replace(draw_recipe(rng), architecture=ARCHITECTURES.index(name))
    parts = draw_compartments(rng, recipe, (FIELD_PX, FIELD_PX))
    for share in (parts.cells, parts.empty, parts.mucin):
        assert share.shape == parts.depth.shape
        assert share.min() >= -1e-5 and share.max() <= 1 + 1e-5
    assert (parts.cells + parts.empty + parts.mucin).max() <= 1 + 1e-4


def _drawn(monkeypatch: pytest.MonkeyPatch, banks: Banks, **changes: object) -> np.ndarray:
    def recipe(rng: np.random.Generator) -> Recipe:
        drawn = draw_recipe(rng)
        quiet = {"necrosis": 0.0, "microcysts": 0.0, "lymphocytes": 0.0, "vessels": 0.0}
        return replace(drawn, architecture=0, cytoplasm=0.0, **{**quiet, **changes})  # type: ignore[arg-type]

    monkeypatch.setattr(field, "draw_recipe", recipe)
    return draw_field([5, 5], banks)[0].astype(float)


def test_crowding_and_eosin_are_seen(monkeypatch: pytest.MonkeyPatch, banks: Banks) -> None:
    sparse = _drawn(monkeypatch, banks, crowding=0.08, eosin=0.2)
    dense = _drawn(monkeypatch, banks, crowding=0.5, eosin=0.2)
    pink = _drawn(monkeypatch, banks, crowding=0.08, eosin=0.5)
    assert dense[..., 0].mean() > 1.5 * sparse[..., 0].mean()
    assert pink[..., 1].mean() > 1.5 * sparse[..., 1].mean()
