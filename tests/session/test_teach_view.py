"""What the look-alikes and teach panels say, and the trial of a new model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ModelError, ProjectError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, Projection, SlideResult
from napari_lookalike.session import trial
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import marked_subtypes, resolve_table
from napari_lookalike.session.teach_view import resolve_teach

LABELS = {"s1": "alpha", "s2": "beta", "s3": "alpha", "s4": "gamma"}


def mark(a, b, strength, i=1, **more) -> PairMark:
    return PairMark(i, "slide", a, b, LABELS[a], LABELS[b], strength, **more)


def results(version: str, **metrics) -> ModelResults:
    return ModelResults(version, ("alpha", "beta", "gamma"), metrics=metrics)


@pytest.fixture
def session(tmp_path) -> Session:
    records = tuple(SlideRecord(s, Path("x"), label=label) for s, label in LABELS.items())
    project = Project.create(tmp_path / "project", Cohort(records))
    for version in ("m001-supcon", "m002-expert"):
        folder = project.version_dir(version)
        folder.mkdir(parents=True)
        (folder / "model.json").write_text("{}")
    return Session(project=project, cohort=project.cohort)


def figures(before, after, low, high):
    value = after - before
    return {
        "before": before,
        "after": after,
        "difference": {"value": value, "low": low, "high": high},
    }


def comparison(confused_high=-0.05, beta_after=0.4):
    return {
        "before": "m001-supcon",
        "n_slides": 4,
        "pairs": {
            "alpha | beta": {
                "confusion": figures(0.4, 0.2, -0.3, confused_high),
                "margin": figures(0.1, 0.3, 0.1, 0.3),
            }
        },
        "marked_pairs": {"confusion": figures(0.4, 0.2, -0.3, confused_high)},
        "balanced_accuracy": figures(0.6, 0.7, -0.1, 0.2),
        "per_class_recall": {
            "alpha": {**figures(0.5, 0.7, 0.0, 0.3), "n": 2},
            "beta": {**figures(0.6, beta_after, -0.3, -0.1), "n": 1},
        },
        "got_worse": ["beta"] if beta_after < 0.6 else [],
    }


def on_trial(session, **more):
    session.results = results("m001-supcon")
    trial.show_new_model(session, results("m002-expert", comparison=comparison(**more)))


# ---- the table


def test_no_marks_say_how_to_begin(session):
    assert "Ctrl-click two slides" in resolve_table(session).empty
    assert resolve_table(Session()).empty == "No project is open."


def test_demands_take_the_strongest_mark_of_each_pair(session):
    session.marks = (
        mark("s1", "s2", 0.5),
        mark("s3", "s2", 1.0, 2),
        mark("s1", "s4", 0.9, 3, status="retired"),
    )
    view = resolve_table(session)
    (demand,) = view.demands
    assert (demand.pair, demand.marks, demand.weight) == ("alpha / beta", 2, 1.0)
    # tau 0.1, gamma 8: methods give tau * ln(8)
    assert demand.margin == pytest.approx(0.1 * np.log(8.0), abs=1e-6)
    assert "2 active marks on 1 subtype pair, 1 retired" in view.summary
    assert marked_subtypes(session) == (("alpha", "beta"),)


def test_marks_that_are_not_used_are_counted_with_their_reason(session):
    session.marks = (mark("s1", "s2", 0.5), mark("s1", "s4", 0.5, 2))
    session.cohort = session.cohort.without("s4")
    assert "1 mark not used: joins a slide that is no longer" in resolve_table(session).summary


# ---- what can be trained


def test_a_first_model_needs_no_marks(session):
    view = resolve_teach(session)
    assert (view.action, view.obstacle) == ("Train a first model", "")
    assert not view.fine_tune
    assert "4 labelled slides of 3 subtypes" in view.used


def test_fine_tuning_needs_a_mark(session):
    session.results = results("m001-supcon")
    assert "Mark two look-alikes" in resolve_teach(session).obstacle
    session.marks = (mark("s1", "s2", 0.5),)
    assert resolve_teach(session).obstacle == ""


def test_no_project_or_one_subtype_is_an_obstacle(session):
    assert "project" in resolve_teach(Session()).obstacle
    session.cohort = Cohort((SlideRecord("s1", Path("x"), label="alpha"),))
    assert "two subtypes" in resolve_teach(session).obstacle


def test_the_model_in_use_is_named_with_its_figure(session):
    session.results = results(
        "m001-supcon", balanced_accuracy={"value": 0.7, "low": 0.6, "high": 0.8}
    )
    assert "m001-supcon" in resolve_teach(session).model
    assert "70 % (60 to 80)" in resolve_teach(session).model


# ---- before and after


def test_rows_hold_both_figures_and_a_tone_where_it_is_sure(session):
    on_trial(session)
    view = resolve_teach(session)
    by_name = {row.name: row for row in view.outcome.rows}
    confused = by_name["alpha / beta: confused"]
    assert (confused.before, confused.after) == ("40 %", "20 %")
    assert confused.change == "−20 points (−30 to −5)"
    assert confused.tone == "good"
    assert by_name["alpha / beta: margin (cosine)"].tone == "good"
    assert by_name["Balanced accuracy"].tone == ""
    assert by_name["beta: recall (1 slide)"].tone == "bad"


def test_classes_that_fell_are_said_once_and_first(session):
    on_trial(session)
    view = resolve_teach(session)
    assert view.outcome.fell == ("beta: recall fell from 60 % to 40 % (1 slide).",)
    assert "Got worse" not in view.outcome.verdict
    session.results_before = None
    on_trial(session, beta_after=0.8)
    assert resolve_teach(session).outcome.fell == ()


def test_the_verdict_says_when_it_may_be_chance(session):
    on_trial(session, confused_high=0.1)
    assert "may be chance" in resolve_teach(session).outcome.verdict
    assert {r.name: r.tone for r in resolve_teach(session).outcome.rows}[
        "alpha / beta: confused"
    ] == ""


def test_a_comparison_with_another_model_is_not_shown(session):
    session.results = results("m000")
    trial.show_new_model(session, results("m002-expert", comparison=comparison()))
    view = resolve_teach(session)
    assert view.outcome.rows == ()
    assert "not compared" in view.outcome.verdict


# ---- keep or roll back


def test_the_first_model_is_in_use_at_once(session):
    trial.show_new_model(session, results("m001-supcon"))
    assert session.project.current_version == "m001-supcon"
    assert session.results_before is None


def test_keep(session):
    session.project.set_current_version("m001-supcon")
    on_trial(session)
    assert session.project.current_version == "m001-supcon"
    assert "first" in resolve_teach(session).obstacle
    trial.keep(session)
    assert session.project.current_version == "m002-expert"
    assert session.results.version == "m002-expert"
    assert session.results_before is None


def test_roll_back_brings_model_and_map_back(session):
    session.project.set_current_version("m001-supcon")
    old = Projection("m001-supcon", "umap", (), np.empty((0, 2), np.float32))
    session.projection = old
    on_trial(session)
    session.projection = replace(old, version="m002-expert")
    trial.roll_back(session)
    assert session.project.current_version == "m001-supcon"
    assert session.results.version == "m001-supcon"
    assert session.projection is old
    assert session.projection_before is None
    trial.roll_back(session)  # a second press does nothing
    assert session.results.version == "m001-supcon"


def test_any_version_can_be_tried_against_the_one_in_use(session):
    session.results = results("m002-expert")
    session.project.set_current_version("m002-expert")
    trial.try_version(session, results("m001-supcon"))
    assert (session.results_before.version, session.results.version) == (
        "m002-expert",
        "m001-supcon",
    )
    assert session.project.current_version == "m002-expert"
    with pytest.raises(ModelError, match="on trial already"):
        trial.try_version(session, results("m001-supcon"))
    trial.roll_back(session)
    assert session.results.version == "m002-expert"
    with pytest.raises(ModelError, match="in use"):
        trial.try_version(session, results("m002-expert"))


def test_any_version_can_be_put_in_use_and_that_undone(session):
    session.results = results("m002-expert")
    session.project.set_current_version("m002-expert")
    trial.use_version(session, results("m001-supcon"))
    assert session.project.current_version == "m001-supcon"
    assert (session.results.version, session.results_before) == ("m001-supcon", None)
    session.history.undo()
    assert session.project.current_version == "m002-expert"
    assert session.results.version == "m002-expert"
    session.history.redo()
    assert session.results.version == "m001-supcon"
    done = session.history_changed
    trial.use_version(session, results("m001-supcon"))  # it is in use: nothing to undo
    assert session.history_changed == done


def test_using_the_model_on_trial_ends_the_trial_with_its_map(session):
    on_trial(session)
    session.projection = Projection("m002-expert", "umap", (), np.empty((0, 2), np.float32))
    map_ = session.projection
    trial.use_version(session, results("m002-expert"))
    assert session.project.current_version == "m002-expert"
    assert (session.results_before, session.projection) == (None, map_)
    session.history.undo()
    assert session.results_before.version == "m001-supcon"


def test_slides_whose_prediction_changed_are_listed_the_spoiled_first(session):
    def said(version, *best):
        p = np.eye(3, dtype=np.float32) * 0.6 + 0.1
        z = np.zeros(3, np.float32)
        slides = {
            s: SlideResult(s, p[b], z, z[None], True, 0) for s, b in zip(LABELS, best, strict=True)
        }
        held = {"classes": ["alpha", "beta", "gamma"], "slide_ids": list(LABELS)}
        metrics = {"slides": {**held, "true": [0, 1, 0, 2]}}
        return ModelResults(version, ("alpha", "beta", "gamma"), slides, metrics)

    session.results = said("m001-supcon", 0, 0, 0, 2)
    trial.show_new_model(session, said("m002-expert", 1, 1, 0, 2))
    outcome = resolve_teach(session).outcome
    assert [(r.slide_id, r.tone) for r in outcome.changed] == [("s1", "bad"), ("s2", "good")]
    assert outcome.changed[0].text == "s1: alpha (70 %) → beta (70 %), now wrong"
    assert outcome.changed_title == (
        "The prediction of 2 of 4 slides changed: 1 now right, 1 now wrong."
    )


def test_a_project_that_cannot_be_written_keeps_the_trial(session, monkeypatch):
    on_trial(session)
    monkeypatch.setattr(session.project, "read_only", True)
    with pytest.raises(ProjectError, match="read-only"):
        trial.keep(session)
    assert session.results_before is not None


def test_what_evidence_tiles_did_is_said_where_the_model_is_offered(session):
    harm = "The 4 evidence tiles did harm on held-out slides."
    effect = {"sentence": harm, "keep": False}
    for compared in (comparison(), {**comparison(), "evidence": harm}):
        session.results_before = results("m001-supcon")
        session.results = results("m002-expert", comparison=compared, evidence=effect)
        outcome = resolve_teach(session).outcome
        assert " ".join((outcome.verdict, *outcome.notes)).count(harm) == 1
