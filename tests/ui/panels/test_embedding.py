"""The embedding panel: what it says of an encoder, what it keeps, and what it does."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS
from napari_lookalike.core.pipeline.embed import EmbedReport
from napari_lookalike.core.pipeline.predict import PredictReport, predict_slides
from napari_lookalike.core.project import Project
from napari_lookalike.core.tissue import TissueSettings
from napari_lookalike.session.opening import close_project, new_project, open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.panels.embedding import FIELDS, EmbeddingPanel

WAIT_MS = 90_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def runner(qapp, session):
    runner = JobRunner(session)
    yield runner
    runner.close()


@pytest.fixture
def panel(qtbot, session, runner):
    panel = EmbeddingPanel(session, runner)
    qtbot.addWidget(panel)
    panel.resize(420, 600)
    panel.show()
    return panel


@pytest.fixture
def opened(panel, session, tiny):
    open_project(session, tiny.root)
    return panel


@pytest.fixture
def told(session):
    heard = []
    session.events.notice.connect(lambda n: heard.append(f"{n.kind}: {n.text}") if n else None)
    return heard


def section(path, dark):
    """A slide of 750 by 600 µm with a section on it, or with glass alone."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:1200, :1500]
    pixels = np.full((1200, 1500, 3), 243, np.uint8)
    if dark:
        pixels[(x - 750) ** 2 + (y - 600) ** 2 < 450**2] = (225, 165, 195)
        for cx, cy in rng.integers(350, 900, (600, 2)):
            pixels[cy : cy + 14, cx : cx + 14] = (95, 60, 140)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def three(session, tmp_path):
    """A project of three slides: sound, without mpp, and without tissue."""
    for name in ("sound", "no_mpp", "bare"):
        section(tmp_path / f"{name}.png", name != "bare")
    given = {"mpp": 0.5, "mpp_source": "user", "stain": "H&E"}
    cohort = Cohort(
        (
            SlideRecord("SOUND", tmp_path / "sound.png", **given),
            SlideRecord("NO-MPP", tmp_path / "no_mpp.png", stain="H&E"),
            SlideRecord("BARE", tmp_path / "bare.png", **given),
        )
    )
    return new_project(session, tmp_path / "three", cohort)


def pick(panel, name):
    panel.encoder.setCurrentIndex(panel.encoder.findData(name))
    panel.encoder.activated.emit(panel.encoder.currentIndex())


def done(qtbot, panel):
    qtbot.waitUntil(lambda: panel._job is None, timeout=WAIT_MS)


def test_without_a_project_nothing_can_be_done(panel):
    assert not panel.isEnabled()
    assert panel.state.text() == "Open or make a project first."


def test_the_default_encoder_is_described_with_its_weakness(opened):
    assert opened.encoder.currentData() == DEFAULT_ENCODER
    text = opened.about.text()
    assert ENCODERS.get(DEFAULT_ENCODER).note in text
    assert "weak across sites and stains" in text
    assert "Licence: BSD-3-Clause" in text
    assert not opened.weights.isVisible()


def test_a_gated_encoder_says_what_it_needs_and_takes_a_weight_file(opened, session, answers):
    [gated, *_] = [e.name for e in ENCODERS if e.item.gated]
    pick(opened, gated)
    assert session.project.settings.encoder == gated
    assert "Gated: ask for access first" in opened.about.text()
    assert opened.weights.isVisible()
    assert session.embedded == frozenset()
    assert opened.state.text() == "0 of 24 slides have features by this encoder."
    answers(getOpenFileName=[("", ""), ("/nowhere/weights.safetensors", "")])
    opened.weights.click()
    assert session.project.settings.weights is None
    opened.weights.click()
    assert session.project.settings.weights is not None
    assert "/nowhere" not in opened.about.text()
    pick(opened, DEFAULT_ENCODER)
    assert session.project.settings.weights is None
    assert Project.open(session.project.root).settings.encoder == DEFAULT_ENCODER


def test_it_counts_what_is_ready(opened, session):
    assert opened.state.text() == "0 of 24 slides have features by this encoder." or (
        opened.state.text() == "24 of 24 slides have features by this encoder."
    )
    session.embedded = frozenset({"S01", "S02"})
    assert opened.state.text() == "2 of 24 slides have features by this encoder."
    assert opened.embed.isEnabled()
    session.embedded = frozenset(s.slide_id for s in session.cohort)
    assert opened.embed.isEnabled()  # slides whose thresholds changed can be done again
    session.cohort = Cohort(tuple(replace(s, excluded=True) for s in session.cohort))
    assert not opened.embed.isEnabled()


def test_the_model_in_use_speaks_of_slides_that_came_after_it(opened, session, monkeypatch):
    asked = []
    monkeypatch.setattr(opened.runner, "run", lambda *a, **k: asked.append((a, k)) or 7)
    results = session.results
    known, new = session.cohort.slides[0].slide_id, session.cohort.slides[1].slide_id
    session.results = replace(results, slides={s: r for s, r in results.slides.items() if s != new})
    opened._done(session.project.root, EmbedReport(done=(known, new), tiles=8))
    [(args, options)] = asked
    assert args == (predict_slides, session.project.root, results.version, [new])
    options["on_result"](PredictReport((new,)))
    assert new in session.results.slides  # read again from the disk
    assert session.notice.text == "1 new slide predicted."
    session.cohort = session.cohort.with_record(replace(session.cohort["S01"], excluded=True))
    assert opened.state.text() == "23 of 23 slides have features by this encoder."
    close_project(session)
    assert opened.state.text() == "Open or make a project first."


def test_thresholds_are_kept_and_tried_on_the_open_slide(qtbot, opened, session):
    heard = []
    session.events.tissue.connect(lambda new: heard.append(new))
    opened.form["min_tissue"].value = 0.6
    opened.form["min_tissue"].value = 0.65
    qtbot.waitUntil(lambda: bool(heard))
    assert len(heard) == 1
    assert session.tissue == replace(TissueSettings(), min_tissue=0.65)
    assert Project.open(session.project.root).settings.tissue == session.tissue


def test_fields_that_the_form_rounds_are_left_alone(qtbot, panel, session, tiny):
    odd = replace(TissueSettings(), min_density=0.0351234)
    tiny.save(settings=replace(tiny.settings, tissue=odd))
    open_project(session, tiny.root)
    panel.form["max_pen"].value = 0.3
    qtbot.waitUntil(lambda: session.tissue is not None)
    assert session.tissue == replace(odd, max_pen=0.3)


def test_every_threshold_of_the_form_is_one_of_the_settings(opened):
    for name in FIELDS:
        assert hasattr(TissueSettings(), name)
        assert opened.form[name].tooltip
    for control in (opened.encoder, opened.embed, opened.show_tissue, opened.other_stains):
        assert control.toolTip()


def test_the_tissue_mask_is_switched_here_and_elsewhere(opened, session):
    opened.show_tissue.click()
    assert session.show_tissue
    session.show_tissue = False
    assert not opened.show_tissue.isChecked()


def test_a_read_only_project_keeps_its_settings(qtbot, panel, session, tiny, told, monkeypatch):
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda _root: False)
    open_project(session, tiny.root)
    [gated, *_] = [e.name for e in ENCODERS if e.item.gated]
    pick(panel, gated)
    assert panel.encoder.currentData() == DEFAULT_ENCODER
    panel.other_stains.click()
    assert not panel.other_stains.isChecked()
    assert sum("read-only: nothing was changed" in t for t in told) == 2


@pytest.mark.slow
def test_embedding_goes_on_past_what_cannot_be_embedded(qtbot, panel, session, three, told):
    assert panel.state.text() == "0 of 3 slides have features by this encoder."
    qtbot.mouseClick(panel.embed, LEFT)
    assert not panel.embed.isEnabled()
    qtbot.waitUntil(lambda: panel.bar.isVisible() and panel.cancel.isVisible(), timeout=WAIT_MS)
    done(qtbot, panel)
    assert session.embedded == {"SOUND"}
    assert panel.state.text() == "1 of 3 slides have features by this encoder."
    assert set(session.failures) == {"NO-MPP", "BARE"}
    assert "mpp" in session.failures["NO-MPP"]
    assert "level-0 pixels" in session.failures["NO-MPP"]
    assert "No tissue" in session.failures["BARE"]
    assert "1 slide embedded" in panel.report.text()
    assert "<b>NO-MPP</b>" in panel.report.text()
    assert "2 slides could not be embedded" in told[-1]
    assert panel.embed.isEnabled()
    assert not panel.bar.isVisible()


@pytest.mark.slow
def test_a_result_for_a_project_that_was_left_is_not_taken_for_this_one(
    qtbot, panel, session, three, tiny
):
    qtbot.mouseClick(panel.embed, LEFT)
    open_project(session, tiny.root)
    ready = session.embedded
    done(qtbot, panel)
    assert session.failures == {}
    assert session.embedded == ready


def test_it_can_be_cancelled(qtbot, opened, session, told):
    session.embedded = frozenset()
    if not opened.embed.isEnabled():
        pytest.fail("the button must be enabled where features are missing")
    opened.embed.click()
    opened.cancel.click()
    done(qtbot, opened)
    assert told == ["info: Stopped. What was finished is kept."]
    assert not opened.bar.isVisible()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced by a folder there")
def test_a_job_that_fails_is_a_sentence(qtbot, opened, session, told):
    session.embedded = frozenset()
    (session.project.root / "project.json").unlink()
    for backup in session.project.root.glob("project.json*"):
        backup.unlink()
    opened.embed.click()
    done(qtbot, opened)
    assert any(t.startswith("error: ") for t in told)
    assert opened.cancel.isHidden()
