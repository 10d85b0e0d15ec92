"""The figures beside the map, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.measures.centre_pairs import CentreLink
from napari_lookalike.core.pipeline.map_figures import MapFigures, Movement, map_figures
from napari_lookalike.session.map_figures_view import figures_asked, resolve_figures
from napari_lookalike.session.session import Session


@pytest.fixture
def figures(tiny) -> MapFigures:
    return map_figures(tiny.root, tiny.current_version)


def names(view):
    return [row.name for row in view.rows]


def test_every_figure_is_a_line_with_its_meaning(figures):
    view = resolve_figures(figures)
    assert {"Compactness", "Separation", "Silhouette", "Robustness Index"} <= set(names(view))
    assert all(row.value and row.tip for row in view.rows)
    assert "not on the map" in view.note


def test_marked_pairs_come_first(figures):
    view = resolve_figures(figures, (("alpha", "beta"),))
    pairs = [n for n in names(view) if " and " in n]
    assert pairs[0] == "alpha and beta (marked)"


def test_a_pair_near_by_its_centre_is_a_warning(figures):
    link = CentreLink("alpha", "beta", 40, 0.8, 0.4, 0.001, explained=True)
    view = resolve_figures(replace(figures, centres=(link, replace(link, explained=False))))
    (sentence,) = [w for w in view.warnings if "alpha" in w]
    assert "80 %" in sentence
    assert "40 %" in sentence


def test_a_map_by_centre_is_a_warning(figures):
    index = {"value": 0.1, "low": 0.05, "high": 0.2}
    robustness = {**figures.robustness, "index": index}
    view = resolve_figures(replace(figures, robustness=robustness))
    assert any("scanner" in w for w in view.warnings)
    unclear = {**robustness, "index": {**index, "high": 0.8}}
    view = resolve_figures(replace(figures, robustness=unclear))
    assert not any("scanner" in w for w in view.warnings)


def test_without_centres_it_says_why(figures):
    robustness = {**figures.robustness, "index": None, "note": "No slide has a centre."}
    view = resolve_figures(replace(figures, robustness=robustness))
    row = next(r for r in view.rows if r.name == "Robustness Index")
    assert (row.value, row.tip) == ("cannot be said", "No slide has a centre.")


def test_movement_is_of_the_embedding_space(figures):
    movement = Movement(0.4, (("S01", 1.0),), {"alpha | beta": (0.1, 0.3)})
    view = resolve_figures(replace(figures, movement=movement))
    values = {row.name: row.value for row in view.rows}
    assert values["Neighbours that changed"] == "40 % (median)"
    assert values["Moved most"] == "S01 (100 %)"
    assert values["Margin of alpha and beta"] == "0.10 → 0.30"


def test_a_part_of_the_slides_is_said(figures):
    assert "24 of 9,000 slides" in resolve_figures(replace(figures, of=9000)).note


def test_what_is_asked_follows_model_and_marks(opened):
    assert figures_asked(Session()) is None
    asked = figures_asked(opened)
    assert (asked.version, asked.before, asked.pairs) == (opened.results.version, "", ())
    opened.marks = (
        PairMark(1, "slide", "S01", "S05", "beta", "alpha"),
        PairMark(2, "slide", "S01", "S09", "alpha", "delta", status="retired"),
    )
    assert figures_asked(opened).pairs == (("alpha", "beta"),)
