"""Any two versions side by side, and the list of versions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import FIRST, SECOND, tiny_project

from napari_lookalike.core.comparison import verdict
from napari_lookalike.core.results import load_results
from napari_lookalike.core.version_compare import changed_slides, compare_versions
from napari_lookalike.core.version_list import list_versions


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tiny_project(tmp_path_factory.mktemp("versions"))


@pytest.fixture(scope="module")
def first(project):
    return load_results(project.version_dir(FIRST))


@pytest.fixture(scope="module")
def second(project):
    return load_results(project.version_dir(SECOND))


def only(results, ids, **more):
    """The same version, asked about fewer slides."""
    stored = results.metrics["slides"]
    rows = [i for i, s in enumerate(stored["slide_ids"]) if s in ids]
    columns = {k: [v[i] for i in rows] if k != "classes" else v for k, v in stored.items()}
    slides = {s: r for s, r in results.slides.items() if s in ids}
    return replace(results, slides=slides, metrics={**results.metrics, "slides": columns}, **more)


def test_either_way_round_is_the_same_with_the_sign_turned(first, second):
    there, back = compare_versions(first, second), compare_versions(second, first)
    one, two = (f.figures["pairs"]["alpha | beta"]["confusion"] for f in (there, back))
    assert one["before"] == two["after"] > one["after"] == two["before"] == 0.0
    assert one["difference"]["value"] == -two["difference"]["value"]
    assert one["before_interval"][0] <= one["before"] <= one["before_interval"][1]
    assert one["after_interval"] == [0.0, 0.0]
    assert (there.before, there.after, there.shared) == (FIRST, SECOND, 24)
    assert there.notes == ()


def test_changed_slides_are_those_that_were_confused(first, second):
    changed = changed_slides(first, second)
    assert changed
    for slide in changed:
        assert slide.turn == "mended"
        assert slide.after == slide.label != slide.before
        assert slide.share_after == pytest.approx(second.slides[slide.slide_id].probabilities.max())
    assert {c.turn for c in changed_slides(second, first)} == {"spoiled"}
    assert changed_slides(first, first) == ()


def test_figures_are_of_the_slides_that_both_held_out(first, second):
    some = set(list(second.slides)[:12])
    found = compare_versions(first, only(second, some))
    assert found.figures["n_slides"] == found.shared == 12
    assert "Compared on 12 slides" in found.notes[0]
    other = {s for s in first.slides if s not in some}
    apart = compare_versions(only(first, other), only(second, some))
    assert apart.figures is None
    assert (apart.shared, apart.changed, apart.moved) == (0, (), None)
    assert "No slide was held out by both" in apart.notes[0]


def test_a_slide_that_was_relabelled_is_not_compared(first, second):
    stored = second.metrics["slides"]
    true = [(stored["true"][0] + 1) % 6, *stored["true"][1:]]
    relabelled = replace(second, metrics={**second.metrics, "slides": {**stored, "true": true}})
    found = compare_versions(first, relabelled)
    assert found.figures["n_slides"] == 23
    assert any("1 slide has another label" in n for n in found.notes)


def test_other_folds_and_other_encoders_are_said(first, second):
    turned = {s: replace(r, fold=(i // 4) % 2) for i, (s, r) in enumerate(second.slides.items())}
    found = compare_versions(first, replace(second, slides=turned))
    assert any("Their folds differ" in n for n in found.notes)
    renumbered = {s: replace(r, fold=2 - r.fold) for s, r in second.slides.items()}
    assert compare_versions(first, replace(second, slides=renumbered)).notes == ()
    card = {**second.card, "encoder": "other-v2"}
    found = compare_versions(first, replace(second, card=card))
    assert any("tiny-v1 and other-v2" in n for n in found.notes)


def test_what_evidence_tiles_did_is_not_lost(first, second):
    taught = {**second.metrics, "evidence": {"sentence": "The 4 evidence tiles did harm."}}
    found = compare_versions(first, replace(second, metrics=taught))
    assert "The 4 evidence tiles did harm." in verdict(found.figures)
    assert "evidence" not in compare_versions(first, second).figures


def test_versions_are_listed_with_what_made_them(project):
    one, two = list_versions(project)
    assert (one.version, one.parent, one.in_use) == (FIRST, "", True)
    assert (two.version, two.parent, two.in_use) == (SECOND, FIRST, False)
    assert (one.head, one.encoder, one.slides, one.problem) == ("abmil", "tiny-v1", 24, "")
    figure = two.figures["balanced_accuracy"]
    assert figure["low"] <= figure["value"] <= figure["high"]


def test_a_damaged_version_is_listed_with_its_problem(tmp_path):
    project = tiny_project(tmp_path)
    (project.version_dir(SECOND) / "metrics.json").write_text("{")
    one, two = list_versions(project)
    assert one.problem == ""
    assert "damaged" in two.problem


def test_nothing_moved_where_nothing_changed(first):
    assert compare_versions(first, first).moved == 0.0
    assert np.isfinite(compare_versions(first, first).figures["accuracy"]["before"])
