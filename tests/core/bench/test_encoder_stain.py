"""Photographs together as slides, and one stain fit for each."""

from __future__ import annotations

import numpy as np
import pytest
from tests.core.normalise.stained import BLUE, VIOLET, concentrations, develop

from napari_lookalike.core.bench.encoder_stain import (
    PHOTOGRAPHS,
    in_slides,
    normalised,
    slides_of,
)
from napari_lookalike.core.bench.scores import Views
from napari_lookalike.core.bench.tiles import LabelledTiles


@pytest.fixture
def labelled() -> LabelledTiles:
    """Two classes x forty photographs x two tiles."""
    groups = np.repeat(np.arange(80), 2)
    classes = np.where(groups < 40, "a", "b")
    return LabelledTiles(np.zeros((160, 4, 4, 3), np.uint8), classes, groups)


def test_a_slide_has_one_class_one_laboratory_and_whole_photographs(
    labelled: LabelledTiles,
) -> None:
    slides = slides_of(labelled)
    for slide in np.unique(slides):
        own = labelled.groups[slides == slide]
        assert len(set(labelled.classes[slides == slide])) == 1
        assert len(set(own % 2)) == 1
        assert PHOTOGRAPHS / 2 < len(set(own)) < 2 * PHOTOGRAPHS
    assert all(len(set(slides[labelled.groups == g])) == 1 for g in range(80))
    np.testing.assert_array_equal(slides, slides_of(labelled))
    assert (slides != slides_of(labelled, seed=1)).any()


def test_only_what_is_kept_together_changes(labelled: LabelledTiles) -> None:
    views = Views(labelled, np.arange(0, 160, 2), {"blur": labelled.tiles[::2]})
    together = in_slides(views)
    assert together.labelled.tiles is labelled.tiles and together.changed == views.changed
    np.testing.assert_array_equal(together.which, views.which)
    np.testing.assert_array_equal(together.labelled.groups, slides_of(labelled))


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_every_slide_and_every_shift_has_a_fit_of_its_own(method: str) -> None:
    conc = concentrations()
    two = [develop(conc, BLUE, 0.8), develop(conc, VIOLET, 1.2, seed=2)]
    tiles = np.concatenate(two)
    groups = np.repeat([0, 1], len(conc))
    views = Views(
        LabelledTiles(tiles, np.full(len(tiles), "a"), groups),
        np.arange(len(conc)),
        {"other laboratory": two[1]},
    )
    done = normalised(views, method)

    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a.astype(float) - b).mean())

    first, second = np.split(done.labelled.tiles, 2)
    assert apart(first, second) < apart(*two) / 2
    # of the shift it is the group's own place that counts, and the shift's own colours
    assert apart(done.changed["other laboratory"], second) < 1
