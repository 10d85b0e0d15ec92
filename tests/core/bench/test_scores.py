"""Scores: every column, of the right tiles."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.bench.peers import MeanColour
from napari_lookalike.core.bench.scores import COLUMNS, NEAREST, PROBE, Views, embed_views, score
from napari_lookalike.core.bench.tiles import LabelledTiles
from napari_lookalike.core.progress import SILENT


@pytest.fixture
def labelled() -> LabelledTiles:
    rng = np.random.default_rng(0)
    colours = {"a": (200, 120, 180), "b": (150, 90, 170)}
    classes = np.repeat(["a", "b"], 24)
    tiles = np.stack([np.full((224, 224, 3), colours[c]) for c in classes])
    noisy = np.clip(tiles + rng.normal(0, 5, tiles.shape), 0, 255).astype(np.uint8)
    return LabelledTiles(noisy, classes, np.arange(48) // 2)


def test_one_tile_of_a_photograph_is_shifted_or_all(labelled: LabelledTiles) -> None:
    one, every = Views.of(labelled), Views.of(labelled, one_of_group=False)
    assert one.which.tolist() == list(range(0, 48, 2))
    assert all(len(tiles) == 24 for tiles in one.changed.values())
    np.testing.assert_array_equal(every.changed["blur"][one.which], one.changed["blur"])


def test_all_columns_of_a_part_of_the_classes(labelled: LabelledTiles) -> None:
    views = Views.of(labelled)
    features = embed_views(MeanColour(), views, keep=False, job=SILENT)
    keep = labelled.groups >= 2
    found = score(features, views, keep)
    assert tuple(found.values) == COLUMNS
    assert found.values[PROBE] == found.values[NEAREST] == 1.0
    assert found.values[f"{PROBE} under blur"] == 1.0
    assert len(found.probe.correct) == keep.sum()
    few = score(features, views, keep, (PROBE, NEAREST))
    assert tuple(few.values) == (PROBE, NEAREST)
