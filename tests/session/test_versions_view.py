"""What the panel of model versions shows."""

from __future__ import annotations

import pytest
from tests.project_fixtures import FIRST, SECOND

from napari_lookalike.core.results import load_results
from napari_lookalike.core.version_compare import compare_versions
from napari_lookalike.core.version_list import VersionFacts, list_versions
from napari_lookalike.session import trial
from napari_lookalike.session.compare_view import resolve_compare
from napari_lookalike.session.session import Session
from napari_lookalike.session.versions_view import (
    default_against,
    figure_text,
    resolve_versions,
    version_row,
    when,
)


@pytest.fixture
def found(tiny):
    return list_versions(tiny)


def test_the_newest_stands_first_and_the_one_in_use_is_called_so(opened, found):
    view = resolve_versions(opened, found)
    assert [(r.version, r.state) for r in view.rows] == [(SECOND, ""), (FIRST, "in use")]
    assert view.empty == ""
    assert "Choose a version" in view.can_use
    assert f"from {FIRST}" in view.rows[0].details
    assert "tiny-v1" in view.rows[0].details


def test_what_can_be_done_with_the_chosen_version(opened, found):
    assert "in use" in resolve_versions(opened, found, FIRST).can_use
    view = resolve_versions(opened, found, SECOND)
    assert (view.can_use, view.can_try, view.can_reproduce) == ("", "", "")
    trial.try_version(opened, load_results(opened.project.version_dir(SECOND)))
    view = resolve_versions(opened, found, SECOND)
    assert view.can_use == ""
    assert "on trial" in view.can_try
    assert [(r.version, r.state) for r in view.rows] == [(SECOND, "on trial"), (FIRST, "in use")]


def test_a_damaged_version_can_do_nothing(opened):
    bad = (VersionFacts("m001", problem="It is damaged."),)
    view = resolve_versions(opened, bad, "m001")
    assert view.can_use == view.can_try == view.can_reproduce == "It is damaged."
    assert view.rows[0].problem == "It is damaged."


def test_without_a_project_or_a_model_it_says_so(opened):
    assert "No project" in resolve_versions(Session(), ()).empty
    assert "Train a first one" in resolve_versions(opened, ()).empty


def test_a_version_is_first_compared_with_the_one_that_it_came_from(found):
    assert default_against(found, SECOND, FIRST) == FIRST
    facts = (
        VersionFacts("m001"),
        VersionFacts("m002", parent="m001"),
        VersionFacts("m003", parent="gone"),
        VersionFacts("m004", problem="damaged"),
    )
    assert default_against(facts, "m002", "m003") == "m001"
    assert default_against(facts, "m003", "m001") == "m001"
    assert default_against(facts, "m003", "m003") == "m002"
    assert default_against(facts, "m001", "m001") == "m002"
    assert default_against(facts[:1], "m001", "m001") == ""


def test_a_row_tells_the_table_it_was_taught_with():
    row = version_row(
        VersionFacts(
            "m2", "2026-05-31T12:00:00+00:00", loss="expert", table_version="3-9f8", marks=3
        )
    )
    assert (row.how, row.marks, row.parent) == ("taught by look-alikes", "3 (9f8)", "–")
    assert row.trained.startswith("31 May")
    assert "2026-05-31" in row.details


def test_times_and_figures_that_are_not_known():
    assert when("") == when("yesterday") == "–"
    assert figure_text(None) == figure_text({"value": None}) == "–"
    assert figure_text({"value": 0.5, "low": None, "high": None}) == "50 %"
    assert figure_text({"value": 0.5, "low": 0.25, "high": 1.0}) == "50 % (25–100)"


def test_a_comparison_has_the_intervals_of_both(tiny):
    first, second = (load_results(tiny.version_dir(v)) for v in (FIRST, SECOND))
    view = resolve_compare(compare_versions(first, second))
    row = next(r for r in view.rows if "confused" in r.name)
    assert row.before.endswith("%")
    assert " to " in row.before_ends
    assert "%" not in row.before_ends
    assert row.after_ends == "0 to 0"
    assert "nearest neighbours" in view.notes[-1]
    same = resolve_compare(compare_versions(first, first))
    assert same.changed_title == "No prediction changed (24 slides)."
