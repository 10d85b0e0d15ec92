"""The embedding panel: what it says of an encoder, what it keeps, and what it does."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.embed.stopping import stop_is_wanted
from napari_lookalike.core.encoders import DEFAULT_ENCODER
from napari_lookalike.core.pipeline.embed import EmbedReport
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.core.project import Project
from napari_lookalike.core.tissue import TissueSettings
from napari_lookalike.session.embed_settings import EmbedSettings, embed_settings
from napari_lookalike.session.opening import close_project, new_project, open_project
from napari_lookalike.session.session import JobStatus, Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.panels.embedding import EmbeddingPanel
from napari_lookalike.ui.widgets.tissue_form import FIELDS

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
    qtbot.waitUntil(lambda: panel._run is None, timeout=WAIT_MS)


def test_without_a_project_nothing_can_be_done(panel):
    assert not panel.settings.isEnabled()
    assert not panel.buttons.embed.isEnabled()
    assert panel.state.text() == "Open or make a project first."


def test_the_default_encoder_is_described(opened):
    assert opened.encoder.currentData() == DEFAULT_ENCODER
    assert "ships with the program" in opened.card.status.text()
    assert "Licence: BSD-3-Clause" in opened.card.about.text()
    assert not opened.card.file.isVisible()


def test_a_gated_encoder_says_what_it_needs_and_takes_a_weight_file(opened, session):
    gated = "uni2-h"
    pick(opened, gated)
    assert session.project.settings.encoder == gated
    assert "Gated: ask for access first" in opened.card.about.text()
    assert opened.card.file.isVisible()
    assert session.embedded == frozenset()
    assert opened.state.text() == "0 of 24 slides have features by this encoder."
    opened.card.weights_chosen.emit("/nowhere/weights.safetensors")
    assert session.project.settings.weights == "/nowhere/weights.safetensors"
    assert "/nowhere" not in opened.card.about.text() + opened.card.status.text()
    pick(opened, DEFAULT_ENCODER)
    assert session.project.settings.weights is None
    assert Project.open(session.project.root).settings.encoder == DEFAULT_ENCODER


def test_an_encoder_that_is_not_in_the_catalogue_is_shown_by_its_name(panel, session, tiny):
    tiny.save(settings=replace(tiny.settings, encoder="imported:uni_v2"))
    open_project(session, tiny.root)
    assert panel.encoder.currentText() == "imported:uni_v2"


def test_an_encoder_can_be_chosen_by_its_name(opened, session, answers, told):
    answers(getText=[("", False), ("vit_small", True), (" timm:vit_small_patch16_224 ", True)])
    pick(opened, "")
    assert opened.encoder.currentData() == DEFAULT_ENCODER
    assert told == []
    pick(opened, "")
    assert session.project.settings.encoder == DEFAULT_ENCODER
    assert "begins with timm: or hf-hub:" in told[0]
    pick(opened, "")
    assert session.project.settings.encoder == "timm:vit_small_patch16_224"
    assert opened.encoder.currentText() == "timm:vit_small_patch16_224"
    assert opened.encoder.itemData(opened.encoder.count() - 1) == ""  # it stays the last one
    assert opened.card.file.isVisible()


def test_the_slide_on_the_screen_is_stopped_where_it_is(opened, session, runs):
    path = session.project.features_path("S01")
    opened.buttons.embed.click()
    opened.buttons.stop_here_requested.emit()
    assert session.notice.text == "Slide S01 is finished already."
    parts_folder(path).mkdir(parents=True)
    opened.buttons.stop_here_requested.emit()
    assert stop_is_wanted(parts_folder(path))
    assert session.notice.text == "Slide S01 is left at what is done."
    assert runs.cancelled == []  # the others go on
    session.slide_id = "S09"
    session.embedded = frozenset()
    opened.buttons.first.click()
    runs.asked[0].on_error(JobCancelled("stopped"))
    assert "S01" not in runs.asked[1].args[1]  # it is not gone on with behind the user's back
    opened._run = None
    opened.buttons.embed_requested.emit()
    assert "S01" in runs.asked[2].args[1]


def test_it_counts_what_is_ready(opened, session):
    assert opened.state.text() == "0 of 24 slides have features by this encoder." or (
        opened.state.text() == "24 of 24 slides have features by this encoder."
    )
    session.embedded = frozenset({"S01", "S02"})
    assert opened.state.text() == "2 of 24 slides have features by this encoder."
    assert opened.buttons.embed.isEnabled()
    session.embedded = frozenset(s.slide_id for s in session.cohort)
    assert opened.buttons.embed.isEnabled()  # slides whose thresholds changed can be done again
    session.cohort = Cohort(tuple(replace(s, excluded=True) for s in session.cohort))
    assert not opened.buttons.embed.isEnabled()


def test_the_model_is_to_be_asked_about_what_was_embedded(opened, session):
    opened._done(session.project.root, EmbedReport(done=("S01", "S02"), tiles=8))
    assert session.unasked == {"S01", "S02"}
    assert "2 slides embedded (8 tiles" in opened.report.text()
    session.cohort = session.cohort.with_record(replace(session.cohort["S01"], excluded=True))
    assert opened.state.text() == "23 of 23 slides have features by this encoder."
    close_project(session)
    assert opened.state.text() == "Open or make a project first."
    assert session.unasked == frozenset()


# ---- which slide comes first, and where to stop


@pytest.fixture
def runs(opened, monkeypatch):
    """What the panel asked the runner for, with nothing done; and what it cancelled."""
    asked, cancelled = [], []

    def run(function, *args, title, on_result=None, on_error=None, **options):
        asked.append(SimpleNamespace(function=function, args=args, on_error=on_error, **options))
        return len(asked)

    monkeypatch.setattr(opened.runner, "run", run)
    monkeypatch.setattr(opened.runner, "cancel", cancelled.append)
    return SimpleNamespace(asked=asked, cancelled=cancelled)


def test_the_slide_that_is_looked_at_comes_first(opened, session, runs):
    session.slide_id = "S07"
    opened.buttons.embed.click()
    [job] = runs.asked
    root, order = job.args
    assert root == session.project.root
    assert order[:3] == ("S07", "S01", "S02")
    assert len(order) == 24


def test_another_slide_is_brought_to_the_front_of_a_run(opened, session, runs):
    session.slide_id = "S07"
    session.embedded = frozenset({"S01"})
    opened.buttons.embed.click()
    assert opened.buttons.first.isHidden()  # it is at the front
    session.slide_id = "S01"
    assert opened.buttons.first.isHidden()  # it is done
    session.slide_id = "S09"
    assert opened.buttons.first.text() == "Embed S09 first"
    assert "S09" in opened.buttons.first.toolTip()
    opened.buttons.first.click()
    assert runs.cancelled == [1]
    runs.asked[0].on_error(JobCancelled("stopped"))
    assert runs.asked[1].args[1][0] == "S09"
    assert session.notice is None  # it was not the user's wish to stop


def test_a_run_of_another_project_is_shown_as_that(opened, session, runs, tmp_path):
    opened.buttons.embed.click()
    session.jobs = (JobStatus(1, "Embedding", 1, 2, "Slide 1 of 24"),)
    close_project(session)
    assert not opened.settings.isEnabled()
    assert opened.buttons.text.text() == "Another project: Slide 1 of 24"
    opened.buttons.cancel.click()  # it can still be stopped
    assert runs.cancelled == [1]
    runs.asked[0].on_error(JobCancelled("stopped"))
    assert session.notice.text.startswith("Stopped. Finished slides stay.")


def test_a_run_that_is_cancelled_is_not_begun_again(opened, session, runs):
    opened.buttons.embed.click()
    opened.buttons.cancel.click()
    runs.asked[0].on_error(JobCancelled("stopped"))
    assert len(runs.asked) == 1
    assert session.notice.text.startswith("Stopped. 24 of 24 slides have features")


def test_settings_of_this_computer_go_with_the_job_and_are_kept(opened, runs, own_user_file):
    opened.buttons.embed.click()
    assert not hasattr(runs.asked[0], "device")
    opened._run = None
    opened.how.batch.setValue(64)
    opened.how.cluster.setText(" local:2 ")
    opened.how.cluster.editingFinished.emit()
    opened.buttons.embed.setEnabled(True)
    opened.buttons.embed.click()
    assert (runs.asked[1].batch, runs.asked[1].dask) == (64, "local:2")
    assert embed_settings() == EmbedSettings(batch=64, cluster="local:2")


def test_a_card_that_the_encoder_does_not_use_is_told_where_it_is_chosen(opened):
    box = opened.how.device
    opened.encoder.setCurrentIndex(opened.encoder.findData("lookalike-base"))
    opened.encoder.activated.emit(opened.encoder.currentIndex())
    assert opened.how.device_note.isHidden()
    box.choose("cuda:0")
    box.activated.emit(box.currentIndex())
    assert "computes on the CPU: cuda:0 is not used" in opened.how.device_note.text()
    assert not opened.how.device_note.isHidden()
    box.choose("cpu")
    box.activated.emit(box.currentIndex())
    assert opened.how.device_note.isHidden()


def test_the_stain_normalisation_belongs_to_the_project(opened, session):
    box = opened.how.stain
    box.setCurrentIndex(box.findData("macenko"))
    box.activated.emit(box.currentIndex())
    assert Project.open(session.project.root).settings.stain_normalisation == "macenko"


@pytest.mark.slow
def test_devices_are_looked_for_in_the_child_process_when_the_list_is_opened(qtbot, opened):
    box = opened.how.device
    assert [box.itemData(i) for i in range(box.count())] == ["auto", "cpu"]
    box.showPopup()
    box.hidePopup()
    qtbot.waitUntil(lambda: box.itemText(0).startswith("Automatic: "), timeout=WAIT_MS)
    assert box.itemData(box.count() - 1) == "cpu"
    assert box.currentData() == "auto"


def test_thresholds_are_kept_and_tried_on_the_open_slide(qtbot, opened, session):
    heard = []
    session.events.tissue.connect(lambda new: heard.append(new))
    opened.tissue.form["min_tissue"].value = 0.6
    opened.tissue.form["min_tissue"].value = 0.65
    qtbot.waitUntil(lambda: bool(heard))
    assert len(heard) == 1
    assert session.tissue == replace(TissueSettings(), min_tissue=0.65)
    assert Project.open(session.project.root).settings.tissue == session.tissue


def test_fields_that_the_form_rounds_are_left_alone(qtbot, panel, session, tiny):
    odd = replace(TissueSettings(), min_density=0.0351234)
    tiny.save(settings=replace(tiny.settings, tissue=odd))
    open_project(session, tiny.root)
    panel.tissue.form["max_pen"].value = 0.3
    qtbot.waitUntil(lambda: session.tissue is not None)
    assert session.tissue == replace(odd, max_pen=0.3)


def test_every_threshold_of_the_form_is_one_of_the_settings(opened):
    for name in FIELDS:
        assert hasattr(TissueSettings(), name)
        assert opened.tissue.form[name].tooltip
    for control in (opened.encoder, opened.buttons.embed, opened.show_tissue, opened.other_stains):
        assert control.toolTip()


def test_the_tissue_mask_is_switched_here_and_elsewhere(opened, session):
    opened.show_tissue.click()
    assert session.show_tissue
    session.show_tissue = False
    assert not opened.show_tissue.isChecked()


def test_a_read_only_project_keeps_its_settings(qtbot, panel, session, tiny, told, monkeypatch):
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda _root: False)
    open_project(session, tiny.root)
    pick(panel, "uni2-h")
    assert panel.encoder.currentData() == DEFAULT_ENCODER
    panel.other_stains.click()
    assert not panel.other_stains.isChecked()
    assert sum("read-only: nothing was changed" in t for t in told) == 2


@pytest.mark.slow
def test_embedding_goes_on_past_what_cannot_be_embedded(qtbot, panel, session, three, told):
    assert panel.state.text() == "0 of 3 slides have features by this encoder."
    qtbot.mouseClick(panel.buttons.embed, LEFT)
    assert not panel.buttons.embed.isEnabled()
    qtbot.waitUntil(
        lambda: panel.buttons.bar.isVisible() and panel.buttons.cancel.isVisible(), timeout=WAIT_MS
    )
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
    assert panel.buttons.embed.isEnabled()
    assert not panel.buttons.bar.isVisible()


@pytest.mark.slow
def test_a_result_for_a_project_that_was_left_is_not_taken_for_this_one(
    qtbot, panel, session, three, tiny
):
    qtbot.mouseClick(panel.buttons.embed, LEFT)
    open_project(session, tiny.root)
    ready = session.embedded
    done(qtbot, panel)
    assert session.failures == {}
    assert session.embedded == ready


def test_it_can_be_cancelled(qtbot, opened, session, told):
    session.embedded = frozenset()
    if not opened.buttons.embed.isEnabled():
        pytest.fail("the button must be enabled where features are missing")
    opened.buttons.embed.click()
    opened.buttons.cancel.click()
    done(qtbot, opened)
    [said] = told
    assert said.startswith("info: Stopped. ")
    assert "every tile that is done is kept" in said
    assert not opened.buttons.bar.isVisible()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced by a folder there")
def test_a_job_that_fails_is_a_sentence(qtbot, opened, session, told):
    session.embedded = frozenset()
    (session.project.root / "project.json").unlink()
    for backup in session.project.root.glob("project.json*"):
        backup.unlink()
    opened.buttons.embed.click()
    done(qtbot, opened)
    assert any(t.startswith("error: ") for t in told)
    assert opened.buttons.cancel.isHidden()
