"""What the panel Embed shows, from the session alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.session.test_early_view import early

from napari_lookalike.core.pipeline.embed import EmbedReport
from napari_lookalike.session.embed_view import (
    NO_PROJECT,
    TOLD,
    Run,
    device_note,
    embed_order,
    report_lines,
    resolve_embed,
    summary_of,
)
from napari_lookalike.session.session import JobStatus, Session

JOB = 3


def run(session, first="S01"):
    return Run(JOB, session.project.root, first)


@pytest.fixture
def running(opened):
    opened.jobs = (JobStatus(1, "Map"), JobStatus(JOB, "Embedding", 5, 10, "Slide 1 of 24"))
    return opened


def test_a_device_that_the_encoder_makes_no_use_of_is_told():
    sentence = "Lookalike base computes on the CPU: cuda:0 is not used."
    assert device_note("lookalike-base", "cuda:0") == sentence
    assert [device_note("lookalike-base", d) for d in ("auto", "cpu")] == ["", ""]
    assert device_note("uni", "cuda:0") == device_note("timm:resnet18", "cuda:0") == ""
    assert sentence in summary_of(EmbedReport(note=sentence))


def test_without_a_project():
    view = resolve_embed(Session(), None)
    assert (view.state, view.can_embed, view.first) == (NO_PROJECT, False, "")


def test_before_it_runs(opened):
    view = resolve_embed(opened, None)
    assert view.state == "0 of 24 slides have features by this encoder."
    assert view.can_embed and view.settable
    assert view.embed_text == "Embed the slides (S01 first)"
    assert view.first == ""  # the button says so itself
    assert view.running is None


def test_while_it_runs(running):
    view = resolve_embed(running, run(running))
    assert not view.can_embed
    assert view.enabled and not view.settable
    assert (view.running.done, view.running.total) == (5, 10)
    assert view.first == ""  # S01 is at the front already
    running.slide_id = "S05"
    assert resolve_embed(running, run(running)).first == "S05"
    assert resolve_embed(running, run(running)).first_text == "Embed S05 first"


def test_a_run_of_another_project(running):
    other = Run(JOB, running.project.root / "other", "S01")
    running.early = early(running)
    view = resolve_embed(running, other)
    assert view.running is not None and view.elsewhere
    assert (view.can_embed, view.first, view.stoppable) == (False, "", "")
    assert view.enabled and view.settable


@pytest.mark.parametrize("why", ["done", "excluded", "none open"])
def test_a_slide_that_need_not_be_brought_forward(opened, why):
    if why == "done":
        opened.embedded = frozenset({"S01"})
    elif why == "excluded":
        opened.cohort = opened.cohort.with_record(replace(opened.cohort["S01"], excluded=True))
    else:
        opened.slide_id = None
    assert resolve_embed(opened, None).embed_text == "Embed the slides"
    assert resolve_embed(opened, run(opened, "S05")).first == ""


def test_a_slide_that_was_stopped_early_can_be_gone_on_with(opened):
    opened.embedded, opened.coverage = frozenset({"S01"}), 0.12
    assert resolve_embed(opened, run(opened, "S05")).first == "S01"


def test_stopping_needs_an_early_answer_and_a_job(running):
    assert resolve_embed(running, run(running)).stoppable == ""
    running.early = early(running)
    view = resolve_embed(running, run(running))
    assert view.stoppable == "S01"
    assert view.stop_text == "Good enough: stop S01 at 25 %"
    assert resolve_embed(running, None).stoppable == ""
    running.early = early(running, with_result=False)  # coverage alone is no answer
    assert resolve_embed(running, run(running)).stoppable == ""


def test_the_order(opened):
    assert embed_order(opened.cohort, "S03")[:4] == ("S03", "S01", "S02", "S04")
    assert embed_order(opened.cohort, None)[:2] == ("S01", "S02")
    opened.cohort = opened.cohort.with_record(replace(opened.cohort["S03"], excluded=True))
    assert "S03" not in embed_order(opened.cohort, "S03")


def test_errors_are_told_slide_by_slide_and_not_without_end():
    text = report_lines({"S01": "no <tissue>"}, ["1 slide embedded."])
    assert text == "1 slide embedded.<br><b>S01</b>: no &lt;tissue&gt;"
    many = report_lines({f"S{i}": "bad" for i in range(TOLD + 3)}, [])
    assert "3 more slides" in many
    assert many.count("bad") == TOLD


def test_a_run_is_summed_up():
    found = EmbedReport(
        done=("S1", "S2"),
        tiles=12345,
        tiles_per_second=118.4,
        partial={"S2": 0.12},
        damaged={"S1": "it cannot be read"},
    )
    assert summary_of(found) == (
        "2 slides embedded (12,345 tiles, 118 per second).",
        "S2 was left at 12 % of its tiles.",
        "Made again, since the former features were damaged: S1.",
    )
    assert len(summary_of(EmbedReport())) == 1
