"""Colours stay with their class, and shapes with their centre."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives.columns import PairMark
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


def test_how_sure_the_model_is_comes_in_steps():
    assert names("uncertainty") == ["80 to 95 %"] * 3 + ["no prediction"]


def test_review_states_with_marks_first():
    records = [replace(r, state="reviewed") for r in cohort() if r.slide_id in ("s1", "s2")]
    mark = PairMark(1, "slide", "s1", "s4", "alpha", "beta")
    retired = replace(mark, slide_a="s3", status="retired")
    said = colouring("state", tuple(LABELS), cohort().with_records(records), None, (mark, retired))
    found = [said.categories[i].name for i in said.of]
    assert found == ["marked", "reviewed", "not looked at", "marked"]


def test_patients_are_numbered_unless_they_were_asked_for():
    records = tuple(SlideRecord(s, Path("x"), "SECRET-1" if s != "s2" else "") for s in LABELS)
    said = colouring("patient", tuple(LABELS), Cohort(records), None)
    assert {c.name for c in said.categories} == {"Patient 1", "Patient not given"}
    shown = colouring("patient", tuple(LABELS), Cohort(records), None, show_patient_ids=True)
    assert "Patient SECRET-1" in {c.name for c in shown.categories}


def test_of_very_many_values_the_most_frequent_have_a_colour():
    sites = [f"site {i}" for i in range(30) for _ in range(31 - i)]
    records = tuple(SlideRecord(f"s{i}", Path("x"), site=site) for i, site in enumerate(sites))
    said = colouring("site", [r.slide_id for r in records], Cohort(records), None)
    assert len(said.categories) == len(PALETTE)
    others = said.categories[-1]
    assert (others.name, others.colour) == ("others", UNKNOWN)
    assert others.count == sum(31 - i for i in range(len(PALETTE) - 1, 30))
    assert len({c.colour for c in said.categories}) == len(PALETTE)


@pytest.mark.parametrize("by", ["label_source", "stain", "scale"])
def test_columns_of_the_manifest(by):
    field = {"label_source": "label_source", "stain": "stain", "scale": "mpp_source"}[by]
    records = tuple(
        SlideRecord(s, Path("x"), **{field: "histology" if s == "s1" else ""}) for s in LABELS
    )
    said = colouring(by, tuple(LABELS), Cohort(records), None)
    assert said.categories[said.of[0]].name == "histology"
    assert len(said.categories) == 2
