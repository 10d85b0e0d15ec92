"""Colours stay with their class, and shapes with their centre."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.results import ModelResults, SlideResult
from napari_lookalike.session.colours import (
    COLOUR_BY,
    N_SHAPES,
    PALETTE,
    UNKNOWN,
    class_colours,
    colouring,
    site_shapes,
)

LABELS = {"s1": "alpha", "s2": "beta", "s3": "", "s4": "beta"}


def cohort(sites=("A", "B", "A", "")) -> Cohort:
    return Cohort(
        tuple(
            SlideRecord(s, Path("x"), label=label, site=site)
            for (s, label), site in zip(LABELS.items(), sites, strict=True)
        )
    )


def results() -> ModelResults:
    def said(slide_id, top, fold):
        p = np.full(2, 0.2, np.float32)
        p[top] = 0.8
        zeros = np.zeros(4, np.float32)
        return SlideResult(slide_id, p, zeros, zeros[None], fold >= 0, fold)

    slides = {"s1": said("s1", 0, 0), "s2": said("s2", 0, 1), "s3": said("s3", 1, -1)}
    return ModelResults("m001", ("alpha", "beta"), slides)


def names(by, ids=tuple(LABELS)):
    said = colouring(by, ids, cohort(), results())
    return [said.categories[i].name for i in said.of]


def test_categories_by_what_is_asked():
    assert names("label") == ["alpha", "beta", "not labelled", "beta"]
    assert names("prediction") == ["alpha", "alpha", "beta", "no prediction"]
    assert names("correct")[:2] == ["correct", "wrong"]
    assert len(set(names("correct")[2:])) == 1  # one without a label, one without a prediction
    assert names("site") == ["A", "B", "A", "centre not known"]
    assert names("fold") == ["fold 1", "fold 2", "new slide", "new slide"]


def test_counts_and_colours_match_the_slides():
    for by in COLOUR_BY:
        said = colouring(by, tuple(LABELS), cohort(), results())
        assert sum(c.count for c in said.categories) == len(LABELS)
        assert [c.count for c in said.categories] == [
            int((said.of == i).sum()) for i in range(len(said.categories))
        ]
        assert len(said.colours) == len(LABELS)


def test_a_class_keeps_its_colour_in_labels_and_predictions():
    colours = class_colours(cohort(), results())
    for by in ("label", "prediction"):
        for category in colouring(by, tuple(LABELS), cohort(), results()).categories:
            assert category.colour == colours.get(category.name, UNKNOWN)


def test_slides_that_left_the_cohort_are_grey():
    said = colouring("label", ("gone",), cohort(), None)
    assert said.colours == (UNKNOWN,)


def test_colours_differ_and_repeat_only_after_the_last():
    assert len(set(PALETTE)) == len(PALETTE)
    assert UNKNOWN not in PALETTE


def simulated(colour: str) -> np.ndarray:
    """How a deuteranope sees it (Viénot et al. 1999), linear RGB."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = rgb**2.2
    to_lms = np.array(
        [[17.8824, 43.5161, 4.1193], [3.4557, 27.1554, 3.8671], [0.03, 0.1843, 1.467]]
    )
    lost = np.array([[1, 0, 0], [0.4942, 0, 1.2483], [0, 0, 1]])
    return np.linalg.inv(to_lms) @ lost @ to_lms @ linear


@pytest.mark.parametrize("i", range(7))
def test_the_first_colours_differ_for_a_deuteranope(i):
    others = [c for j, c in enumerate(PALETTE[:7]) if j != i]
    assert all(np.linalg.norm(simulated(PALETTE[i]) - simulated(c)) > 0.06 for c in others)


def test_shapes_follow_centres_when_there_are_two():
    assert site_shapes(tuple(LABELS), cohort()).of.tolist() == [0, 1, 0, 0]
    one = site_shapes(tuple(LABELS), cohort(("A", "A", "A", "")))
    assert (one.sites, one.of.tolist()) == ((), [0, 0, 0, 0])


def test_more_centres_than_shapes_repeat():
    many = Cohort(tuple(SlideRecord(f"s{i}", Path("x"), site=f"{i:02}") for i in range(9)))
    shapes = site_shapes([s.slide_id for s in many], many)
    assert max(shapes.of) == N_SHAPES - 1
    assert len(shapes.sites) == 9
